"""A secret of the host policy in a real guest: the agent's command has it, and no disk of the machine."""
import os
import time

from bottle_host import BLOCK, WORK, blocks_with_data, bottle, check, with_tries
from bottles import HELLO
from case import case

CANARY = "canary-" + os.urandom(16).hex()
ENVIRONMENT = {"XDG_CONFIG_HOME": WORK + "/config", "SUITE_TOKEN": CANARY}


def with_a_secret():
    """The manifest of hello, whose command gets one."""
    os.makedirs(WORK + "/config/bottle", exist_ok=True)
    with open(WORK + "/config/bottle/config.yaml", "w") as file:
        file.write("apiVersion: bottle/v1\nkind: HostPolicy\nsecrets:\n  token: {from: {env: SUITE_TOKEN}, bottles: [hello], hosts: [api.example.com]}\n")
    path = WORK + "/hello-with-a-secret.yaml"
    with open(HELLO.file) as plain, open(path, "w") as file:
        file.write(plain.read().replace("  agent:\n", "  agent:\n    env: {API_TOKEN: {secret: token}}\n"))
    return path


def holds(path, word):
    """What lies across two blocks counts, too."""
    with open(path, "rb") as file:
        return any(word.encode() in os.pread(file.fileno(), BLOCK + len(word), offset) for offset in blocks_with_data(file.fileno()))


@case
def a_secret_reaches_the_command_and_no_disk():
    path = with_a_secret()
    check("token → api.example.com" in bottle("diff", "-f", path, expect=1, env=ENVIRONMENT), "the pair is not in the diff")
    with_tries(lambda: bottle("apply", "-f", path, "--timeout", "400s", timeout=500, env=ENVIRONMENT))
    # The command is told to start, and may take its time in there.
    code, text, end = 0, "", time.monotonic() + 120
    while code == 0 and "API_TOKEN=" not in text and time.monotonic() < end:
        code, text = HELLO.guest("for p in /proc/[0-9]*; do if tr '\\0' ' ' < $p/cmdline | grep -q '^sh -c while :'; then tr '\\0' '\\n' < $p/environ; fi; done; ls -A /dev/shm; sync")
    check(code == 0 and text.count(f"API_TOKEN={CANARY}\n") == 1, f"the command does not have it: {code}")
    check(".bottle-" not in text, "the file with it is left in the guest's memory")
    code, text = HELLO.guest("grep -c . /proc/self/environ; tr '\\0' '\\n' < /proc/self/environ")
    check(CANARY not in text, "another exec has it")
    for folder in (HELLO.root, HELLO.cache):
        for where, _, names in os.walk(folder):
            for name in names:
                file = f"{where}/{name}"
                check(os.path.islink(file) or not os.path.isfile(file) or not holds(file, CANARY), f"it stands in {file}")
    check(CANARY not in bottle("logs", "hello/machine", expect=None), "the machine's console has it")
    HELLO.must_converge()

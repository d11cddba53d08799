"""A row written by hand, and every channel through which smolvm changes a machine that runs: sealed, or seen and the machine stopped."""
import os
import socket

from bottle_host import BOTTLE, HAS_LIVE_CHANGES, WORK, check, run
from bottles import HELLO
from case import case, case_of_live_changes
from listeners import Canary
from tampering import WhenItAppears, connect, ended, write_line


@case
def what_smolvm_would_change_of_a_running_machine_is_refused_or_seen():
    """Each of smolvm's own commands: it leaves nothing, on the host and in the guest, or diff sees it and apply puts it right."""
    name = HELLO.machine
    commands = {
        "mount add": ("mount", "add", "--name", name, "-v", f"{WORK}/rootfs:/mnt/live"),
        "update --port": ("update", "--name", name, "-p", "18080:80"),
        "branch": ("branch", "--from", name, "--name", "child"),
        "resize": ("resize", "--name", name, "--cpus", "2"),
        "pause": ("pause", "--name", name),
        "resume": ("resume", "--name", name),
    }
    for words, arguments in commands.items():
        row, folder, mounts = HELLO.row(), set(os.listdir(HELLO.folder)), HELLO.guest("cat /proc/mounts")[1]
        code, text = HELLO.smolvm("machine", *arguments)
        changed = sorted(key for key, value in HELLO.row().items() if row.get(key) != value)
        left = sorted(set(os.listdir(HELLO.folder)) ^ folder)
        seen, _, _ = run(BOTTLE, "diff", "-f", HELLO.file)
        print(f"vm: smolvm machine {words}: exit {code}, row {changed}, folder {left}, diff {seen}; {text.strip()[-200:]!r}", flush=True)
        check(seen != 0 or not changed and not left, f"{words} changed something, and diff sees nothing: {text}")
        with socket.socket() as client:
            check(client.connect_ex(("127.0.0.1", 18080)) != 0, f"{words}: a port of the guest is open on the host")
        if seen == 0:
            check(HELLO.guest("cat /proc/mounts")[1] == mounts, f"{words} changed the guest's mounts")
        else:
            HELLO.must_converge()
    check("child" not in HELLO.smolvm("machine", "ls", "--json")[1], "there is a second machine")


@case
def a_sealed_machine_is_told_to_open():
    """By smolvm's own command, and by a line to a channel that was made again."""
    canary = Canary("10.99.0.1")
    code, text = HELLO.smolvm("machine", "update", "--name", HELLO.machine, "--allow-cidr", "10.99.0.1/32")
    check(code != 0, f"the live update went through: {text}")
    HELLO.must_not_reach(canary)
    if HAS_LIVE_CHANGES:
        # It changed nothing, and left its lock behind: from outside, no different from one that did.
        HELLO.must_be_detected("egress-update.lock")

    listener = socket.socket(socket.AF_UNIX)
    listener.bind(HELLO.egress_channel())
    listener.listen()
    with socket.socket(socket.AF_UNIX) as writer:
        writer.connect(HELLO.egress_channel())
        writer.sendall(b"cidr 0.0.0.0/0\n")
    HELLO.must_not_reach(canary)
    HELLO.must_be_detected("egress.sock")
    # Nobody but its owner can end a connection that was made to it.
    listener.close()
    HELLO.must_converge()
    canary.close()


@case_of_live_changes
def a_channel_that_somebody_kept_from_before_the_seal():
    """A connection, a second name: both outlive the name that the seal takes away."""
    HELLO.stop()
    channel, mine = HELLO.egress_channel(), HELLO.folder + "/../mine.sock"
    try:
        with WhenItAppears(channel, lambda path: os.link(path, mine)) as kept:
            text = HELLO.apply(expect=1, tries=1)
            kept.done()
    finally:
        if os.path.exists(mine):
            os.unlink(mine)
    check("has a second name" in text, f"apply does not say it: {text}")
    check(not HELLO.pids() and not HELLO.is_ready(), "it runs on")

    with WhenItAppears(channel, connect) as kept:
        text = HELLO.apply(expect=None, tries=1)
        client = kept.done()
    seen = "a connection to egress.sock is there" in text
    print(f"vm: a held connection: {'seen' if seen else 'not there any more'}", flush=True)
    # Either it is held, and the machine is stopped; or smolvm has ended it itself.
    check(not HELLO.pids() and not HELLO.is_ready() if seen else ended(client), f"a connection is held beside a running machine: {text}")
    client.close()


@case_of_live_changes
def a_live_update_between_start_and_seal():
    HELLO.stop()
    with WhenItAppears(HELLO.egress_channel(),
                       lambda path: HELLO.smolvm("machine", "update", "--name", HELLO.machine, "--allow-cidr", "10.99.0.1/32")) as update:
        text = HELLO.apply(expect=None, tries=1)
        code, said = update.done()
    print(f"vm: smolvm machine update beside the start: exit {code}: {said.strip()[:60]!r}", flush=True)
    if "10.99.0.1" in str(HELLO.row()["allowed_cidrs"]):
        check(not HELLO.pids() and not HELLO.is_ready(), f"it runs on: {text}")


@case_of_live_changes
def a_live_update_of_an_unsealed_machine():
    """Started by hand: smolvm's own way works, and the machine has no proof. Two rounds."""
    for _ in range(2):
        HELLO.start()
        pid = HELLO.pids()
        check(len(pid) == 1, f"VMMs: {pid}")
        HELLO.must_be_detected("start")
        code, text = HELLO.smolvm("machine", "update", "--name", HELLO.machine, "--allow-cidr", "10.99.0.1/32")
        check(code == 0, f"the live update was refused: {text}")
        HELLO.must_be_detected("10.99.0.1/32")
        HELLO.must_converge()
        check(HELLO.pids() != pid, "a boot that was found running was kept")


@case_of_live_changes
def a_line_in_the_moment_before_the_seal():
    """It leaves no trace in any file; but a new list also opens names (1.32.2), and the guest's evidence sees that."""
    HELLO.stop()
    # The lines of one connection are the new list.
    with WhenItAppears(HELLO.egress_channel(), write_line(f"cidr {HELLO.address()}/32\ncidr 10.99.0.1/32\n")) as opened:
        text = HELLO.apply(expect=1, tries=1)
        opened.done()
    check("guest: " in text and not HELLO.pids() and not HELLO.is_ready(), f"it is not the guest's evidence that stopped it: {text}")

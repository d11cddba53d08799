"""What the suite needs of the machine that it runs in: bottle, Docker, smolvm's database, processes. No module of bottle's own is used:
what is checked here is seen with other eyes."""
import errno
import glob
import hashlib
import os
import re
import shutil
import subprocess
import traceback

# Set: bottle and smolvm are run by this user, who is in the groups docker and kvm. The suite itself is root all the same: it is the host, and whoever
# tampers with it.
USER = os.environ.get("BOTTLE_SUITE_USER", "")
CHECKOUT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
BOTTLE = os.environ.get("BOTTLE", CHECKOUT + "/build/release/bottle")
SMOLVM = os.path.realpath(subprocess.check_output(["sh", "-c", "command -v smolvm"], text=True).strip())
# Of every call of smolvm, whosever machine it is.
SMOLVM_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "SMOLVM_LIB_DIR": os.path.dirname(SMOLVM), "SMOLVM_AGENT_ROOTFS_TAR": glob.glob(os.path.dirname(SMOLVM) + "/agent-rootfs.tar*")[0]}
SMOLVM_VERSION = subprocess.check_output([SMOLVM, "--version"], text=True, env=SMOLVM_ENVIRONMENT).split()[1]
# 1.4.0 and 1.8.3 change nothing of a machine that runs.
HAS_LIVE_CHANGES = SMOLVM_VERSION not in ("1.4.0", "1.8.3")
HAS_DENIAL_LOG = HAS_MOUNTED_SOCKETS = SMOLVM_VERSION != "1.4.0"
# 1.4.0 has no socket in its VM folder but the agent's.
HAS_SOMETHING_TO_SEAL = SMOLVM_VERSION != "1.4.0"
SCRATCH = os.environ["BOTTLE_SCRATCH"]
WORK = SCRATCH + ("/suite-user" if USER else "/suite")
DOCKER_SOCKET = os.environ["DOCKER_HOST"].removeprefix("unix://")
BLOCK = 1 << 20


def make_user():
    """With a home of their own; where their state lies is left to bottle."""
    if "vm.inside=" not in open("/proc/cmdline").read():
        raise SystemExit("the user is made in the emulated machine only: tests/vm/run -- tests/vm/suite --user")
    os.makedirs(SCRATCH + "/home", exist_ok=True)
    for group in ("docker", "kvm"):
        subprocess.run(["groupadd", "--force", "--system", group], check=True)
    home = f"{SCRATCH}/home/{USER}"
    subprocess.run(["useradd", "--create-home", "--home-dir", home, "--uid", "1500", "--groups", "docker,kvm", USER], check=True, stderr=subprocess.DEVNULL)
    shutil.chown(DOCKER_SOCKET, group="docker")
    os.chmod(DOCKER_SOCKET, 0o660)
    os.chmod(SCRATCH, 0o755)
    os.environ["HOME"] = home
    os.environ.pop("XDG_STATE_HOME")
    return home + "/.local/state/bottle"


STATE = make_user() if USER else os.environ["XDG_STATE_HOME"] + "/bottle"


def as_user(argv, groups=None):
    if not USER:
        return list(argv)
    kept = ["--init-groups"] if groups is None else ["--groups", groups] if groups else ["--clear-groups"]
    return ["setpriv", "--reuid", USER, "--regid", USER, *kept, *argv]


def is_ours(program):
    return program.startswith(os.path.dirname(BOTTLE) + "/")


class Failed(Exception):
    pass


class GuestDied(Failed):
    """A guest did not come up, or went away by itself: an emulated machine does that to one boot in ten, and it says nothing of bottle."""


# So often a start, or a case, is tried whose guest died.
TRIES = 5
# A start that smolvm itself calls failed, as bottle prints it, whatever the reason; and what smolvm (1.32.2) says of a guest that went away later, or in
# a start of its own.
SIGNS_OF_A_DEAD_GUEST = (r"> start \S+ FAILED [^:]*: smolvm says", "agent did not become ready", "before the agent was ready",
                         "io operation failed: connection closed", "is not running. Start it with 'smolvm machine start")


def guest_died(text):
    return any(re.search(sign, text) for sign in SIGNS_OF_A_DEAD_GUEST)


def must_live(code, text):
    """Of a command's end and what it said: raises where it failed for a guest that died."""
    if code != 0 and guest_died(text):
        raise GuestDied(text)


def told(error):
    """What is printed of an error: one that is none of the suite's own with the place where it was raised. Only while it is handled."""
    return str(error) if isinstance(error, Failed) else traceback.format_exc()


def with_tries(action, tries=TRIES, died=lambda error: isinstance(error, GuestDied), what="once more"):
    """What the action returns, tried again where its guest died. `died` is asked of whatever it fails with."""
    for left in reversed(range(tries)):
        try:
            return action()
        except Exception as error:
            if not left or not died(error):
                raise
            print(f"vm: {what}: {told(error)}", flush=True)


def check(condition, text):
    if not condition:
        raise Failed(text)


def run(*argv, env=None, timeout=240, input=None):
    argv = as_user(argv) if is_ours(argv[0]) else argv
    result = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, input=input, env={**os.environ, **(env or {})}, errors="replace")
    return result.returncode, result.stdout, result.stderr


def bottle(*arguments, expect=0, timeout=240, env=None):
    code, out, err = run(BOTTLE, *arguments, timeout=timeout, env=env)
    what = f"bottle {' '.join(arguments)} ended with {code}, not {expect}:\n{out}{err}"
    must_live(code, what)
    check(expect is None or code == expect, what)
    return out + err


def docker(*arguments, expect=0):
    code, out, err = run("docker", *arguments)
    if expect is not None:
        check(code == expect, f"docker {' '.join(arguments)} ended with {code}: {err}")
    return out.strip()


def request(address, port, path=""):
    """A shell line that tries a request in a guest. (Debian's static busybox: its wget dies with -T. smolvm 1.4.0 and 1.8.3 take a connection that they cannot pass on,
    and leave it open.)"""
    return f"printf 'GET /{path} HTTP/1.0\\r\\n\\r\\n' | timeout 20 nc -w 5 {address} {port}"


def digest(*paths):
    """Of what is in the files. A disk is nearly all hole, and an emulated processor takes minutes over zeros: a block without a byte is passed over."""
    total = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            for offset in blocks_with_data(file.fileno()):
                block = os.pread(file.fileno(), BLOCK, offset)
                if block.strip(b"\0"):
                    total.update(b"%d:" % offset + block)
            total.update(b"end at %d;" % os.fstat(file.fileno()).st_size)
    return total.hexdigest()


def blocks_with_data(fd):
    offset = 0
    while True:
        try:
            offset = os.lseek(fd, offset, os.SEEK_DATA) // BLOCK * BLOCK
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole, or the end
                return
            raise
        yield offset
        offset += BLOCK

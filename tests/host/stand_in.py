"""A place for bottles on the stand-in of smolvm 1.1.2, whose guest is a process of this host (tests/support/stand-in-smolvm/guest.h): a home of its own, a user
who is not root, a /dev whose kvm that user may open, and a private Docker (tests/support/with-dockerd). For the tests beside it.
usage of each: NAME BOTTLE STAND_IN_FOLDER [CASE...]"""
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

from cases import case, check, run_all

BOTTLE, SMOLVM = sys.argv[1], sys.argv[2]
WORK = tempfile.mkdtemp(prefix="b.", dir="/var/tmp")
HOME = WORK + "/home"
SOCKET = os.environ["DOCKER_HOST"].removeprefix("unix://")
USER = 65534
DEVICES = WORK + "/dev"
# Preflight asks for a kvm that may be opened; the stand-in does not open it.
AS_USER = ("unshare", "--mount", "--propagation", "private", "sh", "-c", f"""set -e
mount -t tmpfs -o mode=755 tmpfs {DEVICES}
while read -r name major minor; do mknod -m 0666 {DEVICES}/$name c $major $minor; done <<END
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
kvm 10 232
END
mkdir {DEVICES}/shm {DEVICES}/pts
ln -s /proc/self/fd {DEVICES}/fd
mount --bind {DEVICES} /dev
exec setpriv --reuid={USER} --regid={USER} --clear-groups "$@"
""", "sh")
IMAGE = "stand-in-web:1"


def environment(home=HOME, **more):
    return {"PATH": f"{SMOLVM}:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home, "XDG_STATE_HOME": home + "/s", "DOCKER_HOST": "unix://" + SOCKET, **more}


def run(*argv, prefix=AS_USER, home=HOME, env=None):
    result = subprocess.run([*prefix, *argv], capture_output=True, timeout=500, env=env or environment(home), cwd=HOME)
    return result.returncode, (result.stdout + result.stderr).decode(errors="replace")


def bottle(*arguments, expect, words=(), **options):
    code, text = run(BOTTLE, *arguments, **options)
    check(code == expect, f"bottle {' '.join(arguments)} ended with {code}, not {expect}:\n{text}")
    for word in words:
        check(word in text, f"{word!r} is not said:\n{text}")
    return text


def docker(*arguments):
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout


def digests():
    return {name: hashlib.sha256(open(f"{SMOLVM}/{name}", "rb").read()).hexdigest() for name in ("smolvm", "libkrun.so", "libkrunfw.so.5")}


def accepted(**changed):
    """The lines of a host policy that name this smolvm."""
    return "smolvm:\n  accept:\n    - version: 1.1.2\n      digests:\n" + "".join(f'        {name}: "{digest}"\n' for name, digest in {**digests(), **changed}.items())


def write(path, text, mode=0o644, owner=USER):
    """A file beneath the place, that belongs to its user."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)
    os.chown(path, owner, owner)


def policy(text=None, home=HOME, mode=0o644, owner=USER, opt_in=True):
    lines = f"apiVersion: bottle/v1\nkind: HostPolicy\nnetwork: {{tsiLoopback: {str(opt_in).lower()}}}\n"
    write(home + "/.config/bottle/config.yaml", lines + (accepted() if text is None else text), mode, owner)


def document(name, agent='command: [sleep, "1000"]', command='busybox, httpd, -f, -p, "9099", -h, /tmp', image=IMAGE, machine="rootfs: rootfs"):
    """A manifest: the machine's image stands in its line 5, the agent in 6, network.mode in 7."""
    return f"""apiVersion: bottle/v1
kind: Bottle
metadata: {{name: {name}}}
spec:
  machine: {{image: {{{machine}}}}}
  agent: {{{agent}}}
  network: {{mode: tsi-loopback}}
  bundle:
    containers:
      - name: web
        image: {image}
        command: [{command}]
        ports: [{{name: proxy, port: 9099}}]
"""


def manifest(name, **keys):
    write(f"{HOME}/{name}.yaml", document(name, **keys))


def order(name, text, home=HOME):
    """What the stand-in shall do otherwise; nothing: as it should."""
    with open(f"{home}/s/bottle/bottles/{name}/smolvm/home/stand-in-orders", "w") as file:
        file.write(text + "\n")


def processes():
    """What lives of the test's: its pid, and its words. The guest is told by its root."""
    found = {}
    for path in glob.glob("/proc/[0-9]*"):
        try:
            words = open(path + "/cmdline", "rb").read().decode(errors="replace").split("\0")[:-1]
            environ = open(path + "/environ", "rb").read().decode(errors="replace")
            if WORK in os.readlink(path + "/root") or (f"Uid:\t{USER}\t" in open(path + "/status").read() and WORK in " ".join(words) + environ):
                found[int(path.split("/")[2])] = words
        except OSError:
            pass
    return found


def vmms():
    return [pid for pid, words in processes().items() if any("_boot-vm" in word for word in words)]


def must_leave_nothing():
    check(docker("ps", "-aq") == "", "a container is left: " + docker("ps", "-a"))
    check("bottle-" not in docker("network", "ls"), "a network is left: " + docker("network", "ls"))
    check(vmms() == [], "a VMM is left")


def set_up():
    os.chmod(WORK, 0o755)
    os.chmod(SOCKET, 0o666)
    os.makedirs(DEVICES)
    root = HOME + "/rootfs"
    for folder in ("bin", "etc", "dev/shm", "proc", "sys", "tmp", "root"):
        os.makedirs(f"{root}/{folder}")
    os.chmod(root + "/dev/shm", 0o1777)
    shutil.copy("/bin/busybox", f"{root}/bin/busybox")
    for applet in ("sh", "sleep", "mkdir", "chown", "chmod", "cat", "rm"):
        os.symlink("busybox", f"{root}/bin/{applet}")
    for name, line in (("passwd", "root:x:0:0:root:/root:/bin/sh"), ("group", "root:x:0:")):
        with open(f"{root}/etc/{name}", "w") as file:
            file.write(line + "\n")
    subprocess.run(["chown", "-R", f"{USER}:{USER}", HOME], check=True)
    subprocess.run(f"tar -C {root} -c bin | docker import - {IMAGE}", shell=True, check=True, stdout=subprocess.DEVNULL)


def run_cases(title, prepare=lambda: None):
    """Each in the order in which it is written: they stand on one another."""
    try:
        set_up()
        prepare()
        code = run_all(title, sys.argv[3:])
    finally:
        for pid in processes():
            os.kill(pid, 9)
        shutil.rmtree(WORK, ignore_errors=True)
    sys.exit(code)

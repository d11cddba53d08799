"""A place for the commands of bottle on this very host: a folder of their own, a private Docker that is seen through a proxy, the real smolvm, and a
/dev/kvm that everybody may open, whether it starts a guest or not. Used by the tests beside it, within tests/support/with-dockerd."""
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

from cases import Failed, case, check, run_all

BOTTLE, SMOLVM = os.path.abspath(sys.argv[1]), os.environ["BOTTLE_SMOLVM"]
INSIDE = "BOTTLE_TEST_INSIDE"
# Every node that a program may want, and terminals of its own.
DEVICES = """set -e
mount -t tmpfs -o mode=755 tmpfs "$0"
for name in null zero full random urandom tty; do touch "$0/$name"; mount --bind "/dev/$name" "$0/$name"; done
mkdir "$0/shm" "$0/pts"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$0/pts"
ln -s pts/ptmx "$0/ptmx"
ln -s /proc/self/fd "$0/fd"
mknod "$0/kvm" c 10 232
chmod 666 "$0/kvm"
mount --rbind "$0" /dev
exec "$@"
"""


class DockerProxy:
    """Between bottle and Docker: notes what is asked, and holds what a test wants to be held."""

    REQUEST = re.compile(rb"^(GET|HEAD|POST|PUT|DELETE) (\S+) HTTP/1\.1\r$", re.M)

    def __init__(self, path, docker):
        self.docker, self.asked, self.held, self.free = docker, [], "", threading.Event()
        self.free.set()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.docker)
            threading.Thread(target=self.pass_on, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self.pass_on, args=(server, client, False), daemon=True).start()

    def pass_on(self, source, target, looks):
        try:
            while data := source.recv(65536):
                if looks:
                    for method, path in self.REQUEST.findall(data):
                        self.note(method.decode() + " " + path.decode())
                target.sendall(data)
        except OSError:
            pass
        for end, how in ((target, socket.SHUT_WR), (source, socket.SHUT_RD)):
            try:
                end.shutdown(how)
            except OSError:
                pass

    def note(self, request):
        self.asked.append(request)
        if self.held and re.search(self.held, request):
            self.free.wait()

    def hold(self, pattern):
        """Requests that match are not passed on until `release`."""
        self.free.clear()
        self.held = pattern

    def release(self):
        self.held = ""
        self.free.set()

    def changes(self):
        """What was asked that is not only reading."""
        return [request for request in self.asked if not request.startswith(("GET ", "HEAD "))]


def with_devices():
    """This program again, in a mount namespace whose /dev/kvm is open to all."""
    if INSIDE in os.environ:
        return
    folder = tempfile.mkdtemp(dir="/var/tmp")
    os.environ[INSIDE] = folder
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", "sh", "-c", DEVICES, folder, sys.executable, *sys.argv])


with_devices()
WORK = tempfile.mkdtemp(prefix="bottle-place.", dir="/var/tmp")
STATE = WORK + "/state"
DOCKER = DockerProxy(WORK + "/docker.sock", os.environ["DOCKER_HOST"].removeprefix("unix://"))
ENVIRONMENT = {"PATH": f"{SMOLVM}:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": WORK, "XDG_STATE_HOME": STATE, "DOCKER_HOST": f"unix://{WORK}/docker.sock", "LANG": "C.UTF-8"}


def bottle(*arguments, expect, words=(), env=None, prefix=(), input=""):
    """Without a terminal."""
    result = subprocess.run([*prefix, BOTTLE, *arguments], capture_output=True, text=True, timeout=300, env={**ENVIRONMENT, **(env or {})}, cwd=WORK, input=input)
    text = result.stdout + result.stderr
    check(result.returncode == expect, f"bottle {' '.join(arguments)} ended with {result.returncode}, not {expect}:\n{text}")
    for word in words:
        check(word in text, f"{word!r} is not said:\n{text}")
    return text


def docker(*arguments):
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout


def manifest(file, *names, cpus=2, external="false", ports=("proxy",), labels="", volume=True):
    """A file with a bottle for each name; a volume in it is data that can be lost without a machine that ever ran."""
    documents = []
    for name in names:
        documents.append(f"""apiVersion: bottle/v1
kind: Bottle
metadata: {{name: {name}, labels: {{{labels}}}}}
spec:
  machine: {{image: {{rootfs: rootfs}}, cpus: {cpus}}}
  agent: {{command: [sleep, "1000"]}}
  bundle:
    externalNetwork: {external}
    containers:
      - name: web
        image: place-web:1
        command: [sh, -c, "sleep 1000"]
        ports: [{', '.join(f'{{name: {port}, port: {9099 + number}}}' for number, port in enumerate(ports))}]
        volumes: [{'{name: cache, path: /var/cache}' if volume else ''}]
""")
    os.makedirs(os.path.dirname(f"{WORK}/{file}"), exist_ok=True)
    with open(f"{WORK}/{file}", "w") as target:
        target.write("---\n".join(documents))


def vmms():
    """Processes that run a machine of this place."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read()
        except OSError:
            continue
        if b"_boot-vm" in words and STATE.encode() in words:
            found.append(int(pid))
    return found


def files():
    """Every file and folder of the place but the rootfs, with what tells whether it was written."""
    seen = {}
    for folder, _, names in os.walk(WORK):
        if "/rootfs" in folder:
            continue
        for name in [*names, ""]:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            content = hashlib.sha256(open(path, "rb").read()).hexdigest() if os.path.isfile(path) else ""
            seen[path] = (info.st_mode, info.st_size, info.st_mtime_ns, info.st_ctime_ns, content)
    return seen


def must_leave_nothing():
    check("bottle-" not in docker("ps", "-a", "--format", "{{.Names}}"), "a container is left: " + docker("ps", "-a"))
    check("bottle-" not in docker("network", "ls"), "a network is left: " + docker("network", "ls"))
    check("bottle-" not in docker("volume", "ls"), "a volume is left: " + docker("volume", "ls"))
    check(not vmms(), "a VMM is left")


def run_cases(title):
    os.chmod(WORK, 0o755)
    for folder in ("bin", "etc", "dev", "proc", "sys", "tmp", "root"):
        os.makedirs(f"{WORK}/rootfs/{folder}")
    shutil.copy("/bin/busybox", f"{WORK}/rootfs/bin/busybox")
    os.symlink("busybox", f"{WORK}/rootfs/bin/sh")
    subprocess.run(f"tar -C {WORK}/rootfs -c bin | docker import - place-web:1", shell=True, check=True, stdout=subprocess.DEVNULL)
    try:
        code = run_all(title, sys.argv[2:], DOCKER.release)
    finally:
        shutil.rmtree(WORK, ignore_errors=True)
        shutil.rmtree(os.environ[INSIDE], ignore_errors=True)
    sys.exit(code)

"""What the suite needs of the machine that it runs in: bottle, Docker, smolvm's database, processes. No module of bottle's own is used:
what is checked here is seen with other eyes."""
import glob
import hashlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time

# Set: bottle and smolvm are run by this user, who is in the groups docker and kvm. The suite itself is root all the same: it is the host, and whoever
# tampers with it.
USER = os.environ.get("BOTTLE_SUITE_USER", "")
CHECKOUT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
BOTTLE = os.environ.get("BOTTLE", CHECKOUT + "/build/release/bottle")
SMOLVM = os.path.realpath(subprocess.check_output(["sh", "-c", "command -v smolvm"], text=True).strip())
SCRATCH = os.environ["BOTTLE_SCRATCH"]
WORK = SCRATCH + ("/suite-user" if USER else "/suite")
DOCKER_SOCKET = os.environ["DOCKER_HOST"].removeprefix("unix://")


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


def check(condition, text):
    if not condition:
        raise Failed(text)


def run(*argv, env=None, timeout=240, input=None):
    argv = as_user(argv) if is_ours(argv[0]) else argv
    result = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, input=input, env={**os.environ, **(env or {})}, errors="replace")
    return result.returncode, result.stdout, result.stderr


def bottle(*arguments, expect=0, timeout=240, env=None):
    code, out, err = run(BOTTLE, *arguments, timeout=timeout, env=env)
    if expect is not None:
        check(code == expect, f"bottle {' '.join(arguments)} ended with {code}, not {expect}:\n{out}{err}")
    return out + err


def docker(*arguments, expect=0):
    code, out, err = run("docker", *arguments)
    if expect is not None:
        check(code == expect, f"docker {' '.join(arguments)} ended with {code}: {err}")
    return out.strip()


def manifest(name, command="while :; do sleep 5; done", rootfs="rootfs", extra=""):
    path = f"{WORK}/{name}.yaml"
    with open(path, "w") as file:
        file.write(f"""apiVersion: bottle/v1
kind: Bottle
metadata: {{name: {name}}}
spec:
  machine:
    image: {{rootfs: {rootfs}}}
    cpus: 1
    memory: 512Mi
    disk: {{storage: 1Gi, overlay: 1Gi}}
    user: node
  agent:
    command: [sh, -c, "{command}"]
  bundle:
    externalNetwork: true
    containers:
      - name: egress
        image: suite-web:1
        command: [httpd, -f, -vv, -p, "9099", -h, /www]
        user: "1000"
        ports: [{{name: proxy, port: 9099}}]
        limits: {{memory: 64Mi}}
      - name: second
        image: suite-web:1
        command: [httpd, -f, -vv, -p, "9098", -h, /www]
        user: "1000"
        ports: [{{name: other, port: 9098}}]
        limits: {{memory: 64Mi}}
{extra}""")
    return path


def too_slow(text):
    """smolvm's own patience with a guest that boots (1.32.2), which an emulated machine can try too hard."""
    return "no boot progress" in text or "before the agent was ready" in text


class Bottle:
    """One bottle, and the places where its things are."""

    def __init__(self, name, **options):
        self.name = name
        self.machine = "bottle-" + name
        self.file = manifest(name, **options)
        self.root = f"{STATE}/bottles/{name}/smolvm"
        self.database = self.root + "/data/smolvm/server/smolvm.db"
        key = hashlib.sha256(self.machine.encode()).hexdigest()[:16]
        self.cache = f"{STATE}/vm/{key[:12]}"
        self.folder = f"{self.cache}/smolvm/vms/{key}"
        self.image = f"{STATE}/bottles/{name}/image"

    def apply(self, *arguments, expect=0):
        call = ("apply", "-f", self.file, "--timeout", "400s", *arguments)
        try:
            return bottle(*call, expect=expect, timeout=500)
        except Failed as error:
            if not too_slow(str(error)):
                raise
            print(f"vm: once more: {error}", flush=True)
            return bottle(*call, expect=expect, timeout=500)

    def diff(self, expect):
        return bottle("diff", "-f", self.file, expect=expect)

    def conditions(self):
        items = json.loads(bottle("status", self.name, "-o", "json"))["items"][0]["conditions"]
        return {c["type"]: c for c in items}

    def is_ready(self):
        return self.conditions()["Ready"]["status"] == "True"

    def must_be_ready(self):
        check(self.is_ready(), f"{self.name} is not Ready: {self.conditions()}")
        check(self.row()["allowed_cidrs"] == [self.address() + "/32"], "the row's list is another")
        check(len(self.pids()) == 1, f"VMMs: {self.pids()}")

    def address(self):
        return docker("inspect", "-f", "{{(index .NetworkSettings.Networks \"" + self.machine + "\").IPAMConfig.IPv4Address}}", self.machine + "-infra")

    def gateway(self):
        return self.address().rsplit(".", 1)[0] + "." + str(int(self.address().rsplit(".", 1)[1]) - 1)

    def agent_rootfs(self):
        """The root file system of smolvm's own agent, which the guest boots with (1.32.2: one for each cache folder)."""
        return self.cache + "/smolvm/rootfs"

    def pids(self):
        found = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                argv = open(path, "rb").read().split(b"\0")
            except OSError:
                continue
            if b"_boot-vm" in argv and any(a.startswith(self.folder.encode() + b"/") for a in argv):
                found.append(int(path.split("/")[2]))
        return found

    def uid(self):
        """Of its VMM: real, effective, saved and file system, all one."""
        line = next(line for line in open(f"/proc/{self.pids()[0]}/status") if line.startswith("Uid:"))
        uids = set(line.split()[1:])
        check(len(uids) == 1, f"the VMM's uids: {line}")
        return int(uids.pop())

    def wait_dead(self, seconds=90):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.pids():
                return
            time.sleep(0.2)
        raise Failed(f"a VMM of {self.name} still lives: {self.pids()}")

    def row(self):
        with sqlite3.connect(self.database) as database:
            rows = database.execute("SELECT data FROM vms WHERE name = ?", (self.machine,)).fetchall()
        return json.loads(rows[0][0]) if rows else None

    def change_row(self, change):
        """smolvm's clients write the row back as they read it (1.32.2): a change that one of them undoes is made again."""
        for _ in range(6):
            row = self.row()
            change(row)
            with sqlite3.connect(self.database) as database:
                database.execute("UPDATE vms SET data = ? WHERE name = ?", (json.dumps(row, separators=(",", ":")).encode(), self.machine))
            end = time.monotonic() + 3
            while self.row() == row:
                if time.monotonic() > end:
                    return
                time.sleep(0.2)
        raise Failed("the row does not keep the change")

    def delete_row(self):
        with sqlite3.connect(self.database) as database:
            database.execute("DELETE FROM vms WHERE name = ?", (self.machine,))

    def environment(self):
        library = os.path.dirname(SMOLVM)
        return {"HOME": self.root + "/home", "XDG_DATA_HOME": self.root + "/data", "XDG_CACHE_HOME": self.cache,
                "XDG_RUNTIME_DIR": self.root + "/run", "XDG_CONFIG_HOME": self.root + "/config", "PATH": "/usr/bin:/bin",
                "SMOLVM_LIB_DIR": library, "SMOLVM_AGENT_ROOTFS_TAR": library + "/agent-rootfs.tar.zst"}

    def smolvm(self, *arguments, timeout=200):
        result = subprocess.run(as_user([SMOLVM, *arguments]), capture_output=True, text=True, timeout=timeout, env=self.environment(), errors="replace")
        return result.returncode, result.stdout + result.stderr

    def guest(self, script):
        """A shell line in the guest, by smolvm itself: it works whatever bottle thinks of the machine."""
        return self.smolvm("machine", "exec", "--name", self.machine, "--", "/bin/sh", "-c", script)

    def fetch(self, address, port):
        """Tries a request from inside the guest. (Debian's static busybox: its wget dies with -T.)"""
        return self.guest(self.request(address, port))

    @staticmethod
    def request(address, port):
        return f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {address} {port}"

    def fetch_all(self, targets):
        """The same for many at once: what each one answered."""
        tries = "".join(f"({self.request(address, port)} > /tmp/fetch.{number} 2>/dev/null) & " for number, (address, port) in enumerate(targets))
        code, text = self.guest(f"{tries}wait; for i in $(seq 0 {len(targets) - 1}); do echo \"== $i\"; cat /tmp/fetch.$i; done")
        parts = text.split("== ")[1:]
        check(code == 0 and len(parts) == len(targets), f"the tries in the guest: {code} {text}")
        return {target: part.split("\n", 1)[1].strip() for target, part in zip(targets, parts)}

    def stop(self):
        self.smolvm("machine", "stop", "--name", self.machine)
        self.wait_dead()
        end = time.monotonic() + 30
        while time.monotonic() < end and run("pgrep", "-f", f"machine exec --name {self.machine} ")[0] == 0:
            time.sleep(0.2)

    def logged(self, text, seconds=20):
        """smolvm writes its log a moment after the refusal."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if text in open(self.folder + "/egress-denials.log").read():
                    return True
            except FileNotFoundError:
                pass
            time.sleep(0.2)
        return False


class Canary(threading.Thread):
    """A listener that counts who comes."""

    def __init__(self, address, port=0):
        super().__init__(daemon=True)
        self.socket = socket.create_server((address, port))
        self.port = self.socket.getsockname()[1]
        self.address = address
        self.hits = 0
        self.bytes = 0
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            connection.settimeout(2)
            try:
                self.bytes += len(connection.recv(4096))
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\ncanary\n")
            except OSError:
                pass
            self.hits += 1
            connection.close()

    def works(self):
        """Live from the host, a moment before; that visit does not count."""
        with socket.create_connection((self.address, self.port), timeout=5) as connection:
            connection.sendall(b"check\n")
            answered = b"canary" in connection.recv(4096)
        end = time.monotonic() + 5
        while self.hits == 0 and time.monotonic() < end:
            time.sleep(0.05)
        self.hits = 0
        self.bytes = 0
        return answered

    def close(self):
        self.socket.close()


def digest(*paths):
    total = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                total.update(block)
    return total.hexdigest()


def apply_and_kill(subject, trigger, delay, again=True):
    """Runs apply in a group of its own and kills the whole group `delay` seconds after a line with `trigger`."""
    process = subprocess.Popen(as_user([BOTTLE, "apply", "-f", subject.file, "--timeout", "400s"]), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               start_new_session=True)
    seen = []
    for line in process.stderr:
        seen.append(line)
        if trigger in line:
            time.sleep(delay)
            os.killpg(process.pid, signal.SIGKILL)
            break
    else:
        process.wait()
        if again and too_slow("".join(seen)):
            print(f"vm: once more: {''.join(seen)}", flush=True)
            return apply_and_kill(subject, trigger, delay, again=False)
        raise Failed(f"apply never said {trigger!r}: {''.join(seen)}")
    process.wait()

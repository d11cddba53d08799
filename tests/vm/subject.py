"""One bottle of the suite: what is done with it and to it, and where its things are."""
import glob
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import time

from bottle_host import (BOTTLE, HAS_DENIAL_LOG, SMOLVM, SMOLVM_ENVIRONMENT, STATE, TRIES, USER, Failed, GuestDied, as_user, bottle, check, docker, guest_died, must_live,
                         request, run, with_tries)
from fixtures import manifest


class Bottle:
    """One bottle, and the places where its things are."""
    every = []
    mode = "auto"

    def __init__(self, name, firewall="auto"):
        self.every.append(self)
        self.name = name
        self.machine = "bottle-" + name
        self.file = manifest(name, self.mode, firewall)
        self.root = f"{STATE}/bottles/{name}/smolvm"
        self.database = self.root + "/data/smolvm/server/smolvm.db"
        key = hashlib.sha256(self.machine.encode()).hexdigest()[:16]
        self.cache = f"{STATE}/vm/{key[:12]}"
        self.folder = f"{self.cache}/smolvm/vms/{key}"
        self.image = f"{STATE}/bottles/{name}/image"

    def apply(self, *arguments, expect=0, tries=TRIES):
        """One try where something waits for just this start."""
        return with_tries(lambda: bottle("apply", "-f", self.file, "--timeout", "400s", *arguments, expect=expect, timeout=500), tries)

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

    def visits(self):
        """The log of the proxy's container, which is on its standard error: a line for each request."""
        code, out, err = run("docker", "logs", self.machine + "-egress")
        check(code == 0, f"docker logs ended with {code}: {err}")
        return out + err

    def gateway(self):
        return self.address().rsplit(".", 1)[0] + "." + str(int(self.address().rsplit(".", 1)[1]) - 1)

    def egress_channel(self):
        """The socket by which a running machine's list is changed; gone once it is sealed (1.32.2)."""
        return self.folder + "/egress.sock"

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

    def firewall_table(self):
        return f"bottle-{self.uid()}"

    def dead_vmm(self):
        """The pid of its VMM that is gone and that nobody stopped, or None: smolvm (1.32.2) says in the row when it stops one."""
        row = self.row() if os.path.exists(self.database) else None
        return row["pid"] if row and row["state"] == "running" and not self.pids() else None

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

    def set_row(self, row):
        self.change_row(lambda now: (now.clear(), now.update(row)))

    def delete_row(self):
        with sqlite3.connect(self.database) as database:
            database.execute("DELETE FROM vms WHERE name = ?", (self.machine,))

    def environment(self):
        return {**SMOLVM_ENVIRONMENT, "HOME": self.root + "/home", "XDG_DATA_HOME": self.root + "/data", "XDG_CACHE_HOME": self.cache,
                "XDG_RUNTIME_DIR": self.root + "/run", "XDG_CONFIG_HOME": self.root + "/config"}

    def smolvm(self, *arguments, timeout=200):
        result = subprocess.run(as_user([SMOLVM, *arguments]), capture_output=True, text=True, timeout=timeout, env=self.environment(), errors="replace")
        return result.returncode, result.stdout + result.stderr

    def start(self):
        """By smolvm itself, as somebody else would."""
        def start():
            self.stop()
            code, text = self.smolvm("machine", "start", "--name", self.machine)
            must_live(code, text)
            check(code == 0, f"smolvm machine start ended with {code}: {text}")

        with_tries(start)

    def guest(self, script):
        """A shell line in the guest, by smolvm itself: it works whatever bottle thinks of the machine."""
        code, text = self.smolvm("machine", "exec", "--name", self.machine, "--", "/bin/sh", "-c", script)
        must_live(code, text)
        return code, text

    def fetch(self, address, port):
        """Tries a request from inside the guest."""
        return self.guest(request(address, port))

    def fetch_all(self, targets):
        """The same for many at once: what each one answered."""
        tries = "".join(f"({request(address, port)} > /tmp/fetch.{number} 2>/dev/null) & " for number, (address, port) in enumerate(targets))
        code, text = self.guest(f"{tries}wait; for i in $(seq 0 {len(targets) - 1}); do echo \"== $i\"; cat /tmp/fetch.$i; done")
        parts = text.split("== ")[1:]
        check(code == 0 and len(parts) == len(targets), f"the tries in the guest: {code} {text}")
        return {target: part.split("\n", 1)[1].strip() for target, part in zip(targets, parts)}

    def must_not_reach(self, canary):
        """A try from the guest does not come to a listener that is shown to be live, and it is smolvm that refuses it."""
        check(canary.works(), "the canary does not listen")
        before = self.kernel_refusals()
        code, out = self.fetch(canary.address, canary.port)
        check(code != 0 and canary.hits == 0, f"{canary.address}: {code} {out}, {canary.hits} visits")
        self.must_have_refused(canary.address, canary.port, before)

    def must_have_refused(self, address, port, before):
        """smolvm itself: in its log, or where it writes none nothing came as far as the kernel's rules, which count."""
        if HAS_DENIAL_LOG:
            check(self.logged(f"connect to {address}:{port}"), f"{self.name} to {address}:{port}: smolvm did not log the refusal")
        else:
            check(self.kernel_refusals() == before, f"{self.name} to {address}:{port}: smolvm let it out, and only the kernel refused it")

    def kernel_refusals(self):
        """Packets that the last rule of its firewall's table, which refuses everything else, has counted; None without a table."""
        if USER:
            return None
        listing = subprocess.check_output(["nft", "-j", "list", "table", "inet", self.firewall_table()])
        rules = [o["rule"] for o in json.loads(listing)["nftables"] if "rule" in o]
        return next(e["counter"]["packets"] for e in rules[-1]["expr"] if "counter" in e)

    def must_be_detected(self, words, confined=False, code=1):
        text = self.diff(code)
        check(words in text, f"diff does not say {words!r}:\n{text}")
        if not confined:
            check(self.conditions()["Confined"]["status"] != "True", "it still says Confined")
            check("  ! stop" in text, f"diff does not stop it:\n{text}")

    def must_converge(self):
        self.apply()
        self.must_be_ready()
        check("nothing to do" in self.diff(0), "the next diff sees something")

    def put_right(self):
        """Ready, as a case finds it; nothing is done where it is."""
        if run(BOTTLE, "diff", "-f", self.file)[0] != 0:
            self.must_converge()

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


class SocketBottle(Bottle):
    """Of mode socket: no network, one port, one mounted socket."""
    mode = "socket"

    def must_be_ready(self):
        check(self.is_ready(), f"{self.name} is not Ready: {self.conditions()}")
        check(len(self.pids()) == 1, f"VMMs: {self.pids()}")

    def socket(self):
        return (f"{STATE}/bottles/{self.name}/socket" if USER else f"/run/bottle/{self.uid()}") + "/proxy.sock"


def apply_and_kill(subject, trigger, delay):
    """Runs apply in a group of its own and kills the whole group `delay` seconds after a line with `trigger`."""
    process = subprocess.Popen(as_user([BOTTLE, "apply", "-f", subject.file, "--timeout", "400s"]), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               start_new_session=True)
    seen = ""
    for line in process.stderr:
        seen += line
        if trigger in line:
            time.sleep(delay)
            os.killpg(process.pid, signal.SIGKILL)
            break
    else:
        process.wait()
        raise (GuestDied if guest_died(seen) else Failed)(f"apply never said {trigger!r}: {seen}")
    process.wait()

"""The user's own smolvm machine."""
import json
import os
import subprocess

from bottle_host import SCRATCH, SMOLVM, SMOLVM_ENVIRONMENT, TRIES, USER, WORK, GuestDied, as_user, check, guest_died, request


class UsersMachine:
    """A machine of the user's own, in smolvm's default place: nothing that bottle does may touch it."""

    pid = None

    def make(self):
        home = SCRATCH + (f"/home/{USER}/own" if USER else "/user")
        self.environment = {**SMOLVM_ENVIRONMENT, "HOME": home, "XDG_RUNTIME_DIR": home + "/run"}
        subprocess.run(as_user(["mkdir", "-p", home + "/run"]), check=True)
        # With a command, or it would run what the suite's image wants to be run at a start.
        self.call("machine", "create", "--name", "mine", "--image", WORK + "/rootfs", "--cpus", "1", "--mem", "256", "--storage", "1", "--overlay", "1", "--net", "--",
                  "sleep", "infinity")
        self.run()

    def run(self):
        """Started where it does not run; an emulated machine ends a guest now and then."""
        for _ in range(TRIES):
            try:
                self.call("machine", "start", "--name", "mine")
                break
            except GuestDied as error:
                print(f"vm: once more: {error}", flush=True)
        self.pid = json.loads(self.call("machine", "ls", "--json"))[0]["pid"]
        check(self.lives(), "the user's own machine does not run")

    def call(self, *arguments):
        result = subprocess.run(as_user([SMOLVM, *arguments]), capture_output=True, text=True, env=self.environment, timeout=200)
        what = f"the user's own smolvm {' '.join(arguments)} ended with {result.returncode}: {result.stdout}{result.stderr}"
        if result.returncode != 0 and guest_died(what):
            raise GuestDied(what)
        check(result.returncode == 0, what)
        return result.stdout

    def fetch(self, address, port):
        return self.call("machine", "exec", "--name", "mine", "--", "/bin/sh", "-c", request(address, port))

    def lives(self):
        return self.pid is not None and os.path.exists(f"/proc/{self.pid}") and b"_boot-vm" in open(f"/proc/{self.pid}/cmdline", "rb").read()

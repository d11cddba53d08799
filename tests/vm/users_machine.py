"""The user's own smolvm machine."""
import contextlib
import json
import os
import subprocess

from bottle_host import SCRATCH, SMOLVM, SMOLVM_ENVIRONMENT, USER, WORK, as_user, check, must_live, request, with_tries


class UsersMachine:
    """A machine of the user's own, in smolvm's default place: nothing that bottle does may touch it."""

    def make(self):
        home = SCRATCH + (f"/home/{USER}/own" if USER else "/user")
        self.environment = {**SMOLVM_ENVIRONMENT, "HOME": home, "XDG_RUNTIME_DIR": home + "/run"}
        subprocess.run(as_user(["mkdir", "-p", home + "/run"]), check=True)
        # With a command, or it would run what the suite's image wants to be run at a start.
        self.call("machine", "create", "--name", "mine", "--image", WORK + "/rootfs", "--cpus", "1", "--mem", "256", "--storage", "1", "--overlay", "1", "--net", "--",
                  "sleep", "infinity")

    @contextlib.contextmanager
    def running(self):
        """An emulated machine that holds two guests is the likelier to end one: it runs no longer than it is needed."""
        with_tries(lambda: self.call("machine", "start", "--name", "mine"))
        self.pid = json.loads(self.call("machine", "ls", "--json"))[0]["pid"]
        try:
            check(self.lives(), "the user's own machine does not run")
            yield
        finally:
            self.smolvm("machine", "stop", "--name", "mine")

    def smolvm(self, *arguments):
        return subprocess.run(as_user([SMOLVM, *arguments]), capture_output=True, text=True, env=self.environment, timeout=200)

    def call(self, *arguments):
        result = self.smolvm(*arguments)
        what = f"the user's own smolvm {' '.join(arguments)} ended with {result.returncode}: {result.stdout}{result.stderr}"
        must_live(result.returncode, what)
        check(result.returncode == 0, what)
        return result.stdout

    def fetch(self, address, port):
        return self.call("machine", "exec", "--name", "mine", "--", "/bin/sh", "-c", request(address, port))

    def lives(self):
        return os.path.exists(f"/proc/{self.pid}") and b"_boot-vm" in open(f"/proc/{self.pid}/cmdline", "rb").read()

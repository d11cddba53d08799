"""The user's own smolvm machine."""
import json
import os
import subprocess

from bottle_host import SCRATCH, SMOLVM, SMOLVM_ENVIRONMENT, USER, WORK, Failed, as_user, check, request


class UsersMachine:
    """A machine of the user's own, in smolvm's default place: nothing that bottle does may touch it."""

    def make(self):
        home = SCRATCH + (f"/home/{USER}/own" if USER else "/user")
        self.environment = {**SMOLVM_ENVIRONMENT, "HOME": home, "XDG_RUNTIME_DIR": home + "/run"}
        subprocess.run(as_user(["mkdir", "-p", home + "/run"]), check=True)
        self.call("machine", "create", "--name", "mine", "--image", WORK + "/rootfs", "--cpus", "1", "--mem", "256", "--storage", "1", "--overlay", "1", "--net")
        self.start()
        self.pid = json.loads(self.call("machine", "ls", "--json"))[0]["pid"]

    def start(self):
        """A first start in a cold emulated machine may be too slow for smolvm's own patience; it is not what is shown here."""
        for _ in range(2):
            try:
                return self.call("machine", "start", "--name", "mine")
            except Failed as error:
                print(f"vm: once more: {error}", flush=True)
        return self.call("machine", "start", "--name", "mine")

    def call(self, *arguments):
        result = subprocess.run(as_user([SMOLVM, *arguments]), capture_output=True, text=True, env=self.environment, timeout=200)
        check(result.returncode == 0, f"the user's own smolvm {' '.join(arguments)} ended with {result.returncode}: {result.stdout}{result.stderr}")
        return result.stdout

    def fetch(self, address, port):
        return self.call("machine", "exec", "--name", "mine", "--", "/bin/sh", "-c", request(address, port))

    def lives(self):
        return os.path.exists(f"/proc/{self.pid}") and b"_boot-vm" in open(f"/proc/{self.pid}/cmdline", "rb").read()

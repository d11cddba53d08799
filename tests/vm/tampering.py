"""What somebody else does to a machine at the worst moment, and a guest that lies: used by the suite's cases."""
import os
import socket
import subprocess
import threading
import time

from bottle_host import SMOLVM, Failed, as_user, check


class WhenItAppears(threading.Thread):
    """Does something as soon as a socket of the VM folder of a machine that is stopped is there: between smolvm's start and bottle's seal.
    Not of one that a boot left there which has died; and not after the `with` that it is used in."""

    def __init__(self, path, action):
        super().__init__(daemon=True)
        self.path = path
        self.action = action
        self.result = None
        self.problem = "it never appeared"
        self.over = threading.Event()

    def __enter__(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()

    def run(self):
        while not self.over.wait(0.005):
            if os.path.exists(self.path):
                try:
                    self.result = self.action(self.path)
                    self.problem = ""
                except OSError as error:
                    self.problem = str(error)
                return

    def done(self):
        self.join(timeout=30)
        check(not self.problem, f"{self.path}: {self.problem}")
        return self.result


def connect(path):
    client = socket.socket(socket.AF_UNIX)
    # The file is there a moment before anybody listens on it.
    for _ in range(400):
        try:
            client.connect(path)
            return client
        except ConnectionRefusedError:
            time.sleep(0.005)
    raise OSError("nobody listens on it")


def ended(client):
    """The other side has closed the connection, whatever it said before."""
    client.settimeout(2)
    try:
        while client.recv(4096):
            pass
        return True
    except TimeoutError:
        return False
    except OSError:
        return True


def write_line(line):
    def write(path):
        with connect(path) as client:
            client.sendall(line.encode())
            client.shutdown(socket.SHUT_WR)
            client.settimeout(5)
            try:
                return client.recv(4096)
            except OSError:
                return b""
    return write


FORGER = r"""#!/bin/sh
# Answers as the probe of a closed machine would.
case $1 in ready|remove) echo "$2 ready"; exit 0;; esac
read -r word nonce
count=0
while read -r word id kind address port name; do
  [ "$word" = end ] && break
  count=$((count + 1))
  case $kind in
    bundle) said=data;;
    tcp) said=refused;;
    udp) said=timed-out;;
    dns-*) said=nxdomain;;
    listen) said=listening;;
    icmp) said=timed-out; [ "$address" = 100.96.0.1 ] && said=answered;;
  esac
  case $address in ::ffff:*) ;; *:*) said=unreachable;; esac
  echo "$nonce $id $said - forged"
done
echo "$nonce end $count"
"""


class Forger:
    """Root in the guest puts a program of its own in the place of every probe that is copied in."""

    def __init__(self, subject):
        script = ("cat > /forger && chmod 755 /forger && echo armed && while :; do for f in /.bottle-probe-*; do "
                  "[ -f \"$f\" ] && ! cmp -s \"$f\" /forger && cp /forger \"$f\" && chmod 700 \"$f\"; done; done")
        self.process = subprocess.Popen(as_user([SMOLVM, "machine", "exec", "--stream", "-i", "--name", subject.machine, "--", "/bin/sh", "-c", script]),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=subject.environment())
        self.process.stdin.write(FORGER)
        self.process.stdin.close()
        line = self.process.stdout.readline()
        if "armed" not in line:
            self.end()
            raise Failed(f"the forger did not start: {line}")

    def end(self):
        self.process.kill()
        self.process.wait()

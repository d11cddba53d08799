"""Mode socket: a machine without a network, whose bundle's proxy comes in as one mounted Unix socket."""
import contextlib
import os
import socket as sockets
import time

from bottle_host import BOTTLE, HAS_MOUNTED_SOCKETS, bottle, check, docker, run
from bottles import HELLO
from case import case
from listeners import Canary
from subject import SocketBottle


@contextlib.contextmanager
def exchanged(path):
    """A live listener of somebody else's in the place of a socket, with its owner and mode: its file."""
    was = os.stat(path)
    os.unlink(path)
    with sockets.socket(sockets.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        os.chown(path, was.st_uid, was.st_gid)
        os.chmod(path, was.st_mode & 0o7777)
        yield os.stat(path)


def reaches_its_bundle(subject, what):
    code, out, err = run(BOTTLE, "exec", subject.name, "--", "env", "-u", "http_proxy", "wget", "-q", "-O", "-", "http://127.0.0.1:9099/")
    check(code == 0 and "from the bundle" in out, f"{what}: {code} {out} {err}")


def kill_forwarder(subject):
    code, text = subject.guest("for p in /proc/[0-9]*; do case $(readlink $p/exe) in */.bottle-probe-*) kill -9 ${p#/proc/};; esac; done; nc -w 2 127.0.0.1 9099 < /dev/null")
    check(code != 0, f"the forwarder lives: {text}")


def forwards(subject, whose):
    code, text = subject.fetch("127.0.0.1", 9099)
    check(code == 0 and "from the bundle" in text, f"{whose} forwarder: {code} {text}")


@case
def a_mounted_socket_is_all_that_the_guest_has():
    offline = SocketBottle("offline")
    if not HAS_MOUNTED_SOCKETS:
        text = offline.apply(expect=3)
        check("mounts no socket" in text and "smolmachines==" in text, f"it does not say why, or the way out: {text}")
        check("bottle-offline" not in docker("ps", "-a") + docker("network", "ls") and not os.path.exists(offline.root), "something was made")
        return
    offline.apply()
    offline.must_be_ready()
    row, socket = offline.row(), offline.socket()
    check(row["network"] is False and row["allowed_cidrs"] is None, f"the row has a network: {row}")
    check([s["host_path"] for s in row["published_sockets"]] == [socket], f"the row's sockets: {row['published_sockets']}")
    reaches_its_bundle(offline, "through the forwarder")
    canary = Canary("0.0.0.0")
    for address in (offline.gateway(), offline.address(), "10.99.0.1", HELLO.gateway(), "100.96.0.1", "127.0.0.1"):
        canary.address = address
        code, out = offline.fetch(address, canary.port)
        check(code != 0 and canary.hits == 0, f"{address}: {code} {out}, {canary.hits} visits")
    canary.close()
    check("no route" in bottle("proof", "offline"), "the proof does not say that there is no route")
    pid = offline.pids()
    check("nothing to do" in offline.diff(0), "a second look sees something")
    offline.apply()
    check(offline.pids() == pid, "a second apply restarted it")

    offline.change_row(lambda row: row["published_sockets"].append({"direction": "mount", "guest_path": "/run/docker.sock", "host_path": "/var/run/docker.sock"}))
    offline.must_be_detected("published_sockets", code=3)
    offline.apply(expect=3)
    check(not offline.pids(), "it runs with a second socket in its row")
    offline.change_row(lambda row: row.update(published_sockets=row["published_sockets"][:1]))
    offline.must_converge()

    docker("restart", "-t", "0", offline.machine + "-infra")
    offline.must_be_detected("infra")
    offline.must_converge()
    reaches_its_bundle(offline, "through the new socket")

    # Somebody puts a socket of the same owner and mode in the place of infra's, which listens on where nobody comes to any more.
    with exchanged(socket) as mine:
        offline.must_be_detected("its socket is not the file that it made")
        offline.must_converge()
        now = os.stat(socket)
        check((now.st_ino, now.st_ctime_ns) != (mine.st_ino, mine.st_ctime_ns), "the exchanged socket is still there")
        reaches_its_bundle(offline, "after the exchange")

    # The forwarder in the guest dies: from outside nobody sees it, and what is run in the guest next has it again.
    kill_forwarder(offline)
    check("nothing to do" in offline.diff(0), "diff sees into the guest")
    reaches_its_bundle(offline, "by exec's forwarder")
    kill_forwarder(offline)
    bottle("verify", "offline", "--timeout", "300s")
    forwards(offline, "verify's")
    kill_forwarder(offline)
    code, text = offline.guest("for f in $(grep -l 'whil[e] :' /proc/[0-9]*/cmdline); do p=${f#/proc/}; kill -9 ${p%/cmdline} && killed=1; done; test -n \"$killed\"")
    check(code == 0, f"the agent's command was not found: {text}")
    end = time.monotonic() + 60
    while run(BOTTLE, "diff", "-f", offline.file)[0] == 0:
        check(time.monotonic() < end, "the end of the agent's command is not seen")
        time.sleep(0.5)
    offline.must_converge()
    forwards(offline, "the launch's")
    bottle("delete", "offline", "--yes", "--timeout", "200s")
    check(not os.path.exists(os.path.dirname(socket)), "the socket's folder is left")
    check(HELLO.is_ready(), "the neighbour's end touched hello")

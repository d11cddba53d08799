"""Mode socket: a machine without a network, whose bundle's proxy comes in as one mounted Unix socket."""
import os

from bottle_host import BOTTLE, HAS_MOUNTED_SOCKETS, bottle, check, docker, run
from bottles import HELLO
from case import case
from listeners import Canary
from subject import SocketBottle


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
    code, out, err = run(BOTTLE, "exec", "offline", "--", "env", "-u", "http_proxy", "wget", "-q", "-O", "-", "http://127.0.0.1:9099/")
    check(code == 0 and "from the bundle" in out, f"through the forwarder: {code} {out} {err}")
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
    code, out, err = run(BOTTLE, "exec", "offline", "--", "env", "-u", "http_proxy", "wget", "-q", "-O", "-", "http://127.0.0.1:9099/")
    check(code == 0 and "from the bundle" in out, f"through the new socket: {code} {out} {err}")
    bottle("delete", "offline", "--timeout", "200s")
    check(not os.path.exists(os.path.dirname(socket)), "the socket's folder is left")
    check(HELLO.is_ready(), "the neighbour's end touched hello")

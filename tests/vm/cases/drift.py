"""Docker and processes changed by hand: detected, stopped where reach is in doubt, converged in one apply."""
import contextlib
import json
import os
import signal
import subprocess

from bottle_host import USER, bottle, check, docker
from bottles import HELLO
from case import case
from listeners import Canary


@case
def the_internal_network_taken_away():
    address = HELLO.address()
    docker("network", "disconnect", "-f", HELLO.machine, HELLO.machine + "-infra")
    docker("network", "rm", HELLO.machine)
    with host_address(address):
        canary = Canary(address, 9099)
        check(canary.works(), "the canary does not listen")
        HELLO.must_be_detected("interface host0 also carries", code=3)
        HELLO.apply(expect=3)
        check(canary.hits == 0 and canary.bytes == 0, f"{canary.bytes} bytes of the guest reached the canary")
        check(not HELLO.is_ready(), "it is Ready while its address is somebody else's")
        canary.close()
    HELLO.must_converge()


@contextlib.contextmanager
def host_address(address):
    """One more address of the host, on an interface of its own."""
    subprocess.run(["ip", "address", "add", address + "/32", "dev", "host0"], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "address", "del", address + "/32", "dev", "host0"], check=True)


@contextlib.contextmanager
def foreign_network():
    docker("network", "create", "leaknet")
    docker("network", "connect", "leaknet", HELLO.machine + "-infra")
    try:
        yield
        check("leaknet" in docker("network", "ls"), "a network that is not ours was removed")
    finally:
        docker("network", "disconnect", "-f", "leaknet", HELLO.machine + "-infra", expect=None)
        docker("network", "rm", "leaknet")


@contextlib.contextmanager
def foreign_container():
    docker("run", "-d", "--name", "stranger", "--network", HELLO.machine, "suite-web:1", "httpd", "-f", "-p", "80")
    try:
        yield
        check(docker("inspect", "-f", "{{.State.Running}}", "stranger") == "true", "a container that is not ours was stopped")
    finally:
        docker("rm", "-f", "stranger")


@contextlib.contextmanager
def changed_row(**changes):
    row = HELLO.row()
    HELLO.change_row(lambda row: row.update(changes))
    try:
        yield
    finally:
        HELLO.set_row(row)


@contextlib.contextmanager
def opened_firewall():
    table = HELLO.firewall_table()
    subprocess.run(["nft", "insert", "rule", "inet", table, "output", "accept"], check=True)
    try:
        yield
    finally:
        rules = json.loads(subprocess.check_output(["nft", "-j", "list", "chain", "inet", table, "output"]))["nftables"]
        handle = next(o["rule"]["handle"] for o in rules if "rule" in o)
        subprocess.run(["nft", "delete", "rule", "inet", table, "output", "handle", str(handle)], check=True)


@contextlib.contextmanager
def open_folder():
    os.chmod(HELLO.folder, 0o755)
    try:
        yield
    finally:
        os.chmod(HELLO.folder, 0o700)


@case
def each_drift_is_seen_by_itself():
    """By diff alone, which stops nothing: undone by hand, all is as before."""
    pid = HELLO.pids()
    drifts = {
        "leaknet": foreign_network(),
        "stranger": foreign_container(),
        "every address": changed_row(allowed_cidrs=None),
        "a folder that other users may enter": open_folder(),
        "row does not say that it runs": changed_row(state="stopped", pid=None, pid_start_time=None),
    }
    if not USER:
        drifts["firewall: the table"] = opened_firewall()
    for words, drift in drifts.items():
        with drift:
            HELLO.must_be_detected(words)
        check("nothing to do" in HELLO.diff(0), f"{words}: undone, and still seen")
    check(HELLO.pids() == pid, "it was restarted")


@case
def all_of_them_in_one_apply():
    pid = HELLO.pids()
    with foreign_network(), foreign_container():
        HELLO.change_row(lambda row: row.update(allowed_cidrs=None, state="stopped", pid=None, pid_start_time=None))
        docker("rm", "-f", HELLO.machine + "-second")
        docker("restart", "-t", "0", HELLO.machine + "-infra")
        if not USER:
            subprocess.run(["nft", "delete", "table", "inet", HELLO.firewall_table()], check=True)
        for words in ("leaknet", "stranger", "every address", "bottle-hello-second", "older than the start of infra"):
            HELLO.must_be_detected(words)
        HELLO.must_converge()
        check(HELLO.pids() != pid and not os.path.exists(f"/proc/{pid[0]}"), "the old VMM still lives")
        check(USER or "firewall holds" in bottle("proof", "hello"), "the table is not there again")


@case
def a_bundle_container_removed():
    pid = HELLO.pids()
    docker("rm", "-f", HELLO.machine + "-second")
    HELLO.must_be_detected("second", confined=True)
    conditions = HELLO.conditions()
    check(conditions["BundleReady"]["status"] == "False" and conditions["Confined"]["status"] == "True", f"{conditions}")
    HELLO.must_converge()
    check(HELLO.pids() == pid, "the machine was restarted for a sidecar")


@case
def the_vmm_killed():
    os.kill(HELLO.pids()[0], signal.SIGKILL)
    HELLO.wait_dead()
    check(not HELLO.is_ready(), "it is Ready without a VMM")
    HELLO.must_converge()

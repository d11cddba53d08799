"""Docker and processes changed by hand: detected, stopped where reach is in doubt, converged in one apply."""
import contextlib
import os
import signal
import subprocess

from bottle_host import check, docker
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


@case
def a_foreign_network_on_infra():
    docker("network", "create", "leaknet")
    docker("network", "connect", "leaknet", HELLO.machine + "-infra")
    HELLO.must_be_detected("leaknet")
    HELLO.must_converge()
    check("leaknet" in docker("network", "ls"), "a network that is not ours was removed")
    docker("network", "rm", "leaknet")


@case
def a_foreign_container_on_the_internal_network():
    docker("run", "-d", "--name", "stranger", "--network", HELLO.machine, "suite-web:1", "httpd", "-f", "-p", "80")
    HELLO.must_be_detected("stranger")
    HELLO.must_converge()
    check(docker("inspect", "-f", "{{.State.Running}}", "stranger") == "true", "a container that is not ours was stopped")
    docker("rm", "-f", "stranger")


@case
def infra_restarted_by_hand():
    docker("restart", "-t", "0", HELLO.machine + "-infra")
    HELLO.must_be_detected("infra")
    HELLO.must_converge()


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


@case
def the_row_says_stopped_while_the_vmm_lives():
    pid = HELLO.pids()
    HELLO.change_row(lambda row: row.update(state="stopped", pid=None, pid_start_time=None))
    HELLO.must_be_detected("row does not say that it runs")
    HELLO.must_converge()
    check(not os.path.exists(f"/proc/{pid[0]}"), "the old VMM still lives")


@case
def started_by_somebody_else():
    HELLO.stop()
    HELLO.smolvm("machine", "start", "--name", HELLO.machine)
    check(len(HELLO.pids()) == 1, "it did not start")
    pid = HELLO.pids()
    HELLO.must_be_detected("start")
    HELLO.must_converge()
    check(HELLO.pids() != pid, "a boot that was found running was kept")

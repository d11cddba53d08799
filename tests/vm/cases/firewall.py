"""The second wall, in the host's kernel."""
import json
import os
import subprocess

from bottle_host import BOTTLE, SCRATCH, bottle, check, docker, run
from bottles import HELLO, USERS
from case import case_as_root, case_without_denial_log
from fixtures import manifest
from listeners import Canary
from subject import Bottle


@case_as_root
@USERS.running()
def the_kernel_holds_the_machine_to_the_ports():
    check("firewall holds" in bottle("proof", "hello"), "the proof does not show the firewall")
    # Another port of the bundle address: smolvm lets the whole /32 through, so that only the kernel can refuse it.
    docker("exec", HELLO.machine + "-egress", "httpd", "-p", "9097", "-h", "/www")
    address, before = HELLO.address(), HELLO.kernel_refusals()
    check("from the bundle" in run("busybox", "wget", "-q", "-O", "-", f"http://{address}:9097/")[1], "nobody listens on 9097")
    code, out = HELLO.fetch(address, 9097)
    check("from the bundle" not in out, f"the guest reached an undeclared port: {out}")
    check(not HELLO.logged(f"connect to {address}:9097", 1), "smolvm refused it: the kernel was not asked")
    check(HELLO.kernel_refusals() > before, "the kernel counted no refusal")
    check("from the bundle" in HELLO.fetch(address, 9099)[1], "the declared port is shut too")
    canary = Canary("10.99.0.1")
    check(canary.works() and "canary" in USERS.fetch("10.99.0.1", canary.port), "the user's own machine lost its network")
    canary.close()


@case_as_root
def another_state_folder_takes_another_uid():
    _, out, err = run(BOTTLE, "diff", "-f", manifest("third"), "-o", "json", env={"XDG_STATE_HOME": SCRATCH + "/state2"})
    claims = [step["detail"] for step in json.loads(out)["steps"] if step["kind"] == "claim"]
    check(claims and str(HELLO.uid()) not in claims[0], f"it would share a uid: {out}{err}")


@case_without_denial_log
def a_smolvm_that_logs_no_refusals_needs_the_firewall():
    bare = Bottle("bare", firewall="off")
    text = bare.apply(expect=3)
    check("logs no refusals" in text and "smolmachines==" in text, f"it does not say why, or the way out: {text}")
    check("bottle-bare" not in docker("ps", "-a") + docker("network", "ls") and not os.path.exists(bare.root), "something was made")
    text = bottle("proof", "hello")
    check("logs no refusals: what the guest may not reach rests on this" in text, f"the proof does not say what it rests on: {text}")
    subprocess.run(["nft", "delete", "table", "inet", HELLO.firewall_table()], check=True)
    HELLO.must_be_detected("the table")
    HELLO.must_converge()

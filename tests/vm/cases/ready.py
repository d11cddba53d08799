"""Up, proved, and kept so."""
import os

from bottle_host import BOTTLE, SCRATCH, STATE, USER, bottle, check, digest, run
from bottles import HELLO, USERS
from case import case
from listeners import Canary, Recorder


@case
def apply_makes_it_ready():
    USERS.make()
    check(f"{12 if USER else 11} steps" in HELLO.diff(1), "the plan is another")
    HELLO.apply()
    HELLO.must_be_ready()
    check(os.path.exists(STATE + "/owner" if USER else "/var/lib/bottle/owner"), "the owner's id is somewhere else")


@case
def a_second_apply_does_nothing():
    databases = [HELLO.database, STATE + "/state.db"]
    before, pid = digest(*databases), HELLO.pids()
    recorder = Recorder()
    trace = SCRATCH + "/strace.txt"
    who = ("-u", USER) if USER else ()
    code, out, err = run("strace", *who, "-f", "-e", "trace=execve", "-o", trace, BOTTLE, "apply", "-f", HELLO.file, env={"DOCKER_HOST": "unix://" + recorder.path})
    check(code == 0 and "nothing to do" in out, f"{code} {out} {err}")
    check(open(trace).read().count("execve(") == 1, "it started an outside program")
    check(recorder.requests, "nothing was recorded")
    for request in recorder.requests:
        check(request.startswith("GET ") and "/info" not in request and "/version" not in request, f"a no-op asked {request}")
    check(digest(*databases) == before and HELLO.pids() == pid, "a database or the VMM changed")
    check("nothing to do" in HELLO.diff(0), "diff sees something")


@case
def the_guest_reaches_its_bundle_and_nothing_else():
    address = HELLO.address()
    for port in (9099, 9098):
        # busybox' wget does not know NO_PROXY.
        code, out, err = run(BOTTLE, "exec", "hello", "--", "env", "-u", "http_proxy", "wget", "-q", "-O", "-", f"http://{address}:{port}/")
        check(code == 0 and "from the bundle" in out, f"bundle port {port}: {code} {out} {err}")
    canary = Canary("0.0.0.0")
    for target in (HELLO.gateway(), "10.99.0.1"):
        canary.address = target
        HELLO.must_not_reach(canary)
    canary.close()


@case
def exec_logs_proof_and_verify_say_what_is():
    code, out, _ = run(BOTTLE, "exec", "hello", "--", "sh", "-c", "id -un; exit 7")
    check(code == 7 and "node" in out, f"exec: {code} {out}")
    check("GET" in bottle("logs", "hello/egress") or "url" in bottle("logs", "hello/egress"), "no request is in the bundle's log")
    check("guest    holds" in bottle("proof", "hello"), "the proof does not show the guest's evidence")
    pid = HELLO.pids()
    bottle("verify", "hello", "--timeout", "300s")
    check(HELLO.pids() == pid and HELLO.is_ready(), "verify changed something")

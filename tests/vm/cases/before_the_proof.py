"""Nothing runs before the proof; and a machine that is open fails it."""
import os
import subprocess

from bottle_host import BOTTLE, HAS_DENIAL_LOG, SMOLVM, STATE, USER, check, docker, run
from bottles import HELLO
from case import case, case_from_any_state
from fixtures import DIALLERS, FIRST_ADDRESS
from tampering import Forger


@case_from_any_state
def a_row_tampered_while_stopped():
    HELLO.stop()
    address, good = HELLO.address(), HELLO.row()
    dial = ["/bin/sh", "-c", f"wget -q -O - http://{address}:9099/dialled-by-the-row"]
    HELLO.change_row(lambda row: row.update(cmd=dial))
    HELLO.apply(expect=3)
    check(not HELLO.pids(), "it was started")
    check("dialled-by-the-row" not in HELLO.visits(), "the command ran")
    HELLO.set_row({**good, "allowed_cidrs": ["0.0.0.0/0"], "dns_filter_hosts": None})
    check("0.0.0.0/0" in HELLO.diff(1), "diff does not show the list")
    HELLO.must_converge()


@case
def an_image_that_dials_at_once():
    """Every root file system of the suite holds programs that a start might run, and that dial."""
    check(HELLO.address() == FIRST_ADDRESS, "the programs dial another address than the bundle's")
    check("dialled-by-the-image" not in HELLO.visits(), "the image ran something")
    for program in DIALLERS:
        # On 1.4.0 a connection now and then comes to nothing.
        for _ in range(4):
            told = HELLO.guest(f"exec /{program}")
            if f"dialled-by-the-image/{program}" in HELLO.visits():
                break
        check(f"dialled-by-the-image/{program}" in HELLO.visits(), f"what {program} dials is not seen, nothing was shown: {told}")


@case
def open_twins_fail_the_proof_on_the_controls_that_are_open():
    """The same machine with its row widened by hand: the probe alone, which does not look at the row, must see it."""
    table = None if USER else HELLO.firewall_table()
    HELLO.stop()
    good = HELLO.row()
    twins = {
        "closed": ({}, {"holds"}, None),
        "null list": ({"allowed_cidrs": None, "dns_filter_hosts": None}, {"FAILS", "unknown"}, "tcp"),
        "0.0.0.0/0": ({"allowed_cidrs": ["0.0.0.0/0"]}, {"FAILS", "unknown"}, "tcp"),
        "names open": ({"dns_filter_hosts": None}, {"FAILS", "unknown"}, "dns"),
    }
    if not HAS_DENIAL_LOG:
        twins["closed, and no firewall"] = ({}, {"unknown"}, "tcp")
    try:
        for name, (change, verdicts, protocol) in twins.items():
            # The kernel would refuse what smolvm lets through; what is shown here is that the probe sees it without that.
            if table and (HAS_DENIAL_LOG or name != "closed"):
                subprocess.run(["nft", "delete", "table", "inet", table], check=True)
                table = None
            HELLO.set_row({**good, **change})
            HELLO.start()
            evidence = probe(HELLO)
            bad = [line for line in evidence if not line.startswith("holds")]
            if name == "closed":
                check(not bad, f"closed: {bad}")
            else:
                check(bad, f"{name}: the proof holds")
                check(any(protocol in line for line in bad), f"{name}: {bad}")
            # Where smolvm logs none, no refusal holds without the firewall.
            if name == "names open" and HAS_DENIAL_LOG:
                check(all("dns" in line for line in bad), f"names open: other controls fail too: {bad}")
            if name in ("null list", "0.0.0.0/0"):
                for control in ("internal gateway, tcp", "host address"):
                    check(any(control in line and line.startswith("FAILS") for line in bad), f"{name}: {control} is not seen open: {bad}")
                forged = forged_probe(HELLO)
                check(any("refused in the guest" in line for line in forged), f"{name}: the probe's answers were not forged: {forged}")
                for control in ("bundle port", "internal gateway, tcp", "host address"):
                    check(not any(control in line and line.startswith("holds") for line in forged), f"{name}: the guest's word is enough for {control}: {forged}")
            HELLO.stop()
    finally:
        HELLO.stop()
        HELLO.set_row(good)


def probe(subject):
    code, out, err = run(os.path.dirname(BOTTLE) + "/tests/vm/probe_machine", SMOLVM, STATE, subject.name, subject.address(), subject.gateway(), str(subject.uid()),
                         docker("inspect", "-f", "{{.State.Pid}}", subject.machine + "-infra"), "9099", "9098")
    check(code == 0, f"the probe could not run: {err}")
    return out.splitlines()


def forged_probe(subject):
    forger = Forger(subject)
    try:
        return probe(subject)
    finally:
        forger.end()

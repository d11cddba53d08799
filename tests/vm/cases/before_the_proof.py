"""Nothing runs before the proof; and a machine that is open fails it."""
import json
import os
import subprocess

from bottle_host import BOTTLE, SMOLVM, STATE, USER, WORK, bottle, check, docker, run
from bottles import HELLO
from case import case
from fixtures import make_rootfs
from subject import Bottle
from tampering import Forger


@case
def a_row_whose_command_dials_at_once():
    HELLO.stop()
    address = HELLO.address()
    dial = ["/bin/sh", "-c", f"wget -q -O - http://{address}:9099/dialled-by-the-row"]
    HELLO.change_row(lambda row: row.update(cmd=dial))
    HELLO.apply(expect=3)
    check(not HELLO.pids(), "it was started")
    check("dialled-by-the-row" not in docker("logs", HELLO.machine + "-egress"), "the command ran")
    HELLO.change_row(lambda row: row.update(cmd=[]))
    HELLO.must_converge()


@case
def an_image_that_dials_at_once():
    make_rootfs(f"{WORK}/dialler")
    for path in ("init", "sbin/init", "entrypoint.sh", "docker-entrypoint.sh"):
        with open(f"{WORK}/dialler/{path}", "w") as file:
            file.write("#!/bin/sh\nwget -q -O - http://$BUNDLE:9099/dialled-by-the-image\n")
        os.chmod(f"{WORK}/dialler/{path}", 0o755)
    with open(f"{WORK}/dialler/config.json", "w") as file:
        json.dump({"config": {"Entrypoint": ["/entrypoint.sh"], "Cmd": ["/init"]}}, file)
    dialler = Bottle("dialler", rootfs="dialler", command="sleep 100000")
    dialler.apply()
    dialler.must_be_ready()
    log = docker("logs", dialler.machine + "-egress")
    check("dialled-by-the-image" not in log, f"the image ran something: {log}")
    bottle("delete", "dialler", "--timeout", "200s")


@case
def open_twins_fail_the_proof_on_the_controls_that_are_open():
    """The same machine with its row widened by hand: the probe alone, which does not look at the row, must see it."""
    table = None if USER else HELLO.firewall_table()
    HELLO.stop()
    # The kernel would refuse what smolvm lets through; what is shown here is that the probe sees it without that.
    if table:
        subprocess.run(["nft", "delete", "table", "inet", table], check=True)
    good = HELLO.row()
    twins = {
        "closed": ({}, {"holds"}, None),
        "null list": ({"allowed_cidrs": None, "dns_filter_hosts": None}, {"FAILS", "unknown"}, "tcp"),
        "0.0.0.0/0": ({"allowed_cidrs": ["0.0.0.0/0"]}, {"FAILS", "unknown"}, "tcp"),
        "names open": ({"dns_filter_hosts": None}, {"FAILS", "unknown"}, "dns"),
    }
    try:
        for name, (change, verdicts, protocol) in twins.items():
            HELLO.change_row(lambda row: (row.clear(), row.update(good), row.update(change)))
            code, text = HELLO.smolvm("machine", "start", "--name", HELLO.machine)
            check(code == 0, f"{name}: {text}")
            evidence = probe(HELLO)
            bad = [line for line in evidence if not line.startswith("holds")]
            if name == "closed":
                check(not bad, f"closed: {bad}")
            else:
                check(bad, f"{name}: the proof holds")
                check(any(protocol in line for line in bad), f"{name}: {bad}")
            if name == "names open":
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
        HELLO.change_row(lambda row: (row.clear(), row.update(good)))
    HELLO.must_converge()


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

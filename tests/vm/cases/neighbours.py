"""Several bottles on one host: none reaches another, or writes what another reads."""
import os
import subprocess

from bottle_host import USER, WORK, bottle, check, run
from bottles import HELLO, OTHER
from case import case
from listeners import Canary
from subject import Bottle


@case
def three_bottles_reach_their_own_bundle_and_no_other():
    third = Bottle("third")
    for subject in (OTHER, third):
        subject.apply()
        subject.must_be_ready()
    bottles = (HELLO, OTHER, third)
    uids = {subject.uid() for subject in bottles}
    check(uids == {1500} if USER else len(uids) == 3, f"the VMMs' uids: {uids}")
    canaries = {target: Canary(target.gateway()) for target in bottles}
    for target in bottles:
        check(run("busybox", "wget", "-q", "-O", "-", f"http://{target.address()}:9099/")[0] == 0, f"{target.name}'s bundle does not listen")
        check(canaries[target].works(), "the canary does not listen")
    for subject in bottles:
        before = subject.kernel_refusals()
        reached = subject.fetch_all([(t.address(), 9099) for t in bottles] + [(c.address, c.port) for c in canaries.values()])
        check("from the bundle" in reached.pop((subject.address(), 9099)), f"{subject.name} does not reach its own bundle")
        for (address, port), text in reached.items():
            check(text == "", f"{subject.name} to {address}:{port}: {text}")
            subject.must_have_refused(address, port, before)
    for target, canary in canaries.items():
        check(canary.hits == 0, f"the gateway of {target.name} was reached")
        canary.close()
    text = bottle("apply", "-f", HELLO.file, "-f", OTHER.file, "--prune", "--yes", "--timeout", "400s", timeout=500)
    check(text.count(": deleted") == 1 and "bottle third: deleted" in text, f"what is in no file is not all that went: {text}")
    check(HELLO.is_ready() and OTHER.is_ready(), "the third's end touched another")


@case
def what_a_guests_root_writes_is_its_own():
    OTHER.apply()
    before = listing(WORK + "/rootfs")
    code, text = HELLO.guest("echo x > /bin/by-the-guest; echo y >> /etc/passwd; mkdir -p /m; mount -t virtiofs /dev/root /m; "
                             "for d in $(cut -d' ' -f2 /proc/mounts); do mount -o remount,rw $d; echo x > $d/by-the-guest; done; true")
    check(code == 0 and "x" in HELLO.guest("cat /bin/by-the-guest")[1], f"the guest's root could not write at all: {text}")
    check(listing(WORK + "/rootfs") == before, "the folder that the manifest names changed")
    check("by-the-guest" not in OTHER.guest("find / -xdev -name by-the-guest; cat /etc/passwd")[1], "another bottle sees it")
    inodes = [{(os.lstat(path).st_dev, os.lstat(path).st_ino) for path, _ in listing(subject.agent_rootfs())} for subject in (HELLO, OTHER)]
    check(inodes[0] and inodes[1] and not inodes[0] & inodes[1], "two bottles share files of smolvm's own root file system")
    check(not [path for path, _ in listing(OTHER.agent_rootfs()) if "by-the-guest" in path], "it is in smolvm's own root file system of another bottle")
    if not USER:
        # A VMM that was broken out of.
        result = subprocess.run(["setpriv", "--reuid", str(HELLO.uid()), "--clear-groups", "sh", "-c", f"echo x > {WORK}/rootfs/bin/broken-out"], capture_output=True, text=True)
        check(result.returncode != 0 and listing(WORK + "/rootfs") == before, "the VMM's uid can write the image")
    HELLO.must_converge()
    bottle("delete", "other", "--yes", "--timeout", "200s")
    check(HELLO.is_ready(), "the neighbour's end touched hello")


def listing(folder):
    return sorted((os.path.join(root, name), os.lstat(os.path.join(root, name)).st_mtime_ns) for root, folders, files in os.walk(folder) for name in folders + files)

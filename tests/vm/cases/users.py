"""As a user in the groups docker and kvm: what is the same, what is not, and what the proof says of it."""
import os
import subprocess

from bottle_host import BOTTLE, STATE, WORK, as_user, bottle, check, docker
from bottles import HELLO
from case import case_as_user
from subject import Bottle


@case_as_user
def a_user_in_no_group_is_told_the_way_in_and_nothing_is_made():
    lonely = Bottle("lonely")
    before = docker("network", "ls", "-q") + docker("ps", "-aq")
    for groups, words in (("kvm", "usermod -aG docker"), ("docker", "usermod -aG $(getent group")):
        result = subprocess.run(as_user([BOTTLE, "apply", "-f", lonely.file], groups=groups), capture_output=True, text=True, timeout=240)
        check(result.returncode == 3 and words in result.stderr, f"{groups}: {result.returncode} {result.stdout}{result.stderr}")
    check(docker("network", "ls", "-q") + docker("ps", "-aq") == before and not os.path.exists(f"{STATE}/bottles/lonely"), "something was made")


@case_as_user
def the_vmm_is_the_users_and_the_proof_says_so():
    check(HELLO.uid() == os.stat(STATE).st_uid == 1500, f"the VMM's uid is {HELLO.uid()}")
    check(not os.path.exists(HELLO.folder + "/.vm-uid") and not os.listdir(HELLO.cache + "/smolvm/uids"), "a uid was claimed")
    text = bottle("proof", "hello")
    check("uid 1500, the user's own: behind the VM stands no other wall" in text and "only root can look into the process itself" in text, text)


@case_as_user
def the_image_is_the_bottles_own_and_made_anew_when_it_is_not_as_it_was():
    check(HELLO.row()["image"] == "local-dir:" + HELLO.image, "the image is not the copy")
    # The guest's root, and then what a VMM that was broken out of could do.
    HELLO.guest("echo x > /bin/by-the-guest")
    check(not os.path.exists(HELLO.image + "/bin/by-the-guest"), "the guest's root can write its image")
    subprocess.run(as_user(["sh", "-c", f"echo x > {HELLO.image}/bin/broken-out"]), check=True)
    check(not os.path.exists(WORK + "/rootfs/bin/broken-out"), "the folder that the manifest names is the same")
    check("nothing to do" in HELLO.diff(0), "the image is exchanged beneath a running machine")
    HELLO.stop()
    check("the copy is not as it was made" in HELLO.diff(1), "diff does not see it")
    HELLO.must_converge()
    check(not os.path.exists(HELLO.image + "/bin/broken-out"), "it is still there")
    with open(WORK + "/rootfs/etc/motd", "w") as file:
        file.write("new\n")
    check("nothing to do" in HELLO.diff(0), "a running machine is stopped for it")
    HELLO.stop()
    check("the folder changed since it was copied" in HELLO.diff(1), "diff does not see the new file")
    HELLO.must_converge()
    check("new" in HELLO.guest("cat /etc/motd")[1], "the next start has the old image")

"""A machine whose image comes from Docker, from an archive, and from a pack that the real smolvm made: each runs on the bottle's own copy."""
import os
import stat
import subprocess

from bottle_host import HAS_LIVE_CHANGES, SCRATCH, SMOLVM, SMOLVM_ENVIRONMENT, STATE, USER, WORK, GuestDied, as_user, bottle, check, guest_died, with_tries
from case import case_from_any_state
from subject import Bottle

REFERENCE = "suite-agent:1"


class ImageBottle(Bottle):
    """One whose image is no folder."""

    def __init__(self, name):
        super().__init__(name)
        if not USER:
            self.image = f"{STATE}/images/{name}/rootfs"

    def made_of(self, image):
        with open(self.file) as file:
            lines = file.read().splitlines()
        with open(self.file, "w") as file:
            file.write("\n".join(f"    image: {{{image}}}" if line.startswith("    image: {") else line for line in lines) + "\n")

    def must_run_on_its_copy(self, text):
        self.must_converge()
        check(self.row()["image"] == "local-dir:" + self.image, "the image is not the copy: " + self.row()["image"])
        code, out = self.guest("cat /etc/motd /root/closed; stat -c %u:%g:%a /home/node/own /bin/busybox; ls /dev/null; mount | head -n 1")
        check(code == 0 and text in out and "of root alone" in out, f"the guest sees another image: {code} {out}")
        if USER:
            return
        check("1000:1000:" in out, f"the image's owners are lost: {out}")
        # smolvm makes folders above a VM's passable; this one has to stay shut.
        holder = os.stat(os.path.dirname(self.image))
        check((stat.S_IMODE(holder.st_mode), holder.st_uid, holder.st_gid) == (0o710, 0, self.uid()), f"the image's folder is open: {holder}")
        nobody = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "ls", self.image], capture_output=True)
        check(nobody.returncode != 0, "anybody on this host can come to the image")


SUBJECT = ImageBottle("images")


def make_image(text):
    """The suite's root file system, with what tells one image from another, and what only its owner may read."""
    root = WORK + "/agent"
    subprocess.run(f"rm -rf {root} && cp -a {WORK}/rootfs {root}", shell=True, check=True)
    for path, content, mode in (("etc/motd", text + "\n", 0o644), ("root/closed", "of root alone\n", 0o600), ("home/node/own", "x\n", 0o600)):
        with open(f"{root}/{path}", "w") as file:
            file.write(content)
        os.chmod(f"{root}/{path}", mode)
    subprocess.run(f"chmod 700 {root}/root {root}/home/node && chown -R 1000:1000 {root}/home/node", shell=True, check=True)
    subprocess.run(f"tar -C {root} -c . | docker import - {REFERENCE}", shell=True, check=True, stdout=subprocess.DEVNULL)
    return root


@case_from_any_state
def an_image_of_docker_runs_and_a_tag_that_moved_is_a_restart():
    make_image("the first image")
    SUBJECT.made_of(f'docker: "{REFERENCE}"')
    SUBJECT.must_run_on_its_copy("the first image")
    make_image("the second image")
    SUBJECT.must_be_detected(f"the tag {REFERENCE} moved from sha256:", confined=True)
    check("! stop" in SUBJECT.diff(1), "the machine is not started again")
    SUBJECT.must_run_on_its_copy("the second image")


@case_from_any_state
def an_archive_of_docker_save_runs():
    make_image("from an archive")
    with open(WORK + "/agent.tar", "wb") as file:
        subprocess.run(["docker", "save", REFERENCE], check=True, stdout=file)
    os.chmod(WORK + "/agent.tar", 0o644)
    SUBJECT.made_of("archive: agent.tar")
    SUBJECT.must_run_on_its_copy("from an archive")


def pack(root):
    """By smolvm itself, which boots a machine of its own for it."""
    home = SCRATCH + ("/pack-user" if USER else "/pack")
    os.makedirs(home, exist_ok=True)
    os.chmod(home, 0o777)
    environment = {**SMOLVM_ENVIRONMENT, "HOME": home, "XDG_DATA_HOME": home + "/data", "XDG_CACHE_HOME": home + "/c", "XDG_RUNTIME_DIR": home + "/run", "XDG_CONFIG_HOME": home + "/config"}
    result = subprocess.run(as_user([SMOLVM, "pack", "create", "--image", root, "--cpus", "1", "--mem", "512", "-o", home + "/agent"]), capture_output=True, text=True, timeout=600, env=environment)
    said = result.stdout + result.stderr
    if result.returncode != 0 and guest_died(said):
        raise GuestDied(said)
    check(result.returncode == 0, f"smolvm pack create ended with {result.returncode}: {said}")
    return home + "/agent.smolmachine"


def a_pack_of_smolvm_runs():
    root = make_image("from a pack")
    # The machine that packs it must be able to read it; as root that one has a uid of its own.
    subprocess.run(["chown", "-R", USER, root] if USER else ["chmod", "-R", "o+rX", root], check=True)
    made = with_tries(lambda: pack(root))
    subprocess.run(["cp", made, WORK + "/agent.smolmachine"], check=True)
    os.chmod(WORK + "/agent.smolmachine", 0o644)
    SUBJECT.made_of("pack: agent.smolmachine")
    SUBJECT.must_run_on_its_copy("from a pack")


# What older ones write was not measured.
if HAS_LIVE_CHANGES:
    case_from_any_state(a_pack_of_smolvm_runs)


@case_from_any_state
def with_the_bottle_its_copy_goes():
    bottle("delete", SUBJECT.name, "--yes", "--timeout", "200s")
    check(not os.path.exists(SUBJECT.image) and not os.path.exists(os.path.dirname(SUBJECT.image)), "the copy is left")

"""Nothing of anybody's is lost, and nothing of ours is left."""
import os
import subprocess

from bottle_host import STATE, bottle, check, digest, docker
from bottles import HELLO, USERS
from case import case
from subject import Bottle


@case
def a_row_deleted_with_its_disks_there():
    HELLO.stop()
    HELLO.delete_row()
    disks = [HELLO.folder + "/storage.raw", HELLO.folder + "/overlay.raw"]
    before = digest(*disks)
    check("disks" in HELLO.apply(expect=3), "apply does not say why")
    check("disks" in bottle("delete", "hello", expect=3), "delete does not say why")
    check(digest(*disks) == before, "the disks changed")
    HELLO.apply("--adopt")
    HELLO.must_be_ready()


@case
def an_unmanaged_thing_with_our_name():
    docker("run", "-d", "--name", "bottle-taken-egress", "suite-web:1", "httpd", "-f", "-p", "80")
    taken = Bottle("taken")
    check("none of our labels" in taken.apply(expect=3), "it does not say whose it is")
    check(docker("inspect", "-f", "{{.State.Running}}", "bottle-taken-egress") == "true", "it was touched")
    docker("rm", "-f", "bottle-taken-egress")


@case
@USERS.running()
def delete_leaves_nothing_of_ours():
    bottle("delete", "hello", "--yes", "--timeout", "200s")
    check(not HELLO.pids(), "a VMM lives")
    check("bottle-hello" not in docker("ps", "-a") + docker("network", "ls") + docker("volume", "ls"), "Docker still has something")
    check("bottle-" not in subprocess.check_output(["nft", "list", "tables"], text=True), "a firewall table is left")
    check(not os.path.exists(f"{STATE}/bottles/hello") and not os.path.exists(HELLO.cache), "a folder is there")
    check("nothing of it" in bottle("delete", "hello"), "a second delete does something")
    check(USERS.lives(), "the user's own machine was touched")

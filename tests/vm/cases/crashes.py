"""bottle and its whole group killed: no VM is left alive, and the next apply converges."""
import time

from bottle_host import bottle, check
from case import case
from subject import Bottle, apply_and_kill


@case
def killed_after_create():
    crash("killed", "machine bottle-killed done", 0)


@case
def killed_while_the_start_is_in_flight():
    crash("killed", "allowlist bottle-killed done", 1.2)


@case
def killed_between_start_and_prove():
    crash("killed", "> start bottle-killed done", 0)


@case
def killed_in_mid_prove():
    crash("killed", "seal bottle-killed done", 2.5)


def crash(name, trigger, delay):
    subject = Bottle(name)
    apply_and_kill(subject, trigger, delay)
    subject.wait_dead()
    time.sleep(1)
    check(not subject.pids(), "a VMM came back")
    subject.apply()
    subject.must_be_ready()
    bottle("delete", name, "--timeout", "200s")

"""bottle and its whole group killed: no VM is left alive, and the next apply goes on from there."""
import time

from bottle_host import HAS_SOMETHING_TO_SEAL, bottle, check
from case import case_from_any_state
from subject import Bottle, apply_and_kill

# A line of apply's, and how many seconds after it the kill comes.
MOMENTS = {
    "after create": ("machine bottle-killed done", 0),
    "while the start is in flight": ("allowlist bottle-killed done", 1.2),
    "between start and prove": ("> start bottle-killed done", 0),
    "in mid prove": ("seal bottle-killed done" if HAS_SOMETHING_TO_SEAL else "> start bottle-killed done", 2.5),
}


@case_from_any_state
def killed_at_every_moment_in_a_row():
    killed = Bottle("killed")
    for moment, (trigger, delay) in MOMENTS.items():
        apply_and_kill(killed, trigger, delay)
        killed.wait_dead()
        time.sleep(1)
        check(not killed.pids(), f"{moment}: a VMM came back")
    killed.must_converge()
    bottle("delete", "killed", "--yes", "--timeout", "200s")

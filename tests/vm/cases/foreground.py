"""A person at the keyboard: pause and resume, exec and run in the foreground, rollback."""
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios
import time

from bottle_host import BOTTLE, Failed, as_user, bottle, check, docker, must_live, run, with_tries
from bottles import HELLO
from case import case
from fixtures import manifest
from subject import Bottle


def processor_time():
    """Clock ticks that HELLO's VMM has used, and its state."""
    fields = open(f"/proc/{HELLO.pids()[0]}/stat").read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12]), fields[0]


def reason(type_):
    return HELLO.conditions()[type_]["reason"]


@case
def paused_it_stands_still_and_is_watched_on():
    pid = HELLO.pids()
    bottle("pause", "hello")
    before, state = processor_time()
    time.sleep(3)
    check(processor_time() == (before, "T") and state == "T", f"it goes on: {before} {processor_time()}")
    check(reason("MachineReady") == "Paused" and HELLO.conditions()["Confined"]["status"] == "True", f"{HELLO.conditions()}")
    check("is paused" in bottle("exec", "hello", "--", "true", expect=1), "exec does not say so")
    check("is paused" in bottle("verify", "hello", expect=3), "verify does not say so")
    check("paused already" in bottle("pause", "hello"), "a second pause does something")
    check("> resume" in HELLO.diff(1), "diff does not resume it")
    bottle("resume", "hello")
    check(HELLO.pids() == pid and HELLO.is_ready(), "resumed, it is not what it was")
    check(run(BOTTLE, "exec", "hello", "--", "echo", "on")[1] == "on\n", "its guest does not answer")
    bottle("pause", "hello")
    check("1 step" in HELLO.apply() and HELLO.pids() == pid and HELLO.is_ready(), "apply does not let it go on")


@case
def paused_it_is_stopped_on_a_doubt():
    bottle("pause", "hello")
    docker("network", "create", "leaknet")
    try:
        docker("network", "connect", "leaknet", HELLO.machine + "-infra")
        HELLO.must_be_detected("leaknet")
        check("no machine runs" in bottle("resume", "hello", expect=3), "resume lets it go on")
        check(not HELLO.pids(), "it still lives")
        docker("network", "disconnect", "leaknet", HELLO.machine + "-infra")
    finally:
        docker("network", "rm", "leaknet")
    HELLO.must_converge()


@case
def exec_has_a_pipe_a_terminal_and_an_exit_code():
    data = os.urandom(300_000)
    piped = subprocess.run(as_user([BOTTLE, "exec", "-i", "hello", "--", "cat"]), input=data, capture_output=True, timeout=120, env=os.environ)
    check(piped.returncode == 0 and piped.stdout == data, f"cat of a pipe: {piped.returncode}, {len(piped.stdout)} bytes, {piped.stderr}")
    check(run(BOTTLE, "exec", "hello", "--", "sh", "-c", "read x || exit 3")[0] == 3, "without -i it reads something")
    check("-t asks for a terminal" in bottle("exec", "-t", "hello", "--", "sh", expect=2), "-t without a terminal")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 31, 97, 0, 0))
    before = termios.tcgetattr(theirs)
    shell = subprocess.Popen(as_user([BOTTLE, "exec", "-it", "hello", "--", "sh", "-c", "stty size; read a; stty size; exit 5"]), stdin=theirs, stdout=theirs, stderr=theirs,
                             env=os.environ, start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    expect(ours, "31 97")
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    time.sleep(3)
    os.write(ours, b"\n")
    expect(ours, "40 120")
    check(shell.wait(60) == 5, "the exit code is another")
    check(termios.tcgetattr(theirs) == before, "the terminal is not as it was")


def expect(terminal, words, seconds=60):
    text = ""
    end = time.monotonic() + seconds
    os.set_blocking(terminal, False)
    while time.monotonic() < end:
        try:
            text += os.read(terminal, 4096).decode(errors="replace")
        except BlockingIOError:
            time.sleep(0.1)
        if words in text:
            return
    raise Failed(f"{words!r} does not come on the terminal: {text!r}")


class Run:
    """`bottle run` of a bottle whose agent is a line of shell."""

    def __init__(self, script, *arguments):
        self.subject = Bottle("once")
        text = open(self.subject.file).read()
        with open(self.subject.file, "w") as file:
            file.write(text.replace('[sh, -c, "while :; do sleep 5; done"]', json.dumps(["sh", "-c", script])))
        self.process = subprocess.Popen(as_user([BOTTLE, "run", "-f", self.subject.file, "--timeout", "400s", *arguments]), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, env=os.environ)
        self.text = ""

    def read_until(self, words):
        for line in self.process.stdout:
            self.text += line
            if words in line:
                return self
        must_live(1, self.text)
        raise Failed(f"{words!r} was not said: {self.text}")

    def end(self, code):
        self.text += self.process.stdout.read()
        got = self.process.wait(200)
        check(got == code, f"bottle run ended with {got}, not {code}: {self.text}")
        return self

    def must_be_gone(self):
        check(not self.subject.pids(), "a VMM is left")
        check("bottle-once" not in docker("ps", "-a") + docker("network", "ls") + docker("volume", "ls"), "something of Docker is left")
        check("once" not in bottle("get", "-o", "name"), "it is still known")


def ran(script, code, meanwhile, *arguments):
    """With another try where the guest of the emulated machine died."""
    def attempt():
        bottle("delete", "once", "--yes")
        one = Run(script, *arguments)
        try:
            one.read_until("its agent is started")
            meanwhile(one)
            return one.end(code)
        except Exception:
            one.process.kill()
            raise
    return with_tries(attempt)


@case
def run_is_one_bottle_as_one_process():
    def talk(one):
        one.read_until("agent up")
        check(one.subject.is_ready(), f"{one.subject.conditions()}")
        check("nothing to do" in bottle("apply", "-f", one.subject.file), "apply beside it does something")
        check("is run already" in bottle("run", "-f", one.subject.file, "--keep", expect=1), "a second run")
        one.process.stdin.write("hello agent\n")
        one.process.stdin.flush()

    one = ran("echo agent up; read line; echo got $line; exit 7", 7, talk, "-i")
    check("got hello agent" in one.text, one.text)
    one.must_be_gone()
    check("is there already" in bottle("run", "-f", HELLO.file, expect=1), "a bottle that is there would be deleted")
    HELLO.must_be_ready()


@case
def run_ends_on_a_signal_and_leaves_nothing():
    def end(one):
        one.read_until("agent up")
        one.process.send_signal(signal.SIGTERM)

    ran("echo agent up; exec sleep 1000", 128 + signal.SIGTERM, end).must_be_gone()


@case
def run_is_stopped_when_its_confinement_is_lost():
    docker("network", "create", "leaknet")

    def leak(one):
        one.read_until("agent up")
        docker("network", "connect", "leaknet", one.subject.machine + "-infra")

    try:
        one = ran("echo agent up; exec sleep 1000", 1, leak)
        check("leaknet" in one.text, one.text)
        one.must_be_gone()
    finally:
        docker("network", "rm", "leaknet")


@case
def what_a_killed_run_has_left_is_the_next_ones():
    def kill(one):
        one.read_until("agent up")
        one.process.kill()

    ran("echo agent up; exec sleep 1000", -signal.SIGKILL, kill)
    check("once" in bottle("get", "-o", "name"), "nothing is left that could be taken over")
    one = Run("echo agent up; exit 0")
    one.read_until("agent up").end(0).must_be_gone()


@case
def rollback_applies_the_manifest_before():
    text = open(HELLO.file).read()
    try:
        with open(HELLO.file, "w") as file:
            file.write(text.replace("sleep 5; done", "sleep 6; done"))
        HELLO.apply()
        with_tries(lambda: bottle("rollback", "hello", "--timeout", "400s", timeout=500))
        HELLO.must_be_ready()
        check("launch" in HELLO.diff(1), "the file on disk is no difference")
    finally:
        with open(HELLO.file, "w") as file:
            file.write(text)
    check("nothing to do" in HELLO.apply(), "it is not the manifest from before")

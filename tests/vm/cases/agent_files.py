"""An agent's prompt and skills in a real guest: where the user of the command finds them, as theirs, and how they follow the repository."""
import os
import shutil

from bottle_host import BOTTLE, STATE, WORK, bottle, check, run, with_tries
from bottles import HELLO
from case import case

PROMPT, SKILL = "Write docs.\n", "---\nname: review\ndescription: Reviews.\n---\n" + "Look twice.\n" * 5000
FOLDER = WORK + "/agent"


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(f"{FOLDER}/{path}"), exist_ok=True)
    with open(f"{FOLDER}/{path}", "w") as file:
        file.write(text)
    os.chmod(f"{FOLDER}/{path}", mode)


def with_files():
    """The manifest of hello, whose agent gets them; its command is as it was."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    write("prompt.md", PROMPT)
    write("skills/review/SKILL.md", SKILL)
    write("skills/review/scripts/run", "#!/bin/sh\necho reviewed\n", 0o755)
    write("skills/lint/SKILL.md", SKILL)
    path = WORK + "/hello-with-files.yaml"
    with open(HELLO.file) as plain, open(path, "w") as file:
        file.write(plain.read().replace("  agent:\n", "  agent:\n    provider: claude\n    prompt: agent/prompt.md\n    skills: [agent/skills/review, agent/skills/lint]\n"))
    return path


def as_the_agent(script):
    code, out, err = run(BOTTLE, "exec", "hello", "--", "sh", "-c", script)
    check(code == 0, f"exec ended with {code}: {out}{err}")
    return out


@case
def prompt_and_skills_come_into_the_guest_and_follow_the_repository():
    path = with_files()
    bottle("diff", "-f", path, expect=1)
    with_tries(lambda: bottle("apply", "-f", path, "--timeout", "400s", timeout=500))
    # By HOME, as an agent looks for them.
    text = as_the_agent("cat /etc/bottle/prompt.md ~/.claude/skills/review/SKILL.md; ~/.claude/skills/review/scripts/run; echo $HOME; "
                        "stat -c '%U %a %n' /etc/bottle/prompt.md ~/.claude ~/.claude/skills/review/scripts ~/.claude/skills/review/scripts/run ~/.claude/skills/lint/SKILL.md; "
                        "ls -A / ~/.claude/skills")
    check(text.startswith(PROMPT + SKILL + "reviewed\n/home/node\nroot 644 /etc/bottle/prompt.md\nnode 755 /home/node/.claude\nnode 755 /home/node/.claude/skills/review/scripts\n"
                          "node 755 /home/node/.claude/skills/review/scripts/run\nnode 644 /home/node/.claude/skills/lint/SKILL.md\n"), f"the guest has:\n{text[:300]} … {text[-900:]}")
    check(".bottle-" not in text, f"something is left in the guest:\n{text[-900:]}")
    code, text = HELLO.guest("for p in /proc/[0-9]*; do if tr '\\0' ' ' < $p/cmdline | grep -q '^sh -c while :'; then tr '\\0' '\\n' < $p/environ; fi; done")
    check("HOME=/home/node\n" in text, f"the agent's command looks for them elsewhere: {code} {text}")
    check(not os.listdir(f"{STATE}/bottles/hello/probe"), "what was copied is left on the host")
    check("nothing to do" in bottle("diff", "-f", path), "the next diff sees something")

    pids = HELLO.pids()
    write("prompt.md", "Write better docs.\n")
    shutil.rmtree(FOLDER + "/skills/lint")
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write(text.replace(", agent/skills/lint", ""))
    text = bottle("diff", "-f", path, expect=1)
    check("~ provision" in text and "prompt.md changed since it was copied; ~/.claude/skills/lint is not wanted any more" in text, text)
    # What the agent has put in the way: a link that would lead root somewhere else.
    as_the_agent("rm -r ~/.claude/skills/lint && ln -s /etc ~/.claude/skills/lint")
    bottle("apply", "-f", path, "--timeout", "400s", timeout=500)
    check(as_the_agent("cat /etc/bottle/prompt.md; ls -A ~/.claude/skills; ls -d /etc/passwd") == "Write better docs.\nreview\n/etc/passwd\n", "the guest has other files")
    check(HELLO.pids() == pids, "the machine was started again")
    check("nothing to do" in bottle("diff", "-f", path), "the next diff sees something")
    HELLO.must_converge()
    check(as_the_agent("ls -A ~/.claude/skills /etc/bottle") == "/etc/bottle:\n\n/home/node/.claude/skills:\n", "what is not wanted any more is left")

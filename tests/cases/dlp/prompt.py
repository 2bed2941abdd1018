# SPDX-License-Identifier: MIT
"""A person at a terminal: a prompt, an answer, a key that is pasted back."""
import os
import pty
import select
import sys
import time

SCRIPT = r'''printf 'name? '; read a; printf 'got %s\n' "$a"; printf 'word'; read b'''
pid, fd = pty.fork()
if pid == 0:
    os.execv(os.environ["AGENTSH"],
             ["agentsh", "exec", "s", "--", "bash", "-c", SCRIPT])
seen = b""


def until(text, seconds):
    global seen
    end = time.monotonic() + seconds
    while text not in seen:
        ready, _, _ = select.select([fd], [], [], max(0, end - time.monotonic()))
        if not ready:
            sys.exit(f"{text!r} not seen in {seconds} s: {seen!r}")
        seen += os.read(fd, 65536)


KEY = "AKIA" + "QYLPMN5HFIQR7XYA"
until(b"name? ", 60)
os.write(fd, (KEY + "\r").encode())
until(b"got [REDACTED:aws_access_key]", 60)
assert seen.count(KEY.encode()) == 0, seen
until(b"word", 60)  # held for a moment, not until the command ends
os.close(fd)
os.waitpid(pid, 0)

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""prompt.py HOW CMD...: runs CMD on a terminal of its own and answers what asks.

HOW: yes (types the number), no (types "y"), wait (nothing), early (types a
guess before it is asked).  What the terminal showed goes to stdout, then
"status=N".
"""

import os
import pty
import re
import select
import sys
import time

how, argv = sys.argv[1], sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(argv[0], argv)
seen, answered, end = b"", 0, time.monotonic() + 90
if how == "early":
    os.write(fd, b"y\nyes\n1234\n")
while time.monotonic() < end:
    if not select.select([fd], [], [], 0.1)[0]:
        continue
    try:
        got = os.read(fd, 4096)
    except OSError:
        break
    if not got:
        break
    seen += got
    asked = re.findall(rb"Type (\d+) to allow", seen)
    if len(asked) > answered and how in ("yes", "no"):
        answered = len(asked)
        os.write(fd, (asked[-1] if how == "yes" else b"y") + b"\n")
sys.stdout.buffer.write(seen)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print(f"\nstatus={status} asked={len(re.findall(rb'Type [0-9]+ to allow', seen))}")

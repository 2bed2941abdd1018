#!/bin/bash
# SPDX-License-Identifier: MIT
# Where the supervisor may not have a caller's socket (net/bypass@judged), a
# datagram with an address needs a caller that is alone with its memory. Threads
# that were joined a moment ago are no reason to refuse; one that runs is.
. "$(dirname "$0")/lib.sh"
session
cat >"$WS/threads.py" <<'END'
import socket
import threading
import time

a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
a.bind(("127.0.0.1", 0))
b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def refused(n):
    out = 0
    for _ in range(n):
        if n > 10:
            t = threading.Thread(target=time.sleep, args=(0.0001,))
            t.start()
            t.join()
        try:
            b.sendto(b"x", a.getsockname())
        except PermissionError:
            out += 1
    return out


print("after threads", refused(150))
threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
print("beside a thread", refused(3))
END
in_session python3 threads.py
expect_status 0
expect_out "after threads 0"
expect_out "beside a thread 3"
expect_event '.type == "seccomp_blocked" and .operation == "memory shared with other threads"'

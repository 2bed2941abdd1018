#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ends.py URL SOCKET SERVER_PID WORKSPACE LOOPS: how fast whole trees end.

Each round starts a command that has a child in a session of its own, a daemon
of two forks and a stopped one, then ends it by time-out, by kill or by going
away, and waits until none of them runs.  Every fourth round the same tree is
started without a sandbox and ended by kill -9, one process after the other: what
that takes ("native") is the machine's.  Prints one JSON object.
"""

import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import uuid
from urllib.parse import urlsplit

URL, SOCKET, SERVER, WS = sys.argv[1:5]
LOOPS = int(sys.argv[5])
# time-out of the commands that end by one; longer where starting is slow
TIMEOUT = float(os.environ.get("AGENTSH_TREE_SECONDS", "0.4"))
HOST = urlsplit(URL).netloc
TREE = """
setsid sh -c 'echo $$ >>pids.N; exec sleep 600' &
(setsid sh -c 'echo $$ >>pids.N; trap "" TERM INT HUP; exec sleep 600' & ) &
sh -c 'echo $$ >>pids.N; kill -STOP $$; exec sleep 600' &
echo $$ >>pids.N
exec sleep 600
"""


def lives(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(") ", 1)[1][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def begin(n, timeout):
    body = {"command": "/bin/sh", "args": ["-c", TREE.replace("pids.N", f"pids.{n}")]}
    if timeout:
        body["timeout"] = timeout
    ident = f"cmd-{uuid.uuid4()}"
    c = http.client.HTTPConnection(HOST, timeout=90)
    c.request("POST", "/api/v1/sessions/s/exec", json.dumps(body),
              {"X-Agentsh-Command-Id": ident})
    return c, ident


def pids(n, ended=None):
    """Processes of the tree; None when it was ended before all of them ran."""
    name = f"{WS}/pids.{n}"
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            with open(name) as f:
                found = f.read().split()
            if len(found) == 4:
                return found
        except FileNotFoundError:
            pass
        if ended and select.select([ended], [], [], 0)[0]:
            return None
        time.sleep(0.002)
    sys.exit(f"round {n}: the tree did not start")


def wait_gone(found):
    start = time.monotonic()
    while any(lives(p) for p in found):
        if time.monotonic() - start > 60:
            sys.exit(f"still there after 60 s: {[p for p in found if lives(p)]}")
        time.sleep(0.001)
    return time.monotonic() - start


def kill(ident):
    """By the local socket: over TCP the server first looks for its caller."""
    k = socket.socket(socket.AF_UNIX)
    k.connect(SOCKET)
    k.sendall(f"POST /api/v1/sessions/s/kill/{ident} HTTP/1.1\r\nHost: x\r\n"
              "Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
    return k


def fds():
    try:
        return len(os.listdir(f"/proc/{SERVER}/fd"))
    except PermissionError:  # it cannot be looked into by an ordinary user
        return 0


def zombies():
    n = 0
    for p in os.listdir("/proc"):
        if not p.isdigit():
            continue
        try:
            with open(f"/proc/{p}/stat") as f:
                fields = f.read().rsplit(") ", 1)[1].split()
        except OSError:
            continue
        n += fields[0] == "Z" and fields[1] == SERVER
    return n


def one(n):
    global TIMEOUT
    how = ("timeout", "kill", "gone")[n % 3]
    c, ident = begin(n, f"{round(TIMEOUT * 1000)}ms" if how == "timeout" else None)
    found = pids(n, c.sock if how == "timeout" else None)
    if not found:  # too slow for this machine now: once more, with more time
        c.getresponse().read()
        TIMEOUT *= 2
        if os.path.exists(f"{WS}/pids.{n}"):
            os.unlink(f"{WS}/pids.{n}")
        return one(n)
    if how == "timeout":
        answer = json.loads(c.getresponse().read())
        took = wait_gone(found)  # the answer comes after the end
        late = answer["result"]["duration_ms"] / 1000 - TIMEOUT
    elif how == "kill":
        start = time.monotonic()
        k = kill(ident)
        wait_gone(found)
        late = took = time.monotonic() - start
        k.close()
        c.getresponse().read()
    else:
        c.sock.shutdown(socket.SHUT_RDWR)
        start = time.monotonic()
        c.close()
        wait_gone(found)
        late = took = time.monotonic() - start
    os.unlink(f"{WS}/pids.{n}")
    return how, max(took, late)


def native(n):
    name = f"native{n}"
    tree = subprocess.Popen(["/bin/sh", "-c", TREE.replace("pids.N", f"pids.{name}")], cwd=WS)
    found = pids(name)
    start = time.monotonic()
    for p in found:
        os.kill(int(p), signal.SIGKILL)
    wait_gone(found)
    took = time.monotonic() - start
    tree.wait()
    os.unlink(f"{WS}/pids.{name}")
    return took


times = {"timeout": [], "kill": [], "gone": [], "native": []}
one(0), one(1), one(2)
before = fds()
for i in range(3, 3 + LOOPS):
    how, seconds = one(i)
    times[how].append(seconds)
    if i % 4 == 0:
        times["native"].append(native(i))
end = time.monotonic() + 60
while (fds() - before > 2 or zombies()) and time.monotonic() < end:
    time.sleep(0.1)
report = {h: {"median_ms": round(sorted(t)[len(t) // 2] * 1000),
              "max_ms": round(max(t) * 1000)} for h, t in times.items()}
report["fds"] = fds() - before
report["zombies"] = zombies()
print(json.dumps(report))

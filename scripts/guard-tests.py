#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""guard-tests.py LOG SECONDS CMD... - run tests, and see what they leave behind

CMD gets SECONDS in all; then it is ended, and that is a failure. When it is over,
nothing may be left: no process (what its parents abandoned comes to us, the
subreaper), no mount, no file in /tmp, no cgroup, no agentsh directory outside;
and no device node may be gone. Each finding is a line in LOG, in the form of
meson's JSON logs, which scripts/count-tests.py counts. What is left is removed.

As root the tests see an empty /tmp of their own (a directory of the real one,
in a private mount namespace), so that other work on the machine is not blamed.
Exit status: 0 nothing left and CMD succeeded, else 1.
"""

import ctypes
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

CLONE_NEWNS = 0x20000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MNT_DETACH = 2
PR_SET_CHILD_SUBREAPER = 36
GRACE = 30.0  # seconds for what is ending anyway
OUTSIDE = ("~/.agentsh", "~/.local/share/agentsh", "/run/agentsh*",
           "/var/lib/agentsh*", "/dev/shm/*agentsh*")

libc = ctypes.CDLL(None, use_errno=True)


def mount(source, target, flags):
    done = libc.mount(source.encode(), target.encode(), None, flags, None)
    return done == 0


def private_tmp():
    """The real directory now mounted at /tmp, or None: no right, or in use."""
    if os.geteuid() or Path.cwd().is_relative_to("/tmp"):
        return None
    real = tempfile.mkdtemp(prefix="agentsh-tests.", dir="/tmp")
    os.chmod(real, 0o1777)
    # The name of the real one stays reachable through this descriptor.
    held = os.open("/tmp", os.O_PATH | os.O_DIRECTORY)
    if (libc.unshare(CLONE_NEWNS) or not mount("none", "/", MS_REC | MS_PRIVATE)
            or not mount(real, "/tmp", MS_BIND)):
        os.rmdir(real)
        os.close(held)
        return None
    return held, os.path.basename(real)


def remove_private(held, name):
    """Only what is ours, and nothing that is still mounted below it."""
    libc.umount2(b"/tmp", MNT_DETACH)
    shutil.rmtree(f"/proc/self/fd/{held}/{name}", ignore_errors=True)


def mounts():
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line.split()[4] for line in lines]


def parents():
    """pid -> parent, of every process there is."""
    found = {}
    for task in glob.glob("/proc/[0-9]*/stat"):
        try:
            text = Path(task).read_text()
            found[int(text.split()[0])] = int(text.rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
    return found


class Watch(threading.Thread):
    """Remembers every process seen below us: who made what is found later."""

    def __init__(self):
        super().__init__(daemon=True)
        self.ours = set()

    def run(self):
        while True:
            above = parents()
            for pid in above:
                line = []
                while pid in above and pid not in self.ours:
                    if pid == os.getpid():
                        self.ours.update(line)
                        break
                    line.append(pid)
                    pid = above[pid]
                else:
                    if pid in self.ours:
                        self.ours.update(line)
            time.sleep(0.5)


def cgroups():
    """Cgroups of agentsh below our own, those of programs that are gone."""
    found = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, names, own = line.split(":", 2)
        for top in (names.removeprefix("name="), "unified", ""):
            base = f"/sys/fs/cgroup/{top}{own}".rstrip("/")
            for path in glob.glob(f"{base}/agentsh*/*@*"):
                maker = int(path.rsplit("@", 1)[1].split(".")[0])
                if not os.path.exists(f"/proc/{maker}"):
                    found[path] = maker
    return found


def outside():
    return {path for pattern in OUTSIDE
            for path in glob.glob(os.path.expanduser(pattern))}


def children():
    """(pid, command line) of what has become ours; the dead are collected."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return []
    found = []
    for task in glob.glob("/proc/[0-9]*/stat"):
        try:
            text = Path(task).read_text()
            pid, rest = int(text.split()[0]), text.rsplit(")", 1)[1].split()
            if int(rest[1]) == os.getpid() and rest[0] != "Z":
                line = Path(f"/proc/{pid}/cmdline").read_bytes()
                found.append((pid, line.replace(b"\0", b" ").decode(
                    errors="replace").strip() or text.split()[1]))
        except (OSError, IndexError):
            continue
    return found


def test_of(pid):
    """The test that started a process, as far as its environment tells."""
    try:
        words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    for word in words:
        if b"agentsh-case." in word:
            name = word.split(b"agentsh-case.", 1)[1].split(b"/")[0]
            return " of test " + name.decode(errors="replace")
    return ""


def collect_orphans(command):
    """The dead that came to us; the command itself is left to its Popen."""
    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
    while True:
        try:
            dead = os.waitid(os.P_ALL, 0, flags)
        except ChildProcessError:
            return
        if dead is None or dead.si_pid == command:
            return
        os.waitpid(dead.si_pid, 0)


def end(process, seconds):
    """The command's exit status; None when it had to be ended."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        collect_orphans(process.pid)
        if process.poll() is not None:
            return process.returncode
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return None


def processes_left():
    limit = time.monotonic() + GRACE
    while children() and time.monotonic() < limit:
        time.sleep(0.1)
    for pid, line in children():
        yield f"process {pid}{test_of(pid)}: {line[:200]}"
        os.kill(pid, signal.SIGKILL)
        try:  # its children come to us now
            os.waitpid(pid, 0)
        except ChildProcessError:
            pass


def everything_left(before, ours):
    found = []
    while batch := list(processes_left()):
        found += batch
    for path in reversed(mounts()):
        if path not in before["mounts"]:
            found.append(f"mount {path}")
            libc.umount2(path.encode(), MNT_DETACH)
    found += [f"cgroup {path}" for path, maker in sorted(cgroups().items())
              if maker in ours and path not in before["cgroups"]]
    found += [f"{path} was made" for path in sorted(outside() - before["outside"])]
    found += [f"/dev/{name} is gone"
              for name in sorted(before["dev"] - set(os.listdir("/dev")))]
    return found


def main():
    log, seconds, command = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    own_tmp = private_tmp()
    before = {"mounts": mounts(), "cgroups": cgroups(), "outside": outside(),
              "dev": set(os.listdir("/dev")) - {"shm", "mqueue"}}
    watch = Watch()
    watch.start()
    status = end(subprocess.Popen(command), seconds)
    found = everything_left(before, watch.ours)
    if own_tmp:
        found += [f"/tmp/{name}" for name in sorted(os.listdir("/tmp"))]
        remove_private(*own_tmp)
    if status is None:
        found.insert(0, f"not done after {seconds:.0f} s: {' '.join(command)}")
    with open(log, "w", encoding="utf-8") as out:
        for what in found:
            print(f"left behind: {what}")
            out.write(json.dumps({"name": f"left behind: {what}", "stdout": "",
                                  "result": "FAIL"}) + "\n")
        if not found:
            out.write(json.dumps({"name": "nothing left behind", "stdout": "",
                                  "result": "OK"}) + "\n")
    sys.exit(bool(found) or status != 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the Render demonstration's application does and expects.

Usage: contract.py    inside the prepared container (contract.sh)

Every command of every endpoint through `agentsh exec --root=/workspace SESSION --
/bin/bash -c COMMAND` in one session, as the application first did, and again as it
does since: in a session of its own each, which is then destroyed, and without a
shell where none is needed. Judged by its own rules: blocked when one
of the words of DENIED is in the output, or, for a command that failed, one of
EPERM_WORDS. Prints a line per endpoint and what was wrong; exit 1 on a failure.
"""

import itertools
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time

DENIED = ("command denied by policy", "blocked by policy", "BLOCKED:")
EPERM_WORDS = ("Permission denied", "Operation not permitted")
TIMEOUT = 150  # the application waits for 30; a busy machine may take longer

METADATA = [
    "http://169.254.169.254/latest/meta-data/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://169.254.169.254/metadata/instance?api-version=2021-02-01",
    "http://169.254.169.254/metadata/v1/",
    "http://100.100.100.200/latest/meta-data/",
    "http://169.254.169.254/opc/v2/instance/",
]
PRIVATE = ["10.0.0.1", "10.255.255.1", "172.16.0.1", "172.31.0.1",
           "192.168.0.1", "192.168.1.1", "169.254.1.1"]


def curl(url, seconds=60):  # the application: 3
    return f"curl -s --max-time {seconds} {url}"


# endpoint -> (command, "allowed" | "blocked" | "not blocked", regex in stdout)
ENDPOINTS = {
    "status": [
        ("agentsh --version", "allowed", r"(?i)agentsh"),
        ("agentsh detect", "allowed",
         r"(?s)Protection Score: \d+/100.*(?i:landlock).*(?i:seccomp)"),
        ("uname -r", "allowed", r"^\d+\."),
    ],
    "allowed": [
        ("whoami", "allowed", r"\w"),
        ("pwd", "allowed", r"/workspace"),
        ("ls /workspace", "allowed", ""),
        ('echo "hello world"', "allowed", "hello world"),
    ],
    "blocked": [
        ("nc -h", "blocked", ""), ("nmap --version", "blocked", ""),
        (curl(METADATA[0]), "blocked", ""),
    ],
    "commands": [(c, "blocked", "") for c in (
        "sudo whoami", "su -c whoami", "ssh -V", "scp --help", "nc -h",
        "nmap --version", "mount /dev/sda1 /mnt", "pkill -9 bash")],
    "privilege-escalation": [(c, "blocked", "") for c in (
        "sudo whoami", "su - root -c whoami", "cat /etc/shadow",
        "echo test >> /etc/sudoers", "chroot / /bin/bash -c whoami",
        "nsenter -t 1 -m -u -i -n -p -- /bin/bash")],
    "filesystem": [
        ("echo test > /workspace/test.txt && cat /workspace/test.txt",
         "allowed", "test"),
        ("cat /etc/hostname", "allowed", r"\w"),
        ("echo test > /etc/test.txt", "blocked", ""),
        ("echo test > /usr/bin/test", "blocked", ""),
        ("mkdir /etc/testdir", "blocked", ""),
        ("cp /etc/hostname /etc/hostname.bak", "blocked", ""),
        ("rm -f /workspace/shadow-link; ln -s /etc/shadow "
         "/workspace/shadow-link && cat /workspace/shadow-link",
         "blocked", ""),
        ("rm -f /workspace/test.txt /workspace/shadow-link", "allowed", ""),
    ],
    "cloud-metadata": [(curl(u), "blocked", "") for u in METADATA],
    "ssrf": [(curl(f"http://{a}/"), "blocked", "") for a in PRIVATE] + [
        (curl("http://127.0.0.1:18080/health"), "allowed", "ok"),
        # No network here: it only must not be called blocked.
        (curl("https://registry.example.com/", 3) + " | head -c 100",
         "not blocked", ""),
    ],
    "dlp": [(f'echo "{text}"', "allowed", re.escape(text)) for text in (
        "key sk-abcdefghijklmnopqrstuvwx1234", "AKIAIOSFODNN7EXAMPLE",
        "mail user@example.com", "ssn 078-05-1120")],
    "devtools": [
        ("python3 --version", "allowed", "Python 3"),
        ("node --version", "allowed", r"v\d+"),
        ("git --version", "allowed", "git version"),
        ("curl --version | head -1", "allowed", "curl"),
        ("pip3 --version", "allowed", "pip"),
        ("echo hello world | grep hello", "allowed", "hello"),
    ],
    "network": [
        (curl("http://evil.com/"), "blocked", ""),
        (curl("http://10.0.0.1/"), "blocked", ""),
        (curl("http://172.16.0.1/"), "blocked", ""),
        (curl("http://192.168.1.1/"), "blocked", ""),
        (curl("http://169.254.169.254/"), "blocked", ""),
    ],
    "execute": [("echo $((6 * 7))", "allowed", "42"),
                ("sudo id", "blocked", "")],
}


def is_blocked(run):
    words = DENIED if run.returncode == 0 else DENIED + EPERM_WORDS
    text = run.stdout + "\n" + run.stderr
    return any(word in text for word in words)


def one_session(command):
    return "demo", ["/bin/bash", "-c", command]


def own_session(command, count=itertools.count()):
    plain = not re.search(r"[|&;<>$]", command)
    return (f"demo-{next(count)}",
            shlex.split(command) if plain else ["/bin/bash", "-c", command])


def wrong_with(way, command, want, pattern):
    """None, or what is not as the application expects it."""
    session, argv = way(command)
    ours, theirs = socket.socketpair()  # what Node gives its children
    try:
        run = subprocess.run(
            ["agentsh", "exec", "--root=/workspace", session, "--", *argv],
            capture_output=True, text=True, timeout=TIMEOUT, stdin=theirs,
            check=False)
    except subprocess.TimeoutExpired:
        return f"no answer in {TIMEOUT} s"
    finally:
        ours.close()
        theirs.close()
        if way is own_session:
            subprocess.run(["agentsh", "session", "destroy", session],
                           capture_output=True, timeout=TIMEOUT, check=False)
    blocked = is_blocked(run)
    seen = (f"exit {run.returncode}, blocked={blocked}\n"
            f"    stdout: {run.stdout[:300]!r}\n    stderr: {run.stderr[:300]!r}")
    if "bashrc" in run.stdout + run.stderr:  # contract.sh made one that speaks
        return "a .bashrc was read: " + seen
    if want == "blocked":
        return None if blocked else seen
    if blocked or (want == "allowed" and run.returncode != 0):
        return seen
    return None if re.search(pattern, run.stdout) else seen


def main():
    failures = checks = 0
    for way, (name, rows) in itertools.product(
            (one_session, own_session), ENDPOINTS.items()):
        start = time.monotonic()
        for command, want, pattern in rows:
            tool = command.split()[0]
            if name == "devtools" and not shutil.which(tool):
                print(f"{name}: {tool} is not installed, left out")
                continue
            checks += 1
            problem = wrong_with(way, command, want, pattern)
            if problem:
                failures += 1
                print(f"{name}: {command}: expected {want}, got {problem}")
        print(f"/demo/{name}: {time.monotonic() - start:.2f} s")
    print(f"{checks} commands, {failures} not as the application expects")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())

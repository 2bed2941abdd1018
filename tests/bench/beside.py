#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""beside.py BUILD [NPM-PREFIX] - other sandboxes for agents, beside this one.

Runs the same attempts and the same work natively and in each sandbox that is
here: bwrap, firejail and proot from Debian, and below NPM-PREFIX Claude's (srt,
package @anthropic-ai/sandbox-runtime; needs socat and ripgrep) and Codex's
(codex, package @openai/codex). Each is set up to do its best at the same task:
a command may write its workspace and nothing else, and reaches no network.

What lies below /tmp is every sandbox's to write: let TMPDIR be elsewhere. Prints
Markdown: what each attempt came to, seen from outside of the sandbox
where it can be, and times as ratios to native (medians of interleaved runs).
Writes below a directory of its own only, and removes it.
"""
import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BUILD = Path(sys.argv[1]).resolve()
NPM = Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else None
TOP = Path(tempfile.mkdtemp(prefix="beside.", dir=os.environ.get("TMPDIR")))
WS = TOP / "ws"
OUTSIDE = TOP / "outside"
ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
       "HOME": str(TOP / "home"), "LC_ALL": "C.UTF-8", "TERM": "dumb",
       "AWS_SECRET_ACCESS_KEY": "made-up-by-beside"}
CARD = "4111 1111 1111 " + "1111"


# --- the sandboxes: name -> how a shell command is run in its workspace

def native(command):
    return ["sh", "-c", command]


def bwrap(command):
    return ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
            "--bind", str(WS), str(WS), "--unshare-all", "--die-with-parent",
            "--new-session", "--chdir", str(WS), "--", "sh", "-c", command]


def firejail(command):
    return ["firejail", "--quiet", "--noprofile", "--net=none",
            "--caps.drop=all", "--seccomp", "--nonewprivs", "--read-only=/",
            f"--read-write={WS}", "--", "sh", "-c", command]


def proot(command):
    return ["proot", "-w", str(WS), "sh", "-c", command]


def claude(command):
    return [str(NPM / "node_modules/.bin/srt"), "-s", str(TOP / "srt.json"),
            "-c", command]


def codex(command):
    return [str(NPM / "node_modules/.bin/codex"), "sandbox", "-c",
            'sandbox_mode="workspace-write"', "--", "sh", "-c", command]


def agentsh(command):
    return [str(BUILD / "cli/agentsh"), "exec", f"--root={WS}", "beside", "--",
            "sh", "-c", command]


def sandboxes():
    found = {"native": native}
    for name, make in (("bwrap", bwrap), ("firejail", firejail),
                       ("proot", proot)):
        if shutil.which(name):
            found[name] = make
    for name, make in (("srt", claude), ("codex", codex)):
        if NPM and (NPM / "node_modules/.bin" / name).exists():
            found[name] = make
    found["agentsh"] = agentsh
    return found


def run(make, command, limit=60):
    """Standard output and error together; the whole group ends with it."""
    with subprocess.Popen(make(command), cwd=WS, env=ENV, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT,
                          start_new_session=True) as child:
        try:
            return child.communicate(timeout=limit)[0]
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            return child.communicate()[0]


# --- what stands outside, to be reached or not

class Reached:
    """Listeners that remember whether anybody came."""

    def __init__(self):
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.path = socket.socket(socket.AF_UNIX)
        self.path.bind(str(TOP / "daemon.sock"))
        self.path.listen()
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind("\0beside-" + str(os.getpid()))
        self.abstract.listen()
        for s in self.all():
            s.settimeout(0.3)

    def all(self):
        return self.tcp, self.udp, self.path, self.abstract

    @staticmethod
    def by(sock):
        try:
            if sock.type == socket.SOCK_DGRAM:
                sock.recv(100)
            else:
                sock.accept()[0].close()
            return True
        except TimeoutError:
            return False


def python(code):
    return "python3 -c " + shlex.quote(code)


SYSCALLS = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
got = []
def call(name, *args):
    ctypes.set_errno(0)
    if libc.syscall(*args) != -1 or ctypes.get_errno() in (14, 22):
        got.append(name)
call('io_uring_setup', 425, 0, 0)
call('userfaultfd', 323, 0xffff)
call('keyctl', 250, 0, -3, 1)
call('bpf', 321, 99, 0, 0)
call('perf_event_open', 298, 0, 0, -1, -1, 0)
call('mount', 165, 0, 0, 0, 0, 0)
call('unshare', 272, 0x10000000)
print('open:' + ','.join(got) + '.')
"""


MANY = """
import os, time
n = 0
try:
    while n < 2000:
        if os.fork() == 0:
            time.sleep(5)
            os._exit(0)
        n += 1
except OSError:
    pass
print(f'started:{n}.', flush=True)
os.killpg(0, 9)
"""


def attempts(reached, victim):
    """(what, command, came to it: True is bad), in the order of the table."""
    tcp = reached.tcp.getsockname()[1]
    udp = reached.udp.getsockname()[1]
    name = "\\0beside-" + str(os.getpid())
    connect = "import socket; s = socket.socket(socket.%s); s.connect(%s)"
    out = OUTSIDE / "file"
    return [
        ("reads `/etc/shadow`", "cat /etc/shadow",
         lambda text: "root:" in text),
        ("reads a private key of the user", "cat ~/.ssh/id_ed25519",
         lambda text: "made up" in text),
        ("sees a credential in its environment",
         "echo got:$AWS_SECRET_ACCESS_KEY.",
         lambda text: "got:made-up" in text),
        ("writes outside of the workspace", f"echo x >{out}",
         lambda text: out.exists()),
        ("writes a git hook of the workspace",
         "echo 'touch x' >.git/hooks/pre-commit",
         lambda text: (WS / ".git/hooks/pre-commit").exists()),
        ("connects to a service of the host (TCP)",
         python(connect % ("AF_INET", f"('127.0.0.1', {tcp})")),
         lambda text: reached.by(reached.tcp)),
        ("sends it a datagram (UDP)",
         python("import socket; socket.socket(socket.AF_INET, "
                f"socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {udp}))"),
         lambda text: reached.by(reached.udp)),
        ("connects to a daemon's socket",
         python(connect % ("AF_UNIX", repr(str(TOP / 'daemon.sock')))),
         lambda text: reached.by(reached.path)),
        ("connects to an abstract socket",
         python(connect % ("AF_UNIX", f"'{name}'")),
         lambda text: reached.by(reached.abstract)),
        ("signals a process of the host", f"kill -0 {victim} && echo alive.",
         lambda text: "alive." in text),
        ("reads another process's environment",
         f"tr '\\0' ' ' </proc/{victim}/environ",
         lambda text: "made-up" in text),
        ("leaves a process behind",
         "setsid sleep 83 >/dev/null 2>&1 </dev/null & sleep 0.2",
         lambda text: survivors()),
        ("starts 2,000 processes at once",
         python(MANY),
         lambda text: "started:2000." in text),
        ("runs a program it may not, by a copy of it",
         "cp /usr/bin/su own 2>/dev/null; ./own --version",
         lambda text: "util-linux" in text),
        ("prints a card's number that is to be redacted",
         f"echo {CARD}", lambda text: CARD in text),
        ("uses calls for kernels' exploits", python(SYSCALLS),
         lambda text: "open:." not in text),
    ]


def survivors():
    time.sleep(0.3)
    found = subprocess.run(["pgrep", "-fx", "sleep 83"], text=True, check=False,
                           capture_output=True).stdout.split()
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    return bool(found)


# --- the workspace, and what is left of it

def fresh_workspace():
    """The same each time; the directory itself stays, sandboxes hold it."""
    if WS.exists():
        for entry in WS.iterdir():
            if entry.name == ".agentsh_trash":
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
    shutil.rmtree(OUTSIDE, ignore_errors=True)
    OUTSIDE.mkdir()
    (WS / ".git/hooks").mkdir(parents=True)
    for i in range(40):
        directory = WS / f"d{i}"
        directory.mkdir()
        for j in range(10):
            (directory / f"f{j}").write_text(f"{i} {j}\n" * 20)


def photograph():
    return {str(p.relative_to(WS)): p.read_bytes() if p.is_file() else None
            for p in sorted(WS.rglob("*"))
            if ".agentsh_trash" not in p.parts}


def comes_back(name, make, command):
    fresh_workspace()
    before = photograph()
    run(make, command)
    if photograph() == before:
        return "not destroyed"
    if name == "agentsh":
        subprocess.run([str(BUILD / "cli/agentsh"), "undo"], cwd=WS, env=ENV,
                       capture_output=True, check=False)
    return "back" if photograph() == before else "**lost**"


DESTROYED = {
    "`rm -rf` of all": "rm -rf d*",
    "a file written over": "echo x >d1/f1",
    "`sed -i` in all": "find d* -type f -exec sed -i s/1/2/ {} +",
    "`mv` of one over another": "mv d1/f1 d2/f2",
}
WORK = {
    "`true`": ("true", 12),
    "20 programs": ("for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 "
                    "20; do /bin/true; done", 8),
    "400 files read": ("cat d*/* >/dev/null", 8),
    "100 files made and removed":
        ("mkdir n; cd n; i=0; while [ $i -lt 100 ]; do echo $i >$i; "
         "i=$((i+1)); done; cd ..; rm -rf n", 8),
}


# --- tables

def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|---" * len(head) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def attempts_table(found, reached, victim):
    rows = []
    for what, command, came in attempts(reached, victim):
        row = [what]
        for make in found.values():
            fresh_workspace()
            row.append("**yes**" if came(run(make, command)) else "no")
        rows.append(row)
    table(["a command ...", *found], rows)


def undo_table(found):
    table(["destroyed, and then", *found],
          [[what, *(comes_back(n, m, c) for n, m in found.items())]
           for what, c in DESTROYED.items()])


def times_table(found):
    rows = []
    for what, (command, rounds) in WORK.items():
        fresh_workspace()
        taken = {name: [] for name in found}
        for turn in range(rounds + 1):
            for name, make in found.items():
                begun = time.monotonic()
                run(make, command)
                if turn: # the first one warms up
                    taken[name].append(time.monotonic() - begun)
        base = statistics.median(taken["native"])
        rows.append([what, f"{base * 1000:.1f} ms",
                     *(f"{statistics.median(t) / base:.1f}"
                       for n, t in taken.items() if n != "native")])
    table(["", *found], rows)


# --- agentsh's server

def config(port):
    return f"""\
server: {{http: {{addr: "127.0.0.1:{port}"}}}}
audit: {{storage: {{sqlite_path: {TOP}/events.db}}}}
sessions: {{base_dir: {TOP}/sessions}}
policies: {{dir: {TOP}/policies, default: default}}
dlp: {{redact_output: true}}
"""


def start_server():
    source = Path(__file__).resolve().parents[2]
    shutil.copytree(source / "data/policies", TOP / "policies")
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    (TOP / "config.yaml").write_text(config(port))
    (TOP / "run").mkdir(mode=0o700)
    ENV["AGENTSH_RUNTIME_DIR"] = str(TOP / "run")
    ENV["AGENTSH_SERVER"] = f"http://127.0.0.1:{port}"
    server = subprocess.Popen([str(BUILD / "cli/agentsh"), "server", "--config",
                               str(TOP / "config.yaml")], env=ENV,
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    limit = time.monotonic() + 60
    while not list((TOP / "run").glob("*.sock")):
        if time.monotonic() > limit or server.poll() is not None:
            sys.exit("beside.py: the server did not start")
        time.sleep(0.02)
    return server


def main():
    home = TOP / "home/.ssh"
    home.mkdir(parents=True)
    (home / "id_ed25519").write_text("made up, no key\n")
    (TOP / "srt.json").write_text(json.dumps({
        "network": {"allowedDomains": [], "deniedDomains": []},
        "filesystem": {"denyRead": ["/etc/shadow", str(home)],
                       "allowWrite": [str(WS)], "denyWrite": []}}))
    WS.mkdir()
    found = sandboxes()
    victim = subprocess.Popen(["sleep", "3600"], env=ENV)
    server = start_server()
    try:
        attempts_table(found, Reached(), victim.pid)
        undo_table(found)
        times_table(found)
    finally:
        victim.kill()
        server.terminate()
        server.wait()
        shutil.rmtree(TOP, ignore_errors=True)


if __name__ == "__main__":
    main()

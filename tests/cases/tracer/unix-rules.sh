# SPDX-License-Identifier: MIT
# unix-rules.sh - unix_socket_rules: path and abstract names, connect, bind,
# listen and sendto, through links and descriptors; and block_iteration
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3"
cat >"$T/policy.yaml" <<'Y'
version: 1
name: sockets
file_rules: [{name: all, paths: ["/**"], operations: ["*"], decision: allow}]
command_rules: [{name: all, commands: ["*"], decision: allow}]
unix_socket_rules:
  - {name: talk, paths: ["${PROJECT_ROOT}/open*", "@open*"], operations: [connect, sendto, bind, listen], decision: allow}
  - {name: serve, paths: ["${PROJECT_ROOT}/serve*", "@serve*"], operations: [bind, listen], decision: allow}
env_policy: {block_iteration: true}
Y
POLICY=$T/policy.yaml
SETTINGS='{"unix_sockets": {"enabled": true}}'
cat >"$WS/u.py" <<'PY'
import os, socket
S, D = socket.SOCK_STREAM, socket.SOCK_DGRAM
kept = []
def tried(name, f):
    try: f(); print(name, "ok")
    except OSError as e: print(name, "errno", e.errno)
def bound(addr, kind=S):
    s = socket.socket(socket.AF_UNIX, kind); s.bind(addr)
    if kind == S: s.listen(4)
    kept.append(s)
def to(addr): s = socket.socket(socket.AF_UNIX, S); s.connect(addr); kept.append(s)
def send(addr, msg=False):
    s = socket.socket(socket.AF_UNIX, D)
    if msg: s.sendmsg([b"x"], [], 0, addr)
    else: s.sendto(b"x", addr)
for form, p in (("path", ""), ("abstract", "\0")):
    tried(form + " bind open", lambda: bound(p + "open1"))
    tried(form + " connect open", lambda: to(p + "open1"))
    tried(form + " bind dgram", lambda: bound(p + "open2", D))
    tried(form + " sendto open", lambda: send(p + "open2"))
    tried(form + " sendmsg open", lambda: send(p + "open2", True))
    tried(form + " bind serve", lambda: bound(p + "serve1"))
    tried(form + " connect serve", lambda: to(p + "serve1"))
    tried(form + " bind serve dgram", lambda: bound(p + "serve2", D))
    tried(form + " sendto serve", lambda: send(p + "serve2"))
    tried(form + " sendmsg serve", lambda: send(p + "serve2", True))
    tried(form + " bind other", lambda: bound(p + "other"))
os.symlink("serve1", "openlink")
tried("link connect", lambda: to("openlink"))
os.symlink("serve2", "openlink2")
tried("link sendto", lambda: send("openlink2"))
tried("hard link", lambda: os.link("serve1", "open-hard"))
tried("moved", lambda: os.rename("serve1", "open-moved"))
tried("free moved", lambda: os.rename("open2", "open3"))
tried("proc connect", lambda: to("/proc/self/cwd/serve1"))
for e in ("self", str(os.getpid()), str(os.getppid()), "thread-self"):
    try: print("environ", len(open("/proc/%s/environ" % e, "rb").read()), "read")
    except OSError as x: print("environ errno", x.errno)
PY
chmod 755 "$WS"
traced python3 u.py
for f in path abstract; do
	for w in 'bind open ok' 'connect open ok' 'bind dgram ok' \
		'sendto open ok' 'sendmsg open ok' 'bind serve ok' \
		'bind serve dgram ok' 'connect serve errno 13' \
		'sendto serve errno 13' 'sendmsg serve errno 13' \
		'bind other errno 13'; do
		expect_out "$f $w"
	done
done
expect_out 'link connect errno 13'
expect_out 'link sendto errno 13'
expect_out 'proc connect errno 13'
# by another name it would be open
expect_out 'hard link errno 13'
expect_out 'moved errno 13'
expect_out 'free moved ok'
expect_event '.policy.rule == "net-floor-socket" and .effective_action == "blocked"'
expect_no_out 'environ [0-9]'
[ "$(grep -c '^environ errno' "$T/out")" = 4 ] || fail "an environment was read"
for op in connect sendto bind; do
	expect_event ".type == \"unix_socket_op\" and .operation == \"$op\" and .effective_action == \"blocked\""
	expect_event ".type == \"unix_socket_op\" and .operation == \"$op\" and .effective_action != \"blocked\""
done
expect_event '.type == "unix_socket_op" and .abstract and .effective_action == "blocked"'
expect_event '.type == "file_open" and (.path | endswith("/environ")) and .effective_action == "blocked"'

# a closed name in other words, and by what somebody else holds
rm -f "$WS"/open* "$WS"/serve*
cat >"$WS/words.py" <<'PY'
import ctypes, os, platform, socket, struct, threading
libc = ctypes.CDLL(None, use_errno=True)
S, D = socket.SOCK_STREAM, socket.SOCK_DGRAM
kept=[]
def tried(name, f):
    try: f(); print(name, "ok")
    except OSError as e: print(name, "errno", e.errno)
def srv(addr, kind=S):
    s = socket.socket(socket.AF_UNIX, kind); s.bind(addr)
    if kind == S: s.listen(4096)
    kept.append(s); return s
def raw(call, addr, n=None, kind=S, s=None):
    s = s or socket.socket(socket.AF_UNIX, kind); kept.append(s)
    if libc.syscall(call, s.fileno(), addr, len(addr) if n is None else n) < 0:
        raise OSError(ctypes.get_errno(), "")
    return s
CONNECT, BIND, SENDMMSG = (42, 49, 307) if platform.machine() == "x86_64" else (203, 200, 269)
fam = struct.pack("H", 1)
srv("serve1"); srv("serve2", D); srv("\0serve1"); srv("\0serve2", D)
for flags, n in ((os.O_PATH, "opath"), (os.O_PATH|os.O_NOFOLLOW, "opath2")):
    def f():
        fd = os.open("serve1", flags)
        raw(CONNECT, fam + b"/proc/self/fd/%d" % fd + b"\0")
    tried("BAD connect " + n, f)
    def f():
        fd = os.open("serve1", flags)
        os.symlink("/proc/self/fd/%d" % fd, "open-" + n)
        raw(CONNECT, fam + b"open-" + n.encode() + b"\0")
    tried("BAD connect link " + n, f)
tried("BAD no NUL", lambda: raw(CONNECT, fam + b"serve1"))
tried("BAD dots", lambda: raw(CONNECT, fam + b"open/../serve1"))
tried("BAD slashes", lambda: raw(CONNECT, fam + b".//./serve1"))
os.mkdir("opendir")
tried("BAD dotdot", lambda: raw(CONNECT, fam + b"opendir/../serve1"))
tried("BAD full", lambda: raw(CONNECT, fam + b"./" * 51 + b"serve1"))
tried("BAD garbage", lambda: raw(CONNECT, fam + b"serve1\0open1"))
tried("BAD garbage2", lambda: raw(CONNECT, fam + b"serve1\0" + b"open" * 20))
# abstract: a NUL is part of the name
s = raw(BIND, fam + b"\0open\0x")
s.listen(3)
tried("own abstract NUL", lambda: raw(CONNECT, fam + b"\0open\0x"))
tried("BAD bind abstract nul first", lambda: raw(BIND, fam + b"\0\0open"))
tried("BAD bind abstract other nul", lambda: raw(BIND, fam + b"\0othe\0open"))
tried("BAD abstract serve", lambda: raw(CONNECT, fam + b"\0serve1"))
tried("abstract serve+nul (nobody)", lambda: raw(CONNECT, fam + b"\0serve1\0"))
tried("BAD bind empty path", lambda: raw(BIND, fam + b"\0", 3))
tried("BAD family in upper", lambda: raw(CONNECT, struct.pack("I", 0x10001) [:2] + b"serve1"))
def sc():
    s = socket.socket(socket.AF_UNIX, D); raw(CONNECT, fam + b"serve2\0", s=s); s.send(b"x")
tried("BAD dgram connect send", sc)
def sc():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_RAW); raw(CONNECT, fam + b"serve2\0", s=s); s.send(b"x")
tried("BAD raw connect send", sc)
def mm():
    a = ctypes.create_string_buffer(fam + b"serve2\0"); b = ctypes.create_string_buffer(b"x")
    iov = struct.pack("QQ", ctypes.addressof(b), 1); iv = ctypes.create_string_buffer(iov)
    hdr = struct.pack("QIIQQQQI4x", ctypes.addressof(a), len(fam)+7, 0, ctypes.addressof(iv), 1, 0, 0, 0)
    hdr += struct.pack("I4x", 0)
    h = ctypes.create_string_buffer(hdr * 2)
    s = socket.socket(socket.AF_UNIX, D)
    if libc.syscall(SENDMMSG, s.fileno(), h, 2, 0) < 0: raise OSError(ctypes.get_errno(), "")
tried("BAD sendmmsg", mm)
srv("open9")
def swapped():
    stop, good = [], 0
    def flip():
        while not stop:
            for to in "serve1", "open9":
                try: os.symlink(to, "open-l.new"); os.rename("open-l.new", "open-l")
                except OSError: pass
    t = threading.Thread(target=flip); t.start()
    for i in range(300):
        s = socket.socket(socket.AF_UNIX, S); s.setblocking(False)
        try:
            s.connect("open-l")
            if not s.getpeername().endswith("open9"): print("BAD swapped link ok", s.getpeername())
        except OSError: pass
        s.close()
    stop.append(1); t.join()
tried("swap", swapped)
def passed():
    a, b = socket.socketpair(); l = socket.socket(socket.AF_UNIX, S)
    socket.send_fds(a, [b"x"], [l.fileno()]); _, fds, _, _ = socket.recv_fds(b, 1, 1)
    m = socket.socket(fileno=fds[0]); raw(CONNECT, fam + b"serve1\0", s=m)
tried("BAD by a passed socket", passed)
def at():
    here = os.getcwd(); os.chdir("/"); raw(CONNECT, fam + here.encode() + b"/serve1\0")
tried("BAD from elsewhere", at)
PY
traced python3 words.py
expect_status 0
expect_no_out 'BAD .* ok'
expect_out 'swap ok'
expect_out 'own abstract NUL ok'
[ "$(grep -c '^BAD .* errno' "$T/out")" = 21 ] || fail "not all were tried"
exit 0

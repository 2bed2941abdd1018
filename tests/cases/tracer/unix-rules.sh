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
exit 0

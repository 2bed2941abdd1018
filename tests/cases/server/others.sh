#!/bin/bash
# SPDX-License-Identifier: MIT
# others.sh - two servers on one machine, and `agentsh run`: what is a command to one
# of them is a command to all, and no person
. "$(dirname "$0")/../lib/case.sh"
command -v python3 >/dev/null || skip "no python3"
export HOME=$T/home # its database of `agentsh run`, too

# --- the victim: another server, with a configuration of its own
mkdir -p "$T/other/run" "$T/other/data" "$T/other/policies" "$T/home"
chmod 700 "$T/other/run"
cp "$SRC/data/policies/default.yaml" "$T/other/policies/"
OTHER_PORT=$(free_port)
OTHER=http://127.0.0.1:$OTHER_PORT
cat >"$T/other/config.yaml" <<-EOF
	server: {http: {addr: "127.0.0.1:$OTHER_PORT"}, unix_socket: {path: $WS/other.sock}}
	auth: {type: none}
	audit: {storage: {sqlite_path: $T/other/data/events.db}}
	sessions: {base_dir: $T/other/data/sessions}
	policies: {dir: $T/other/policies, default: default}
EOF
AGENTSH_RUNTIME_DIR=$T/other/run "$AGENTSH_BUILD/cli/agentsh" server \
	--config "$T/other/config.yaml" >"$T/other.log" 2>&1 </dev/null &
VICTIM=$!
over() {
	local status=$?
	kill -CONT "$VICTIM" 2>/dev/null
	kill "$VICTIM" 2>/dev/null
	wait "$VICTIM" 2>/dev/null
	(exit $status)
	case_cleanup
}
trap over EXIT
eventually curl -fsS -o /dev/null "$OTHER/health" 2>/dev/null || {
	cat "$T/other.log"
	fail "the other server does not start"
}
start_server

# --- each way to it, tried from inside: what it answers goes to stdout
cat >"$WS/ways.py" <<-'PY'
	import json, os, socket, sys
	port, path, only = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
	body = json.dumps({"id": "escape", "workspace": "/"})
	post = ("POST /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\n"
	        "Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
	def direct():
	    return socket.create_connection(("127.0.0.1", port), 60)
	def mapped():
	    s = socket.socket(socket.AF_INET6)
	    s.connect(("::ffff:127.0.0.1", port))
	    return s
	def unix():
	    s = socket.socket(socket.AF_UNIX)
	    s.connect(path)
	    return s
	def orphan(): # whose parents are gone
	    a, b = socket.socketpair()
	    if os.fork() == 0:
	        if os.fork() == 0:
	            os.setsid()
	            a.sendall(talk(direct()) + b"\n")
	        os._exit(0)
	    os.wait()
	    a.close()
	    return b
	def talk(s):
	    s.sendall(post.encode())
	    out = b""
	    while True:
	        more = s.recv(65536)
	        if not more:
	            return out
	        out += more
	def proxy():
	    at = os.environ.get("http_proxy", "").rpartition(":")[2].rstrip("/")
	    if not at:
	        raise OSError("no proxy")
	    s = socket.create_connection(("127.0.0.1", int(at)), 60)
	    s.sendall(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % (port, port))
	    answer = s.recv(4096)
	    if b" 200" not in answer.split(b"\n")[0]:
	        raise OSError(answer[:60])
	    return s
	if "last" in only: # who is gone when it is read
	    s = direct()
	    s.sendall(post.encode())
	    print("sent", flush=True)
	    os._exit(0)
	for way in direct, mapped, unix, orphan, proxy:
	    try:
	        s = way()
	        answer = s.recv(65536) if way is orphan else talk(s)
	        print(way.__name__, answer.split(b"\r\n")[0], answer[-60:])
	    except OSError as e:
	        print(way.__name__, "refused", e)
PY
# nobody_came WHO: and a person is let in still
nobody_came() {
	curl -fsS "$OTHER/api/v1/sessions" >"$T/sessions" || fail "the other does not answer a person"
	! grep -q escape "$T/sessions" || fail "$1 made a session there"
	N=$((${N:-0} + 1))
	curl -fsS -o /dev/null -X POST -d "{\"id\":\"mine$N\",\"workspace\":\"$T/home\"}" \
		"$OTHER/api/v1/sessions" || fail "a person cannot make a session there"
}
refused() {
	expect_status 0
	! grep -q ' 20[01] ' "$T/out" || fail "answered"
	grep -q '^direct.*\( 403 \|refused\)' "$T/out" || fail "not tried"
	nobody_came "$1"
}

in_session python3 ways.py "$OTHER_PORT" "$WS/other.sock"
refused "a command of the server"
(cd "$WS" && AGENTSH_CONFIG=$T/config.yaml ${AGENTSH_JAIL:+$AGENTSH_JAIL --} "$AGENTSH_BUILD/cli/agentsh" run -- \
	python3 ways.py "$OTHER_PORT" "$WS/other.sock") >"$T/out" 2>"$T/err" </dev/null
STATUS=$? LAST="agentsh run"
refused "agentsh run"

# --- what a command sent is read when it is gone
kill -STOP "$VICTIM"
in_session python3 ways.py "$OTHER_PORT" "$WS/other.sock" last
kill -CONT "$VICTIM"
nobody_came "a command that was gone"

# --- a command that serves where a person's client would look for the server is not
# handed the terminal, and does not keep a server from starting there
PLACE=$WS/place PORT2=$(free_port)
mkdir -m 700 "$PLACE"
cat >"$WS/impostor.py" <<-'PY'
	import os, socket, sys
	s = socket.socket(socket.AF_UNIX)
	s.bind(sys.argv[1])
	s.listen(9)
	open("listening", "w").close()
	while True:
	    c = s.accept()[0]
	    data, fds, _, _ = socket.recv_fds(c, 65536, 8)
	    if data:
	        open("told", "ab").write(data)
	    for fd in fds:
	        os.write(fd, b"INJECTED")
	    c.close()
PY
agentsh exec --root="$WS" s -- python3 impostor.py "$PLACE/http-$PORT2.sock" >"$T/impostor" 2>&1 </dev/null &
eventually test -e "$WS/listening" || fail "no impostor: $(cat "$T/impostor")"
as_person() { AGENTSH_NO_AUTO=1 AGENTSH_RUNTIME_DIR=$PLACE agentsh "$@"; }
run as_person --server "http://127.0.0.1:$PORT2" exec --root="$WS" s -- id
[ "$STATUS" != 0 ] || fail "an impostor was believed"
expect_no_out INJECTED
run as_person --server "unix://$PLACE/http-$PORT2.sock" exec --root="$WS" s -- id
[ "$STATUS" != 0 ] || fail "an impostor was believed by its path"
expect_no_out INJECTED
[ ! -e "$WS/told" ] || fail "told to the impostor: $(cat "$WS/told")"
sed -i "s/127.0.0.1:$OTHER_PORT/127.0.0.1:$PORT2/; s,other.sock,other2.sock,; s,/data/,/data2/," "$T/other/config.yaml"
mkdir "$T/other/data2"
kill "$VICTIM"
wait "$VICTIM" 2>/dev/null
AGENTSH_RUNTIME_DIR=$PLACE "$AGENTSH_BUILD/cli/agentsh" server \
	--config "$T/other/config.yaml" >"$T/other.log" 2>&1 </dev/null &
VICTIM=$!
eventually curl -fsS -o /dev/null --unix-socket "$PLACE/http-$PORT2.sock" \
	http://localhost/health 2>/dev/null || {
	cat "$T/other.log"
	fail "a server does not start where an impostor was"
}
run as_person --server "http://127.0.0.1:$PORT2" session list
expect_status 0

# --- the same as somebody who may not look into a proxy
as_nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups \
		env OTHERS_AGAIN=1 "$@"
}
if [ "$(id -u)" = 0 ] && [ -z "${AGENTSH_JAIL:-}${OTHERS_AGAIN:-}" ] &&
	as_nobody test -x "$AGENTSH_BUILD/cli/agentsh" -a -r "$0" 2>/dev/null; then
	as_nobody bash "$0" >"$T/nobody" 2>&1 || {
		cat "$T/nobody"
		fail "as another user"
	}
fi

#!/bin/bash
# SPDX-License-Identifier: MIT
# dns_redirects and connect_redirects; approve rules are not allow rules; a
# proxy that was killed closes the way out and comes back at the next command.
. "$(dirname "$0")/lib.sh"
cat "$HERE/policy.yaml" - >"$T/redirects.yaml" <<-END
	  - name: ask-first
	    domains: ["ask.test"]
	    decision: approve
	dns_redirects:
	  - name: to-private
	    match: '^registry\.good\.test$'
	    resolve_to: 10.1.2.3
	connect_redirects:
	  - name: to-mirror
	    match: '^api\.good\.test:443$'
	    redirect_to: 'good.test:443'
	  - name: to-local
	    match: '^local\.good\.test:80$'
	    redirect_to: '10.1.2.3:8080'
	    visibility: silent
	  - name: gone
	    match: '^gone\.good\.test:80$'
	    redirect_to: '10.1.2.3:1'
	    tls: {mode: rewrite_sni, sni: mirror.test}
	  - name: to-server
	    match: '^own\.good\.test:80$'
	    redirect_to: '127.0.0.1:@PORT@'
	  - name: to-unix
	    match: '^www\.good\.test:80$'
	    redirect_to_unix: '@T@/web.sock'
	  - name: to-closed
    match: '^ssh\.good\.test:80$'
    redirect_to_unix: '@T@/closed.sock'
  - name: or-else
	    match: '^other\.good\.test:80$'
	    redirect_to: '10.1.2.3:1'
	    on_failure: fail_open
	  - name: again
	    match: '^long\.good\.test:80$'
	    redirect_to: '10.1.2.3:1'
	    on_failure: retry_original
	  - name: denied-anyway
	    match: '^evil\.test:80$'
	    redirect_to: 'good.test:80'
END
PORT=$(free_port)
sed -i "s/@PORT@/$PORT/; s#@T@#$T#g" "$T/redirects.yaml"
POLICY_FILE=$T/redirects.yaml
session

through http://registry.good.test/x
expect_out "host=registry.good.test"
expect_reached 6 10.1.2.3 80
through -k https://api.good.test/y
expect_out "host=api.good.test path=/y"
through http://local.good.test/z
expect_out "host=local.good.test"
expect_reached 6 10.1.2.3 8080
through http://gone.good.test/
expect_out "cannot reach gone.good.test"
for host in other long; do
	through http://$host.good.test/else
	expect_out "host=$host.good.test path=/else"
done
python3 -c '
import os, socket, sys
l = socket.socket(socket.AF_UNIX)
l.bind(sys.argv[1] + ".new")
l.listen()
os.rename(sys.argv[1] + ".new", sys.argv[1])
c, _ = l.accept()
data = b""
while b"\r\n\r\n" not in data:
    data += c.recv(4096)
c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nby a path\n")
c.recv(1)' "$T/web.sock" &
for _ in $(seq 1200); do
	[ -S "$T/web.sock" ] && break
	sleep 0.05
done
through http://www.good.test/unix
expect_out "by a path"
expect_event '.type == "connect_redirect" and .domain == "www.good.test" and (.fields.redirect_to | endswith("/web.sock"))'
# of a socket that our user may not open without capabilities
python3 -c '
import os, socket, sys
l = socket.socket(socket.AF_UNIX)
os.umask(0o777)
l.bind(sys.argv[1])
l.listen()
os.chown(sys.argv[1], 12345, 12345)' "$T/closed.sock" 2>/dev/null && [ "$(id -u)" = 0 ] && {
	through http://ssh.good.test/closed
	expect_out "cannot reach ssh.good.test: Operation not permitted"
	grep -q "closed.sock: permission denied; let the server's user" "$T/server.log" ||
		fail "the server's log does not say why"
}
# a redirect does not open what is closed to everybody, nor a denied name
for url in http://own.good.test/ http://evil.test/ http://ask.test/; do
	through "$url"
	expect_refused
done
expect_event '.type == "net_connect" and .domain == "api.good.test" and .fields.redirect_to == "good.test:443"'
expect_event '.type == "connect_redirect" and .domain == "api.good.test" and .policy.rule == "to-mirror" and .fields.redirect_to == "good.test:443"'
expect_event '.type == "dns_redirect" and .domain == "registry.good.test" and .policy.rule == "to-private" and .fields.redirect_to == "10.1.2.3"'
expect_event '.type == "connect_redirect" and .fields.sni_not_rewritten == "mirror.test"'
jq -e 'any(.[]; .type == "connect_redirect" and .domain == "local.good.test")' "$T/events.json" >/dev/null &&
	fail "a silent redirect is on record"
in_session curl -sS --noproxy '*' http://registry.good.test/direct
expect_out "host=registry.good.test path=/direct"

# killed: closed, not open; the next command brings it back on the same port
pid=$(pgrep -P "$SERVER_PID" -f agentsh-netproxy) || fail "no proxy process"
kill -9 "$pid"
# (while it dies, its last connections are reset)
nobody() { run curl -sS --max-time 60 --proxy "$PROXY" http://good.test/ && [ "$STATUS" = 7 ]; }
eventually nobody || fail "a dead proxy answers: $STATUS"
in_session sh -c 'echo $HTTPS_PROXY'
[ "$(cat "$T/out")" = "$PROXY" ] || fail "the proxy came back elsewhere"
in_session curl -sS http://good.test/again
expect_out "path=/again"
in_session curl -sS --noproxy '*' http://good.test/directly
expect_out "path=/directly"

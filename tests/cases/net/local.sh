#!/bin/bash
# SPDX-License-Identifier: MIT
# Loopback in a network of the session's own: its own servers first, a server of
# the host where a rule allows that address and port, else nobody. And what the
# host could not be asked by address.
. "$(dirname "$0")/lib.sh"
DECLARED=$(free_port)
OTHER=$(free_port)
cat "$HERE/policy.yaml" - >"$T/local.yaml" <<-END
	  - name: declared
	    cidrs: ["127.0.0.1/32", "::1/128"]
	    ports: [$DECLARED]
	    decision: allow
END
POLICY_FILE=$T/local.yaml
ip link set lo up
mkdir "$T/www"
echo "of the host" >"$T/www/who"
for port in "$DECLARED" "$OTHER"; do
	python3 -m http.server -d "$T/www" -b 127.0.0.1 "$port" >/dev/null 2>&1 &
	WEB="${WEB:-} $!"
done
up() { for p in "$DECLARED" "$OTHER"; do curl -sfo /dev/null "http://127.0.0.1:$p/who" || return 1; done; }
eventually up || fail "no servers of the host"
session
trap 'status=$?; kill $WEB $INTERNET 2>/dev/null; (exit $status); case_cleanup' EXIT
ask() { in_session curl -sS --noproxy '*' --max-time 60 "http://127.0.0.1:$1/who"; }

ask "$DECLARED"
expect_out "of the host"
expect_event '.type == "net_connect" and .policy.rule == "declared" and .effective_action == "allowed"'
ask "$OTHER"
[ "$STATUS" = 7 ] || fail "a server of the host that no rule allows: $STATUS"
in_session curl -sS --noproxy '*' --max-time 60 "http://127.0.0.1:$PORT/health"
[ "$STATUS" = 7 ] || fail "the server of agentsh: $STATUS"

# a server of the session's own comes first, at the same number
in_session sh -c "mkdir own && echo 'of the session' >own/who
	python3 -m http.server -d own -b 127.0.0.1 $DECLARED >/dev/null 2>&1 &
	for i in \$(seq 300); do
		sleep 0.2
		curl -sS --noproxy '*' http://127.0.0.1:$DECLARED/who 2>/dev/null | grep 'of the session' && break
	done; kill \$!"
expect_out "of the session"
# and is not the host's
run curl -sS --max-time 60 "http://127.0.0.1:$DECLARED/who"
expect_out "of the host"

# not waiting, as event loops do
in_session python3 -c "
import select, socket
s = socket.socket()
s.setblocking(False)
r = s.connect_ex(('127.0.0.1', $DECLARED))
select.select([], [s], [], 60)
s.setblocking(True)
s.sendall(b'GET /who HTTP/1.0\r\n\r\n')
data = b''
while part := s.recv(1000):
    data += part
print(data.decode())"
expect_out "of the host"

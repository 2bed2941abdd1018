#!/bin/bash
# SPDX-License-Identifier: MIT
# Another session's proxy and DNS stub, on the loopback that commands share,
# are no way out: not by an own connection, not by the own proxy, whatever a
# rule says of loopback; until that session has ended.
. "$(dirname "$0")/lib.sh"
cat "$HERE/policy.yaml" - >"$T/loopback.yaml" <<-END
	  - name: own-services
	    cidrs: ["127.0.0.0/8", "::1/128"]
	    decision: allow
END
POLICY_FILE=$T/loopback.yaml
session
run agentsh exec --root="$WS" other -- sh -c 'echo $HTTP_PROXY'
expect_status 0
OTHER=$(sed 's#.*:##' "$T/out")
[ -n "$OTHER" ] && [ "$OTHER" != "${PROXY##*:}" ] || fail "no second proxy"
STUB=$(ss -Hlun "src 127.0.0.1" | awk '{ print $4 }' | sed 's#.*:##' | sort -n | tr '\n' ' ')
cat >"$T/try.py" <<-'END'
	import socket, sys
	def tcp(family, host, port):
	    s = socket.socket(family)
	    s.settimeout(60)
	    try:
	        s.connect((host, port))
	        s.sendall(b"GET http://good.test/ HTTP/1.1\r\nHost: good.test\r\n\r\n")
	        return s.recv(12)
	    except OSError as e:
	        return e.errno
	def dns(port):
	    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	    s.settimeout(60)
	    try:
	        s.sendto(b"\0\7\1\0\0\1\0\0\0\0\0\0\4good\4test\0\0\1\0\1", ("127.0.0.1", port))
	        return len(s.recv(500))
	    except OSError as e:
	        return e.errno
	own, other = int(sys.argv[1]), int(sys.argv[2])
	print("own", tcp(2, "127.0.0.1", own))
	print("other", tcp(2, "127.0.0.1", other), tcp(2, "127.9.9.9", other),
	      tcp(2, "0.0.0.0", other), tcp(10, "::ffff:127.0.0.1", other))
	answered = sum(dns(int(p)) not in (13, None) for p in sys.argv[3:])
	print("stubs", answered)
END
cp "$T/try.py" "$WS/try.py"
in_session python3 try.py "${PROXY##*:}" "$OTHER" $STUB
expect_out "own b'HTTP/1.1 200'"
expect_out "other 13 13 13 13"
expect_out "stubs 1"
expect_event '.policy.rule == "net-floor-control-plane" and .policy.decision == "deny"'
# one proxy by way of the other
in_session curl -sS --max-time 60 "http://127.0.0.1:$OTHER/"
in_session curl -sS --max-time 60 --noproxy "" "http://127.0.0.1:$OTHER/"
expect_out "blocked by policy"

# the port is anybody's once that session has ended
agentsh session destroy other >/dev/null || fail "cannot end the other session"
free() { ! ss -Hltn "src 127.0.0.1:$OTHER" | grep -q .; }
eventually free || fail "the port is still taken"
in_session python3 try.py "${PROXY##*:}" "$OTHER"
expect_out "own b'HTTP/1.1 200'"
expect_out "other 111 111 111 111"

#!/bin/bash
# SPDX-License-Identifier: MIT
# UDP to addresses and ports that rules allow works as if it were not watched;
# what they do not allow is answered at once, and nothing is sent (datagrams.py).
# Rules that come by a reload count, and so do those that go.
. "$(dirname "$0")/lib.sh"
[ -n "${CLOSED:-}" ] || extra=many
cat "$HERE/policy.yaml" - >"$T/rules.yaml" <<-END
	  - name: deny-one
	    cidrs: ["93.184.216.99/32"]
	    ports: [7777]
	    decision: deny
	  - name: echo
	    cidrs: ["93.184.216.0/24", "2606:2800:220:1::1/128"]
	    ports: [7777, 7778, 7779]
	    decision: allow
	  - name: no-addresses
	    ports: [7776]
	    decision: deny
END
POLICY_FILE=$T/rules.yaml
session
in_session python3 "$HERE/datagrams.py" ${KERNEL:-} ${CLOSED:-} ${extra:-}
expect_status 0
[ "$(grep -c ' ok$' "$T/out")" -ge 2 ] || fail "it did not run"
grep -v ' ok$' "$T/out" && fail "see above"
for address in 45.33.32.156 169.254.169.254 10.1.2.3 93.184.216.99 8.8.8.8; do
	expect_untouched '[0-9]*' "$address"
done
expect_untouched 17 93.184.216.34 '7776$'
expect_untouched 17 93.184.216.34 '443$'
if [ -n "${CLOSED:-}" ]; then
	expect_untouched 17 93.184.216.34
	curl -fsS "$AGENTSH_SERVER/api/v1/sessions/s" >"$T/out"
	jq -e 'any(.protection[]; .name == "namespace" and (.detail | contains("UDP closed")))' \
		"$T/out" >/dev/null || fail "it does not say so"
	exit 0
fi
expect_reached 17 93.184.216.34 7777
expect_reached 17 2606:2800:220:1::1 7777
expect_event '.type == "net_connect" and .remote == "93.184.216.34:7777" and .policy.rule == "echo" and .effective_action == "allowed"'
expect_event '.type == "net_connect" and .remote == "93.184.216.99:7777" and .policy.rule == "deny-one" and .effective_action == "blocked"'
if [ "${CAPTURE:-}" = namespace ]; then
	expect_event '.type == "net_close" and .fields.transport == "udp" and .fields.bytes_received == 60001'
fi

# another policy: one place more, one less
sed -i 's/^    ports: \[7777, 7778, 7779\]$/    ports: [7777, 7780]/' "$T/rules.yaml"
cp "$T/rules.yaml" "$T/next.yaml"
mv "$T/next.yaml" "$T/policies/default.yaml"
says() { # PORT ANSWER
	in_session python3 -c '
import errno, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(60)
try:
    s.connect(("93.184.216.34", int(sys.argv[1])))
    s.send(b"reloaded")
    print(s.recv(100))
except OSError as e:
    print(errno.errorcode[e.errno])' "$1"
	grep -q "$2" "$T/out"
}
eventually says 7780 ECONNREFUSED || fail "the new place is not open"
eventually says 7778 EACCES || fail "the old place is still open"
says 7777 reloaded || fail "what did not change does not work any more"

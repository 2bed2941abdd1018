#!/bin/bash
# SPDX-License-Identifier: MIT
# sandbox.network.intercept_mode: monitor: what rules deny goes through and is on
# record as denied and allowed; what the floor closes stays closed.
. "$(dirname "$0")/lib.sh"
CONFIG_EXTRA="sandbox:
  network:
    intercept_mode: monitor"
session
through http://evil.test/by-proxy
expect_out "path=/by-proxy"
expect_event '.domain == "evil.test" and .policy.decision == "deny" and .policy.effective_decision == "allow" and .effective_action == "allowed"'
if [[ ${UNCLOSED:-} != *names* ]]; then
	in_session curl -sS --max-time 60 --noproxy '*' http://evil.test/by-itself
	expect_out "path=/by-itself"
	in_session curl -sS --max-time 60 --noproxy '*' http://45.33.32.156/by-address
	expect_out "path=/by-address"
	expect_event '.type == "net_connect" and (.remote | tostring | startswith("45.33.32.156")) and .policy.decision == "deny" and .policy.effective_decision == "allow"'
	expect_event '.type == "dns_query" and .domain == "evil.test" and .policy.decision == "deny" and .effective_action == "allowed"'
fi
for place in 169.254.169.254 10.1.2.3; do
	through "http://$place/"
	expect_refused
	in_session curl -sS --max-time 60 --noproxy '*' "http://$place/"
	[ "$STATUS" != 0 ] || fail "$place was reached"
	expect_untouched '[0-9]*' $place
done
in_session python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try: s.sendto(b"x", ("45.33.32.156", 443)); print("sent")
except OSError as e: print("refused")'
if [[ ${UNCLOSED:-} != *names* ]]; then expect_out refused; fi
expect_untouched 17 45.33.32.156
through https://evil.test/ --connect-to evil.test:443:good.test:443
[ "$STATUS" != 0 ] || fail "another server name passed"
grep -q 'monitor' "$T/server.log" "$T"/*.log 2>/dev/null || fail "nothing is said at the start"

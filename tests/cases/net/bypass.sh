#!/bin/bash
# SPDX-License-Identifier: MIT
# Every way around the policy that we know of (bypass.py, or what ATTEMPTS
# names), in this mode of
# capture; a packet capture outside shows that nothing was sent. UNCLOSED names
# the classes that the mode does not close and says so in `protection`.
. "$(dirname "$0")/lib.sh"
session
in_session python3 "$HERE/${ATTEMPTS:-bypass.py}" "$T/net/ca.pem" "$WS" open ${UNCLOSED:-}
expect_status 0
[ "$(grep -c ' ok$' "$T/out")" -gt 50 ] || fail "it did not run"
grep -q '^works/.* ok$' "$T/out" || fail "it did not run to its end"
grep -v ' ok$' "$T/out" >"$T/bad" && { mv "$T/bad" "$T/out"; fail "see above"; }
[ -z "${COUNT:-}" ] || cut -d/ -f1 "$T/out" | sort | uniq -c

for address in 45.33.32.156 169.254.169.254 10.1.2.3 8.8.8.8 \
	2600:3c01::f03c:91ff:fe18:bb2f 2001:4860:4860::8888 168.63.129.16; do
	expect_untouched '[0-9]*' "$address"
done
if [[ " ${UNCLOSED:-} " != *" names "* ]]; then
	for address in 224.0.0.251 ff02::fb 255.255.255.255; do
		expect_untouched 17 "$address"
	done
	expect_untouched 17 93.184.216.34
fi
grep -vE '^(good|[0-9a-f]*\.exact|mixed|rebind|inside|loop|www\.good|ssh\.good|[a-z0-9-]*\.good)\.test |^good\.test ' \
	"$T/net/queries" | grep -E 'evil|metadata|0123456789|mfrgg|aaaa' && fail "a refused name was asked for"
# letters and types of a question carry nothing out
grep -qE '[A-Z]' "$T/net/queries" && fail "a name was asked for as it was spelled"
awk '$2 != 1 && $2 != 28 { exit 1 }' "$T/net/queries" || fail "a type was asked for that no answer has"
[ ! -s "$T/net/outside" ] || { mv "$T/net/outside" "$T/out"; fail "packets left by the device"; }
expect_event '.policy.decision == "deny" and .source == "netproxy"'
# each of these rules has refused something, on record
refused_by() {
	agentsh events query --session s --decision deny --text-like "%\"$1\"%" \
		--limit 100 >"$T/events.json" &&
		jq -e --arg rule "$1" 'any(.[]; .policy.rule == $rule and
			.effective_action == "blocked")' "$T/events.json" >/dev/null
}
for rule in ${RULES:-}; do
	eventually refused_by "$rule" || fail "no refusal by $rule on record"
done

# SPDX-License-Identifier: MIT
# The Render demonstration's configuration and policy, in our own words
# (tests/golden/render), with /workspace standing for the case's workspace.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/case.sh"

render_server() {
	PORT=$(free_port)
	mkdir -p "$T/policies"
	sed "s#/workspace#$WS#g" "$SRC/tests/golden/render/default.yaml" \
		>"$T/policies/default.yaml"
	sed -e "s#/workspace#$WS#g" -e "s#127.0.0.1:18080#127.0.0.1:$PORT#" \
		-e "s#/etc/agentsh/policies#$T/policies#" \
		-e "s#/var/lib/agentsh#$T/data#g" \
		-e "s#/var/log/agentsh#$T/data#g" \
		-e "s#/run/agentsh#$T/run#g" \
		"$SRC/tests/golden/render/config.yaml" >"$T/config.yaml"
	start_server
}

# The demonstration runs every command as `bash -c STRING` and calls it blocked
# by these words.
demo() {
	run agentsh exec --root="$WS" demo -- /bin/bash -c "$1"
}
is_blocked() {
	local words='command denied by policy|blocked by policy|BLOCKED:'
	[ "$STATUS" = 0 ] || words="$words|Permission denied|Operation not permitted"
	cat "$T/out" "$T/err" | grep -qE "$words"
}
expect_blocked() { is_blocked || fail "not blocked: $1"; }
expect_allowed() {
	[ "$STATUS" = 0 ] || fail "failed: $1"
	is_blocked && fail "reported as blocked: $1"
	return 0
}
blocked() { demo "$1"; expect_blocked "$1"; }
allowed() { demo "$1"; expect_allowed "$1"; }

# SPDX-License-Identifier: MIT
# lib.sh - agentsh-tracer without a server: traced CMD..., then expect_* words
#
#	. "$(dirname "$0")/lib.sh"
#	traced bash -c 'id'            # $T/events (JSON lines), $T/messages
#	expect_event '.filename == "/usr/bin/id" and .effective_action == "blocked"'
#
# SETTINGS: the settings object, default empty; what AGENTSH_LAYERS holds is
# merged into it (the same cases with other layers). TRACED_ARGS: more options of
# tracer-run. The command runs in $WS, which is the workspace.

. "$(dirname "${BASH_SOURCE[0]}")/../lib/case.sh"
HERE=$(dirname "${BASH_SOURCE[0]}")
HERE=$(cd "$HERE" && pwd)
POLICY=$HERE/policy.yaml
SETTINGS='{}'
TRACED_ARGS=

write_settings() {
	printf '%s' "$SETTINGS" |
		jq ". * (\$ENV.AGENTSH_LAYERS // \"{}\" | fromjson)" \
			>"$T/settings.json"
}

traced() {
	write_settings
	LAST="$*"
	# shellcheck disable=SC2086
	(cd "$WS" && exec timeout "${AGENTSH_TRACED_SECONDS:-300}" ${AGENTSH_JAIL:+$AGENTSH_JAIL --} \
		"$AGENTSH_BUILD/tests/cases/tracer/tracer-run" \
		-p "$POLICY" -s "$T/settings.json" -w "$WS" \
		-e "$T/events" -m "$T/messages" $TRACED_ARGS \
		"$AGENTSH_BUILD/tracer/agentsh-tracer" -- "$@") \
		>"$T/out" 2>"$T/err" <"${INPUT:-/dev/null}"
	STATUS=$?
}

expect_event() {
	jq -es "any(.[]; $1)" "$T/events" >/dev/null || {
		jq -c '[.type, .operation, .path, .filename, .remote,
			.effective_action, .policy.rule]' "$T/events" | tail -30
		fail "no event with: $1"
	}
}

expect_no_event() {
	jq -es "any(.[]; $1)" "$T/events" >/dev/null && fail "event with: $1"
	return 0
}

expect_message() {
	grep -qE -- "$1" "$T/messages" || {
		cat "$T/messages"
		fail "no message like: $1"
	}
}

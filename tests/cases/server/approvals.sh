# SPDX-License-Identifier: MIT
# A command that a person must approve: yes, no, and no answer.
. "$(dirname "$0")/lib.sh"
CONFIG_EXTRA=$(printf 'sandbox: {seccomp: {execve: {approval_timeout: 1h}}}\napprovals:\n  enabled: true\n  mode: local_tty\n  timeout: 1h')
start_server
new_session s

ask() {
	curl -sS -m 90 -X POST "$AGENTSH_SERVER/api/v1/sessions/s/exec" \
		-d "{\"command\":\"${1:-askme}\"}" >"$T/bg" &
	BG=$!
	[ -n "${1:-}" ] || wait_for pending
	ID=$(jq -r '.[0].id' "$T/out")
}
pending() {
	local_api GET /api/v1/approvals
	jq -e 'length == 1 and .[0].target == "askme"' "$T/out" >/dev/null
}

ask
local_api POST "/api/v1/approvals/$ID" '{"decision":"approve","reason":"fine"}'
expect_code 200
wait $BG
# approved, so it was started: there is no such program
jq -e '.result.exit_code == 127' "$T/bg" >/dev/null || fail "approved: $(cat "$T/bg")"

ask
local_api POST "/api/v1/approvals/$ID" '{"decision":"deny"}'
wait $BG
jq -e '.result.exit_code == 126 and .result.error.code == "E_APPROVAL_DENIED"' "$T/bg" >/dev/null ||
	fail "denied: $(cat "$T/bg")"
local_api POST "/api/v1/approvals/$ID" '{"decision":"approve"}'
expect_code 404

ask askbriefly
wait $BG
jq -e '.result.error.code == "E_APPROVAL_TIMEOUT"' "$T/bg" >/dev/null || fail "time-out"

ask
kill $BG # the client leaves: the question goes with it
gone() {
	local_api GET /api/v1/approvals
	jq -e 'length == 0' "$T/out" >/dev/null
}
wait_for gone
api GET '/api/v1/sessions/s/history?type=approval_resolved'
expect_json 'length == 3'

# a file that a running command opens: the open waits for the answer
echo treasure >"$WS/guarded"
for decision in approve deny; do
	curl -sS -m 90 -X POST "$AGENTSH_SERVER/api/v1/sessions/s/exec" \
		-d '{"command":"cat","args":["guarded"]}' >"$T/bg" &
	BG=$!
	asked() {
		local_api GET /api/v1/approvals
		jq -e '.[0] | .kind == "file" and (.target | endswith("/guarded"))' \
			"$T/out" >/dev/null
	}
	wait_for asked
	local_api POST "/api/v1/approvals/$(jq -r '.[0].id' "$T/out")" \
		"{\"decision\":\"$decision\"}"
	expect_code 200
	wait $BG
	cp "$T/bg" "$T/$decision"
done
jq -e '.result.stdout == "treasure\n"' "$T/approve" >/dev/null || fail "approved: $(cat "$T/approve")"
jq -e '.result.exit_code == 1 and (.result | has("stdout") | not)' "$T/deny" >/dev/null ||
	fail "denied: $(cat "$T/deny")"

# a program that a running command starts: as long as its own key says
printf '#!/bin/sh\necho asked\n' >"$WS/askme"
chmod 755 "$WS/askme"
curl -sS -m 90 -X POST "$AGENTSH_SERVER/api/v1/sessions/s/exec" \
	-d '{"command":"sh","args":["-c","true; ./askme"]}' >"$T/bg" &
BG=$!
asked() {
	local_api GET /api/v1/approvals
	jq -e '.[0] | .kind == "command" and
		(((.expires_at | sub("[.][0-9]*Z"; "Z") | fromdate) -
		  (.created_at | sub("[.][0-9]*Z"; "Z") | fromdate)) >= 3599)' \
		"$T/out" >/dev/null
}
wait_for asked
local_api POST "/api/v1/approvals/$(jq -r '.[0].id' "$T/out")" '{"decision":"approve"}'
wait $BG
jq -e '.result.stdout == "asked\n"' "$T/bg" >/dev/null || fail "approved: $(cat "$T/bg")"

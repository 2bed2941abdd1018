# SPDX-License-Identifier: MIT
# Server-sent events: a command's output, and a session's events.
. "$(dirname "$0")/lib.sh"
start_server
new_session s
curl -sSN -m 90 "$AGENTSH_SERVER/api/v1/sessions/s/events" >"$T/sse" &
SSE=$!
wait_for grep -q '^event: ready' "$T/sse"
api POST /api/v1/sessions/s/exec/stream \
	'{"command":"/bin/sh","args":["-c","echo a; echo b >&2; printf \"\\303\"; sleep 0.2; printf \"\\251\"; exit 5"]}'
expect_code 200
grep -A1 '^event: stdout' "$T/out" | grep '^data:' | sed 's/^data: //' >"$T/chunks"
[ "$(jq -rj .data "$T/chunks")" = "$(printf 'a\n\303\251')" ] || fail "stdout chunks"
grep -A1 '^event: done' "$T/out" | tail -1 | sed 's/^data: //' >"$T/done"
jq -e '.exit_code == 5 and .stdout_truncated == false' "$T/done" >/dev/null || fail "done frame"
api POST /api/v1/sessions/s/exec/stream '{"command":"nmap"}'
expect_code 403
wait_for grep -q '"type":"command_finished"' "$T/sse"
api DELETE /api/v1/sessions/s
wait $SSE || fail "the event stream was cut, not ended"
grep '^data: {"id"' "$T/sse" | sed 's/^data: //' | jq -e . >/dev/null || fail "events are not JSON"

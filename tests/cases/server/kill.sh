# SPDX-License-Identifier: MIT
# Ends of commands: kill, signal, client gone, worker dead, session gone, stop.
. "$(dirname "$0")/lib.sh"
start_server
new_session s
MARK=31$$7

bg() { # a command that runs on; its curl is BG
	curl -sS -m 60 -X POST "$AGENTSH_SERVER/api/v1/sessions/s/exec" \
		-H "X-Agentsh-Command-Id: $ID" \
		-d "{\"command\":\"/bin/sh\",\"args\":[\"-c\",\"$1\"]}" >"$T/bg" &
	BG=$!
	wait_for running
}
running() { pgrep -f "^sleep $MARK" >/dev/null; }
gone() { ! running; }
tracer() { pgrep -P "$SERVER_PID" -f agentsh-tracer; }
TREE="(setsid sleep $MARK &) ; sleep $MARK"

ID=cmd-11111111-1111-4111-8111-111111111111
bg "$TREE"
api POST "/api/v1/sessions/s/kill/$ID" '{}'
expect_code 200
wait $BG
wait_for gone
jq -e '.result.exit_code == -1' "$T/bg" >/dev/null || fail "kill"
api POST "/api/v1/sessions/s/kill/$ID" '{}'
expect_code 404

bg "trap 'echo caught; exit 9' INT; sleep $MARK & wait"
api POST "/api/v1/sessions/s/signal/$ID" '{"signal":"SIGINT"}'
expect_code 200
wait $BG
jq -e '.result.exit_code == 9 and .result.stdout == "caught\n"' "$T/bg" >/dev/null ||
	fail "signal: $(cat "$T/bg")"
wait_for gone

bg "$TREE"
kill -9 $BG
wait_for gone

bg "$TREE"
kill -9 "$(tracer)" || fail "no tracer to kill"
wait $BG
jq -e '.result.exit_code == 127 and (.result.stderr | contains("killed by signal 9"))' \
	"$T/bg" >/dev/null || fail "worker death: $(cat "$T/bg")"
wait_for gone
sh_exec 'echo again'
expect_json '.result.stdout == "again\n"'

bg "$TREE"
api DELETE /api/v1/sessions/s
expect_code 204
wait $BG
wait_for gone

new_session s
bg "$TREE"
kill -TERM "$SERVER_PID"
wait "$SERVER_PID" || fail "exit status of the server"
SERVER_PID=
wait $BG
wait_for gone

# a child of ours that no session started is left alone
cat >"$T/wrap.sh" <<-WRAP
sleep 4$MARK &
echo \$! >$T/stranger
exec ${AGENTSH_JAIL:+$AGENTSH_JAIL --} "$AGENTSH_BUILD/cli/agentsh" server --config "$T/config.yaml"
WRAP
bash "$T/wrap.sh" >"$T/server.log" 2>&1 </dev/null &
SERVER_PID=$!
up() { api GET /health && [ "$CODE" = 200 ]; }
wait_for up
new_session s
bg "$TREE"
kill -9 "$(tracer)"
wait $BG
wait_for gone
kill "$(cat "$T/stranger")" || fail "killed a stranger"
kill "$SERVER_PID"
wait "$SERVER_PID"
SERVER_PID=

# a server that is killed takes its commands with it
start_server
new_session s
bg "$TREE"
kill -9 "$SERVER_PID"
wait "$SERVER_PID"
wait $BG
wait_for gone
SERVER_PID=

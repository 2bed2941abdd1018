# SPDX-License-Identifier: MIT
# Commands over HTTP: output, exit codes, denials, redirects, environment.
. "$(dirname "$0")/lib.sh"
start_server
new_session s

sh_exec 'echo out; echo err >&2; exit 3'
expect_code 200
expect_json '.result | .exit_code == 3 and .stdout == "out\n" and .stderr == "err\n"'
expect_json '.guidance.reason == "command failed"'

api POST /api/v1/sessions/s/exec '{"command":"cat","stdin":"from stdin"}'
expect_json '.result.stdout == "from stdin"'

sh_exec 'nc -h' 'include_events: "summary"'
expect_code 403
expect_json '.result.exit_code == 126 and .result.error.code == "E_POLICY_DENIED"'
expect_json '.guidance | .blocked and .policy_rule == "block-network-tools"'
expect_json '.events.blocked_operations_count == 1 and .events.truncated'

sh_exec 'cat /etc/shadow'
expect_code 200
expect_json '.result.exit_code == 1'
expect_json '.result.stderr | contains("Permission denied")'
expect_json '.guidance | .reason == "blocked by policy" and .policy_rule == "block-sensitive"'
expect_json '.events.blocked_operations | any(.path == "/etc/shadow")'
sh_exec 'cat /etc/shadow 2>/dev/null; true'
expect_json '.result.exit_code == 0 and (has("guidance") | not)'

api POST /api/v1/sessions/s/exec '{"command":"oldtool","args":["x"]}'
expect_json '.result.stdout == "instead\n"'
expect_json '.guidance.substitutions[0].command == "/bin/echo instead"'

api POST /api/v1/sessions/s/exec '{"command":"nosuchprog"}'
expect_json '.result.exit_code == 127'
api POST /api/v1/sessions/s/exec '{}'
expect_code 400
expect_json '.error == "command is required"'
api POST /api/v1/sessions/s/exec '{"command":"true","working_dir":"/etc"}'
expect_json '.result | .exit_code == 2 and (.stderr | startswith("working_dir must be under /workspace"))'

api POST /api/v1/sessions/s/exec '{"command":"/usr/bin/env","env":{"GOOD_X":"1","BAD":"2","LD_PRELOAD":"x"}}'
expect_json '.result.stdout | contains("GOOD_X=1\n") and contains("INJECTED=yes\n")'
expect_json '.result.stdout | contains("AGENTSH_IN_SESSION=1\n")'
expect_json '.result.stdout | (contains("BAD=") or contains("LD_PRELOAD")) | not'

sh_exec 'sleep 20' 'timeout: "300ms"'
expect_json '.result.exit_code == 124 and (.result.stderr | endswith("command timed out\n"))'
expect_json '.guidance.reason == "command timed out"'
sh_exec 'kill -9 $$'
expect_json '.result.exit_code == -1'

# 3 MB of output: 1 MiB kept, the rest counted
sh_exec 'head -c 3000000 /dev/zero | tr "\0" x' 'include_events: "none"'
expect_json '.result | .stdout_truncated and .stdout_total_bytes == 3000000 and (.stdout | length) == 1048576'
ID=$(jq -r .command_id "$T/out")
api GET "/api/v1/sessions/s/output/$ID?offset=10&limit=5"
expect_json '.data == "xxxxx" and .has_more and .total_bytes == 3000000'

# a trace context reaches the command's events, a malformed one does not
curl -sS -m 90 -o "$T/out" -X POST "$AGENTSH_SERVER/api/v1/sessions/s/exec" \
	-H 'Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' \
	-d '{"command":"true"}'
expect_json '[.events.other[] | .fields.trace_id] | all(. == "0af7651916cd43dd8448eb211c80319c")'
curl -sS -m 90 -o "$T/out" -X POST "$AGENTSH_SERVER/api/v1/sessions/s/exec" \
	-H 'Traceparent: 00-zz' -d '{"command":"true"}'
expect_json '.events.other | any(.fields | has("trace_id")) | not'

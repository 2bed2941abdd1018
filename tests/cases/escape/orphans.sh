# SPDX-License-Identifier: MIT
# orphans.sh - a program that a person must allow, put in the place of another one
# while its execve is judged, by a process that nobody who is known started
. "$(dirname "$0")/../server/lib.sh"
POLICY_FILE=$T/approve.yaml
cat >"$POLICY_FILE" <<-'EOF'
	version: 1
	name: approve
	command_rules:
	  - {name: ask, commands: [whoami], decision: approve}
	  - {name: all, commands: ["*"], decision: allow}
	file_rules:
	  - {name: all, paths: ["/**"], operations: ["*"], decision: allow}
EOF
CONFIG_EXTRA='approvals: {enabled: true, mode: local_tty, timeout: 1ms}'
case ${AGENTSH_LAYERS:-} in
*ptrace*) CONFIG_EXTRA=$CONFIG_EXTRA$(printf '\nsandbox: {ptrace: {enabled: true}}') ;;
esac
start_server
new_session s
mkdir "$WS/a" "$WS/b"
cp "$(type -P true)" "$WS/a/whoamx"
cp "$(type -P whoami)" "$WS/b/whoami"
cp "$AGENTSH_BUILD/tests/cases/tracer/race-exec" "$WS"

# out of the sight of the check before it runs
echo "b/whoami; ./race-exec -o $WS/a/whoamx $WS/b/whoami ${RACE_SECONDS:-3}" >"$WS/attack.sh"
sh_exec '. ./attack.sh'
jq -r '.result.stdout' "$T/out" >"$T/said"
grep -q '^tries' "$T/said" || fail "not tried: $(jq -c .result "$T/out")"
! grep -qxF "$(whoami)" "$T/said" || fail "ran without being allowed: $(cat "$T/said")"
expect_json 'any(.events.blocked_operations[]; .type == "execve" and .policy.rule == "ask")'

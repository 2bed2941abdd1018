# SPDX-License-Identifier: MIT
# ptrace.sh - the second layer by configuration: on top where it can be had, in
# the place of notifications where they cannot, and what happens without it
. "$(dirname "$0")/../lib/case.sh"
jail=$AGENTSH_BUILD/tests/cases/degrade
"$jail" -n -- true || skip "no jail"

# again JAIL-OPTIONS SANDBOX-LINES...: a server there, configured so
again() {
	[ -z "$SERVER_PID" ] || { kill "$SERVER_PID"; wait "$SERVER_PID"; } 2>/dev/null
	rm -rf "$T/config.yaml" "$T/data" "$WS"
	mkdir -p "$T/data" "$WS"
	AGENTSH_JAIL=
	[ "$1" = here ] || AGENTSH_JAIL="$jail $1"
	shift
	CONFIG_EXTRA=$(printf '%s\n' "${EXTRA:-}" sandbox:; printf '  %s\n' "$@")
	PORT=
	start_server
}
layer() {
	agentsh session info s >"$T/info"
	jq -e "any(.protection[]; .name == \"ptrace\" and $1)" "$T/info" >/dev/null ||
		fail "layers: $(jq -c .protection "$T/info")"
}

again here 'ptrace: {enabled: true}'
in_session bash -c 'cp "$(type -P true)" sudo; ./sudo; grep TracerPid /proc/self/status'
grep -q 'TracerPid:.*[1-9]' "$T/out" || fail "not traced"
layer '.active'
run agentsh detect -o json --config "$T/config.yaml"
jq -e '[.domains[].backends[] | select(.name == "ptrace")][0].available' "$T/out" >/dev/null ||
	fail "detect does not see it"

# without notifications: judged, recorded, kept for undo, a guarantee held
again '-p -n' 'ptrace: {enabled: true}' 'require: [commands, files, undo, network, audit]'
echo one >"$WS/f"
in_session bash -c 'rm f; cat /etc/shadow; cp "$(type -P true)" sudo; ./sudo'
expect_err 'shadow: Permission denied'
expect_err 'sudo: Permission denied'
layer '.active and (.detail | startswith("judges"))'
(cd "$WS" && agentsh undo) >"$T/undo" 2>&1 || fail "undo: $(cat "$T/undo")"
[ "$(cat "$WS/f")" = one ] || fail "not brought back"
expect_event '.type == "file_delete" and .source == "ptrace"'
expect_event '.type == "execve" and .source == "ptrace" and .policy.effective_decision == "deny"'
run "$jail" -p -n -- "$AGENTSH_BUILD/cli/agentsh" detect -o json --config "$T/config.yaml"
for g in commands files undo network audit isolation; do
	[ "$(jq -r --arg n $g '.guarantees[] | select(.name == $n) | .state' "$T/out")" = held ] ||
		fail "$g: $(jq -c .guarantees "$T/out")"
done
jq -e '[.canaries[] | select(.result == "got past") | .name] - ["processes", "memory"] == []' "$T/out" >/dev/null ||
	fail "canaries: $(jq -c .canaries "$T/out")"

# no ptrace: fail_open goes on and says so, fail_closed does not
again ' ' 'ptrace: {enabled: true, on_attach_failure: fail_open}'
in_session echo on
expect_status 0
expect_out on
expect_err ptrace
layer '(.active | not)'
again ' ' 'ptrace: {enabled: true, on_attach_failure: fail_closed}'
in_session echo on
[ "$STATUS" != 0 ] || fail "fail_closed went on"
expect_no_out on
grep -q 'fail_closed' "$T/out" "$T/err" || fail "not said why"

# what runs already is not attached to: an error that says what to do instead
printf 'sandbox:\n  ptrace:\n    enabled: true\n    attach_mode: pid\n' >"$T/pid.yaml"
run agentsh config validate --path "$T/pid.yaml"
[ "$STATUS" != 0 ] || fail "attach_mode: pid was taken"
grep -q 'pid.yaml:4:.*attach_mode: pid is not supported.*children.*agentsh exec' "$T/out" "$T/err" ||
	fail "not said where, or what to do"

# neither notifications nor ptrace, but ptrace asked for: the floor, and it says so
again '-n' 'ptrace: {enabled: true}'
in_session echo floor
expect_out floor
expect_err 'notify'

# who is held by ptrace is not held for long: no answer is a denial
cat >"$T/approve.yaml" <<END
version: 1
name: approve
file_rules:
  - {name: ask, paths: ["**/guarded"], operations: ["*"], decision: approve}
  - {name: rest, paths: ["/**", "/"], operations: ["*"], decision: allow}
command_rules:
  - {name: rest, commands: ["*"], decision: allow}
END
POLICY_FILE=$T/approve.yaml
EXTRA=$(printf 'approvals:\n  enabled: true\n  mode: local_tty\n  timeout: 1h')
again '-p -n' 'ptrace: {enabled: true, performance: {max_hold_ms: 700}}'
echo treasure >"$WS/guarded"
run timeout 90 "$AGENTSH_BUILD/cli/agentsh" exec --root="$WS" s -- cat guarded
[ "$STATUS" = 1 ] || fail "held too long, or let through: $STATUS"
expect_no_out treasure
POLICY_FILE=
EXTRA=

# what ptrace shall not judge, it does not stop
again '-p -n' 'ptrace: {enabled: true, trace: {file: false}}'
in_session bash -c 'echo one >f && rm f; cp "$(type -P true)" sudo; ./sudo'
expect_err 'sudo: Permission denied'
agentsh events query --session s --limit 5000 >"$T/events.json"
jq -e 'any(.[]; .type == "file_delete")' "$T/events.json" >/dev/null && fail "files judged"
exit 0

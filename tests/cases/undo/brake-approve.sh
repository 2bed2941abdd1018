# SPDX-License-Identifier: MIT
# brake-approve.sh - a command that destroys more than a share of the workspace
# waits for a person: yes, no, no answer; what it did is undone all the same
CONFIG_EXTRA='sandbox: {fuse: {brake: {action: approve, max_percent: 20}}}
approvals: {enabled: true, mode: local_tty, timeout: 1h}'
. "$(dirname "$0")/lib.sh"
begin
fill() {
	rm -rf "$WS/d"
	mkdir "$WS/d"
	for i in $(seq 40); do echo "$i" >"$WS/d/$i"; done
}
left() { find "$WS/d" -type f 2>/dev/null | wc -l; }
approve() { agentsh --server "unix://$AGENTSH_RUNTIME_DIR/http-$PORT.sock" approve "$@"; }
asked() { ID=$(approve list | jq -r '.[0].id // empty') && [ -n "$ID" ]; }
# start: the command in the background; waits until it is asked about, into ID
start() {
	agentsh exec s -- bash -c "rm -rf $WS/d; echo status \$?" \
		>"$T/bg" 2>&1 </dev/null &
	BG=$!
	eventually asked || fail "nobody was asked: $(cat "$T/bg")"
}

fill
start
n=$(left)
[ "$n" -ge 28 ] && [ "$n" -lt 40 ] || fail "$n of 40 left when it was stopped"
# others go on
agentsh exec s -- bash -c "echo x >$WS/other && rm $WS/other" || fail "another command waits too"
approve resolve "$ID" --allow || fail resolve
wait $BG
grep -q 'status 0' "$T/bg" || fail "released: $(cat "$T/bg")"
[ ! -e "$WS/d" ] || fail "released, but $(left) left"
undo || fail undo
[ "$(left)" = 40 ] || fail "undone: $(left) of 40"

fill
start
approve resolve "$ID" --deny || fail resolve
while ID=$(approve list | jq -r '.[0].id // empty') && [ -n "$ID" ]; do
	approve resolve "$ID" --deny >/dev/null 2>&1
done
kill $BG 2>/dev/null
wait $BG 2>/dev/null
[ "$(left)" -ge 28 ] || fail "denied, but only $(left) left"
expect_event '.type == "file_delete" and .fields.brake == true and .effective_action == "blocked"'

# nobody answers: no is the answer after a while
kill "$SERVER_PID"
wait "$SERVER_PID" 2>/dev/null
sed -i 's/timeout: 1h/timeout: 1s/' "$T/config.yaml"
fill
start_server
agentsh exec --root="$WS" s -- bash -c "rm $WS/d/*; true" >"$T/bg" 2>&1 </dev/null &
BG=$!
refused() {
	agentsh events query --session s --limit 5000 |
		jq -e 'any(.[]; .type == "approval_resolved" and .fields.reason == "timeout")' >/dev/null
}
eventually refused || fail "no time-out: $(cat "$T/bg")"
kill $BG 2>/dev/null
wait $BG 2>/dev/null
[ "$(left)" -ge 28 ] || fail "no answer, but only $(left) left"
exit 0

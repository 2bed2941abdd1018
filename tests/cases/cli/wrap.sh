#!/bin/bash
# SPDX-License-Identifier: MIT
# wrap: an agent program with our descriptors, environment and directory, under
# the policy, and the lines at its end
. "$(dirname "$0")/../lib/case.sh"

cat >"$T/agent" <<'AGENT'
#!/bin/bash
echo "agent $1 in $PWD with $COLOUR, key ${SOME_TOKEN:-none}, session $AGENTSH_SESSION_ID"
read -r line && echo "read $line"
echo precious >kept && sync
rm old
cat /etc/shadow
sudo id
exit 9
AGENT
chmod +x "$T/agent"
run agentsh wrap
expect_status 1
expect_err 'command required after --'
run agentsh wrap -- "$T/nothing"
expect_status 1
expect_err 'agent not found'

PORT=$(free_port)
write_config
cp "$SRC"/data/policies/agent-default.yaml "$T/policies/"
start_server
mkdir "$WS/sub"
cp "$T/agent" "$WS/agent"
echo old >"$WS/sub/old"
cd "$WS/sub" || exit 1
wrapped() {
	echo input | COLOUR=blue SOME_TOKEN=secret \
		"$AGENTSH_BUILD/cli/agentsh" wrap --root "$WS" "$@"
}
wrapped -- "$WS/agent" one >"$T/out" 2>"$T/err"
STATUS=$?
expect_status 9
expect_out "agent one in "
expect_out "/sub with blue, key none"
expect_out 'read input'
expect_err '(policy: agent-default)'
expect_err "agent $WS/agent started"
expect_err '/etc/shadow: Permission denied'
expect_err 'complete (agent exit code: 9)'
grep -Eq 'agentsh: [0-9]+ operations on record, [1-9][0-9]* denied' "$T/err" ||
	fail "no report line"
id=$(sed -n 's/^agentsh: session \(.*\) created.*/\1/p' "$T/err")
expect_err "agentsh undo --session $id"
[ ! -e "$WS/sub/old" ] || fail "rm did not remove"
hint=$(sed -n 's/^agentsh: take it back: agentsh //p' "$T/err")
# shellcheck disable=SC2086
run agentsh $hint
expect_status 0
[ "$(cat "$WS/sub/old")" = old ] || fail "undo did not bring it back"

wrapped --report=false --session mine -- sh -c 'exit 0' >"$T/out" 2>"$T/err"
expect_err 'session mine created'
expect_no_err 'on record'
wrapped --session mine -- sh -c 'echo again' >"$T/out" 2>"$T/err"
expect_out again
wrapped --policy nosuch -- true >"$T/out" 2>"$T/err"
STATUS=$?
expect_status 1
expect_err 'create session: '
# a server without that policy uses its own, and says so
rm "$T/policies/agent-default.yaml"
wrapped -- sh -c 'echo own policy' >"$T/out" 2>"$T/err"
expect_out 'own policy'
expect_err 'no policy agent-default here'

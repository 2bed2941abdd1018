# SPDX-License-Identifier: MIT
# prompt.sh - approvals.mode local_tty: asked on the terminal of the caller,
# never to be answered from inside; others go on meanwhile
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3"
HERE=$(cd "$(dirname "$0")" && pwd)
cat >"$T/policy.yaml" <<'Y'
version: 1
name: prompts
file_rules:
  - {name: ask-file, paths: ["**/guarded*"], operations: ["*"], decision: approve, message: "look at {{.Path}}"}
  - {name: ask-briefly, paths: ["**/brief"], operations: ["*"], decision: approve, timeout: 2s}
  - {name: rest, paths: ["/**"], operations: ["*"], decision: allow}
command_rules:
  - {name: ask-command, commands: [id, whoami], decision: approve}
  - {name: slow, commands: [hostname], decision: approve, timeout: 1s}
  - {name: rest, commands: ["*"], decision: allow}
Y
POLICY_FILE=$T/policy.yaml
CONFIG_EXTRA=$(printf 'approvals:\n  enabled: true\n  mode: local_tty\n  timeout: 1h')
start_server
new_session s
echo treasure >"$WS/guarded"
echo treasure >"$WS/guarded2"
echo treasure >"$WS/brief"

prompted() { # HOW CMD...
	LAST="$*"
	local how=$1
	shift
	exec_jailed python3 "$HERE/prompt.py" "$how" \
		"$AGENTSH_BUILD/cli/agentsh" exec s -- "$@" >"$T/out" 2>"$T/err"
	STATUS=$?
}

# a file, a program run by a running command, the command itself
prompted yes cat guarded
expect_out "look at"
expect_out treasure
expect_out "status=0 asked=1"
prompted no cat guarded
expect_no_out treasure
expect_out "status=1 asked=1"
prompted yes sh -c 'id -u; echo after'
expect_out "rule: ask-command"
expect_out after
expect_out "status=0 asked=1"
prompted yes whoami
expect_out "status=0 asked=1"
prompted no whoami
expect_out "status=126 asked=1"
# what was typed before the question is no answer; no answer is a denial
prompted early sh -c 'sleep 0.5; cat brief'
expect_no_out treasure
prompted wait hostname
expect_out "status=126 asked=1"

# only the process that asked waits
prompted yes sh -c 'cat guarded & for i in 1 2 3; do echo going $i; done; wait'
expect_out "going 3"
expect_out treasure
# several at a time
prompted yes sh -c 'cat guarded & cat guarded2 & id -u & wait'
expect_out "asked=3"
[ "$(grep -c treasure "$T/out")" = 2 ] || fail "not both"

# without a terminal nobody is asked: it waits for the API, then time-out denies
run timeout 60 setsid "$AGENTSH_BUILD/cli/agentsh" exec s -- cat brief
expect_status 1
expect_no_out treasure

# a command cannot answer, by whatever way, nor even see what is asked
cat >"$WS/inside.sh" <<X
cat brief &
sleep 0.3
agentsh=$AGENTSH_BUILD/cli/agentsh
\$agentsh approve list
for s in $AGENTSH_SERVER unix://$T/run/http-$PORT.sock; do
	ids=\$(\$agentsh --server \$s approve list | grep -o 'approval-[0-9a-f-]*')
	for i in \$ids; do \$agentsh --server \$s approve resolve \$i --allow && echo ANSWERED; done
done
curl -s $AGENTSH_SERVER/api/v1/approvals
curl -s --unix-socket $T/run/http-$PORT.sock http://x/api/v1/approvals
for t in /proc/$$/fd/0 /proc/\$PPID/fd/0 /dev/tty; do echo 1234 >\$t; done
python3 -c '
import fcntl, termios
for c in b"1234\n":
    fcntl.ioctl(0, termios.TIOCSTI, bytes([c]))'
wait
X
prompted wait sh inside.sh
expect_no_out ANSWERED
expect_no_out '"id"'
expect_no_out treasure

# the command line of somebody outside
echo id -u >"$WS/asks.sh"
curl -sS -m 90 -X POST "$AGENTSH_SERVER/api/v1/sessions/s/exec" \
	-d '{"command":"sh","args":["asks.sh"]}' >"$T/bg" &
BG=$!
listed() {
	run exec_jailed "$AGENTSH_BUILD/cli/agentsh" --server "unix://$T/run/http-$PORT.sock" approve list
	jq -e '.[0] | .kind == "command" and (.target | endswith("/id"))' "$T/out" >/dev/null
}
wait_for listed
ID=$(jq -r '.[0].id' "$T/out")
run exec_jailed "$AGENTSH_BUILD/cli/agentsh" --server "unix://$T/run/http-$PORT.sock" \
	approve resolve "$ID" --allow --reason tested
expect_status 0
wait $BG
jq -e '.result.exit_code == 0 and (.result.stdout | length > 0)' "$T/bg" >/dev/null || fail "by approve: $(cat "$T/bg")"
api GET '/api/v1/sessions/s/history?type=approval_resolved'
expect_json 'any(.[]; .fields.approved and .fields.reason == "tested")'
expect_json 'any(.[]; .fields.approved and .fields.reason == "at the terminal")'
expect_json 'any(.[]; (.fields.approved | not) and .fields.reason == "timeout")'
exit 0

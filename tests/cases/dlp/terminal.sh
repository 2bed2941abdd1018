#!/bin/bash
# SPDX-License-Identifier: MIT
# terminal.sh - redaction on a terminal: it is one still, and prompts appear
. "$(dirname "$0")/lib.sh"
command -v script >/dev/null || skip "no script(1)"
command -v python3 >/dev/null || skip "no python3"
CONFIG_EXTRA=$REDACT
start_server
in_session true
expect_status 0

in_terminal() {
	LAST="$*"
	script -qec "stty rows 33 cols 77; $*; echo status=\$?; stty -a" \
		/dev/null >"$T/out" 2>"$T/err" </dev/null
	STATUS=$?
}
EXEC="$AGENTSH_BUILD/cli/agentsh exec s --"
in_terminal "$EXEC sh -c 'echo key $KEY; test -t 0 && test -t 1 && test -t 2 && echo all; exit 4'"
expect_out 'key [REDACTED:anthropic_api_key]'
expect_out all
expect_out status=4
expect_out ' icanon'
expect_out ' echo '
in_terminal "$EXEC stty size"
expect_out '33 77'
for _ in $(seq 5); do
	in_terminal "$EXEC sh -c 'seq 3000; echo last-line'"
	expect_out last-line
done
in_terminal "$EXEC bash -ic 'sleep 600 & kill %1; wait; echo jobs-ok'"
expect_out jobs-ok
expect_no_out 'no job control'
# a prompt without a newline, what is typed, and its echo
AGENTSH="$AGENTSH_BUILD/cli/agentsh" python3 "$(dirname "$0")/prompt.py" \
	>"$T/out" 2>&1 || fail "$(cat "$T/out")"
# the websocket's terminal
AGENTSH_KEY="$KEY" python3 "$(dirname "$0")/websocket.py" "$PORT" \
	"$(dirname "$0")/../server" >"$T/out" 2>&1 || fail "$(cat "$T/out")"

#!/bin/bash
# SPDX-License-Identifier: MIT
# terminal.sh - a command has a terminal of its own, and ours is put back
. "$(dirname "$0")/../lib/case.sh"
command -v script >/dev/null || skip "no script(1)"
start_server
in_session true
expect_status 0

# in_terminal CMD: under a terminal made by script(1)
in_terminal() {
	LAST="$*"
	script -qec "stty rows 33 cols 77; $*; echo status=\$?; stty -a" \
		/dev/null >"$T/out" 2>"$T/err" </dev/null
	STATUS=$?
}
EXEC="$AGENTSH_BUILD/cli/agentsh exec s --"
in_terminal "$EXEC tty"
expect_out /dev/pts/
expect_out status=0
in_terminal "$EXEC stty size"
expect_out '33 77'
in_terminal "$EXEC bash -c 'test -t 0 && test -t 1 && echo both; exit 4'"
expect_out both
expect_out status=4
# raw mode was left
expect_out ' icanon'
expect_out ' echo '
# nothing of the end is lost, however much there was
for _ in $(seq 20); do
	in_terminal "$EXEC sh -c 'seq 3000; echo last-line'"
	expect_out last-line
done
# the slave is the controlling terminal: job control works
in_terminal "$EXEC bash -ic 'sleep 600 & kill %1; wait; echo jobs-ok'"
expect_out jobs-ok
expect_no_out 'no job control'

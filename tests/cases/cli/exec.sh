#!/bin/bash
# SPDX-License-Identifier: MIT
# exec.sh - output, exit status, descriptors, signals and denial of exec
. "$(dirname "$0")/../lib/case.sh"
start_server

in_session echo hi
expect_status 0
expect_out hi
# (a host that lacks something is told of once)
! grep -v '^agentsh: this session runs without: ' "$T/err" || fail "noise on stderr"
in_session bash -c 'echo out; echo err >&2; exit 7'
expect_status 7
expect_out out
expect_err err
in_session nosuchprogram
expect_status 127
in_session sudo id
expect_status 126
expect_err 'agentsh: command denied by policy (rule='
run agentsh exec --timeout 300ms s -- sleep 20
expect_status 124
expect_err 'command timed out'

# pipes, both ways, and more than any buffer holds
out=$(head -c 20000000 /dev/zero | agentsh exec s -- cat | wc -c)
[ "$out" = 20000000 ] || fail "pipe: $out bytes"
# a reader that goes away ends the writer, at once
timeout 90 bash -c '"$AGENTSH_BUILD/cli/agentsh" exec s -- yes | head -1' \
	>"$T/out" || fail "yes | head did not end"
# a file's offset is shared
{ agentsh exec s -- head -c 3 >/dev/null; cat; } <<<abcdef >"$T/out"

run agentsh exec --output json --events all s -- bash -c 'echo j; exit 3'
expect_status 3
[ "$(jq -r .result.stdout "$T/out")" = j ] || fail "JSON output"
[ "$(jq .result.exit_code "$T/out")" = 3 ] || fail "JSON exit code"
run agentsh exec --stream s -- bash -c 'echo streamed; exit 6'
expect_status 6
expect_out streamed
run agentsh exec s --json '{"command":"cat","stdin":"given"}'
expect_status 0
expect_out given
run agentsh exec --argv0 other s -- bash -c 'echo $0'
expect_status 0
AGENTSH_SESSION_ID=s run agentsh exec -- echo env
expect_out env

# signals reach the command, which decides
(
	agentsh exec s -- bash -c 'trap "echo got; exit 5" TERM
		echo ready; while :; do sleep 0.05; done' >"$T/sig" &
	pid=$!
	eventually grep -q ready "$T/sig"
	kill -TERM $(pgrep -P $pid agentsh || echo $pid)
	wait $pid
	echo $? >"$T/sigstatus"
)
grep -q got "$T/sig" || fail "the signal did not arrive"
[ "$(cat "$T/sigstatus")" = 5 ] || fail "status $(cat "$T/sigstatus")"

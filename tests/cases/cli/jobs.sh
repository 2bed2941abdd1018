#!/bin/bash
# SPDX-License-Identifier: MIT
# jobs.sh - stopping and continuing us stops and continues the command; when we
# die, it dies
. "$(dirname "$0")/../lib/case.sh"
start_server
in_session true

state() { sed 's/.*) \(.\).*/\1/' "/proc/$1/stat" 2>/dev/null || echo gone; }
wait_state() { # PID STATES WHAT
	is_in() { case $(state "$1") in $2) ;; *) return 1 ;; esac; }
	eventually is_in "$1" "$2" || fail "$3: state $(state "$1"), expected $2"
}

"$AGENTSH_BUILD/cli/agentsh" exec s -- bash -c 'echo $$; exec sleep 600' \
	>"$T/pid" 2>"$T/err" </dev/null &
client=$!
eventually test -s "$T/pid"
command=$(cat "$T/pid")
[ -d "/proc/$command" ] || skip "the command's pid is not ours to see"
wait_state "$command" S "running"
kill -TSTP $client
wait_state $client T "client stopped"
wait_state "$command" "[Tt]" "command stopped" # t: traced
kill -CONT $client
wait_state $client S "client continued"
wait_state "$command" S "command continued"
kill -KILL $client
wait_state "$command" gone "command after its client was killed"

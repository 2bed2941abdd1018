#!/bin/bash
# SPDX-License-Identifier: MIT
# kill.sh - kill -9 of agentsh-vfs, of the supervisor and of the server while a
# command deletes: nothing hangs, no mount is left, the next command works, and
# every file comes back
POLICY_FILE=$(dirname "$0")/../../suites/allow.yaml
CONFIG_EXTRA='sandbox: {fuse: {enabled: true}}'
. "$(dirname "$0")/../lib/case.sh"
start_server

round() { # VICTIM DELAY
	local n
	rm -rf "${WS:?}/t"
	mkdir "$WS/t"
	for n in $(seq 200); do echo "content $n" >"$WS/t/$n"; done
	in_session true
	timeout 300 "$AGENTSH_BUILD/cli/agentsh" exec --root="$WS" s -- \
		bash -c 'for i in $(seq 200); do rm t/$i || exit 3; done; sleep 5' \
		>"$T/o" 2>"$T/e" &
	local client=$!
	sleep "$2"
	if [ "$1" = server ]; then
		kill -9 "$SERVER_PID"
		wait "$SERVER_PID" 2>/dev/null
	else
		for n in $(pgrep -P "$SERVER_PID" -x "$1"); do kill -9 "$n"; done
	fi
	wait "$client"
	[ $? != 124 ] || fail "the client hangs after the end of $1"
	if [ "$1" = server ]; then
		rm -f "$T/config.yaml"
		PORT=
		start_server
	fi
	in_session ls t
	[ "$STATUS" = 0 ] || fail "the command after the end of $1: $STATUS"
	! grep -q 'endpoint' "$T/err" || fail "a dead mount after the end of $1"
	(cd "$WS" && agentsh undo) >"$T/undo" 2>&1
	for n in $(seq 200); do
		[ "$(cat "$WS/t/$n" 2>/dev/null)" = "content $n" ] ||
			fail "t/$n lost after the end of $1"
	done
	! grep -q "fuse.agentsh.*$WS\|$WS.*fuse.agentsh" /proc/self/mountinfo ||
		fail "a mount is left after the end of $1"
}
for delay in 0.15 0.3; do
	for victim in agentsh-vfs agentsh-tracer server; do
		round "$victim" "$delay"
	done
done

# SPDX-License-Identifier: MIT
# slots.sh - commands that run where another one ran: whose is what, and what
# becomes of the place (tracer/slot.c)
. "$(dirname "$0")/lib.sh"
start_server

# zygotes of this server: children of its tracers
zygotes() {
	local tracers
	tracers=$(pgrep -d, -P "$SERVER_PID") && pgrep -x agentsh-zygote -P "$tracers"
}
one() { agentsh exec --root="$WS" s -- /bin/sh -c "$2; /bin/echo one-$1; cat /etc/shadow; cat one-$1" >/dev/null 2>&1; }

# The first one is confined by itself; then there is a place for the next. It is
# made when nothing runs, which takes a moment.
MARK=4714$$
one 1 true
has_place() { FIRST=$(zygotes) && [ -n "$FIRST" ]; }
for _ in $(seq 40); do
	has_place && break
	sleep 0.05
done
one 2 true
if [ -n "$FIRST" ]; then
	[ "$(zygotes)" = "$FIRST" ] || fail "the place was not kept"
	SLOTS=1
else
	echo "no cgroups: commands are confined one by one"
	SLOTS=
fi

# What is left behind is killed, and the place with it.
one 3 "setsid sleep $MARK & sleep 0.1"
! pgrep -f "sleep $MARK" >/dev/null || fail "a process outlived its command"
another_place() { [ "$(zygotes)" != "$FIRST" ]; }
[ -z "$SLOTS" ] || eventually another_place || fail "a used place was kept"
one 4 'kill -9 $$'
one 5 true
# One that kills the place's process harms nobody but itself.
for p in $(zygotes); do one 6 "kill -9 $p; kill -STOP $p; sleep 0.1"; done
for i in 7 8 9; do one "$i" true; done

# several at the same time
PIDS=
for i in 11 12 13 14 15 16 17; do
	one "$i" 'sleep 0.3' &
	PIDS="$PIDS $!"
	sleep 0.07
done
wait $PIDS
few_places() { [ "$(zygotes | wc -l)" -le 4 ]; }
eventually few_places || fail "too many places"

# a program that does not exist, one that is denied, then one that works
in_session /bin/nosuchprogram
expect_status 127
in_session /bin/true
expect_status 0

# Every event belongs to the command whose it is: all that one-N ran has one
# command's id, no two have the same, and denials have that of their process.
queried() {
	agentsh events query --session s --limit 5000 >"$T/events.json" ||
		fail "events query failed"
	jq -e '[.[] | select(.path == "/etc/shadow" and .type != "execve")] |
		length >= 14' "$T/events.json" >/dev/null
}
eventually queried
jq -e '
	[.[] | select(.type == "execve" and .argv)
	     | {c: .command_id, p: .pid,
	        n: ([.argv[] | capture("one-(?<n>[0-9]+)$").n] | first)}]
	| map(select(.n)) | group_by(.n)
	| (map(map(.c) | unique | length) | all(. == 1)) and
	  (map(.[0].c) | length == (unique | length)) and length >= 13
' "$T/events.json" >/dev/null || fail "events of a command have another's id"
jq -e '
	(reduce (.[] | select(.type == "execve")) as $e ({}; .[$e.pid | tostring] = $e.command_id)) as $of
	| [.[] | select(.path == "/etc/shadow" and .type != "execve")]
	| length >= 13 and all(.command_id == $of[.pid | tostring])
' "$T/events.json" >/dev/null || fail "a denial has another command's id"
exit 0

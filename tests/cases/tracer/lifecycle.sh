# SPDX-License-Identifier: MIT
# lifecycle.sh - limits of time, survivors, signals, streams, exit codes
. "$(dirname "$0")/lib.sh"

traced sh -c 'exit 7'
expect_status 7
traced sh -c 'kill -9 $$'
expect_status 137

survivor_free() {
	sleep 0.1
	! pgrep -f "sleep $1" >/dev/null || fail "sleep $1 survived"
}

for SETTINGS in '{}' '{"cgroups": {"enabled": false}}'; do
	TRACED_ARGS='-t 1'
	traced sh -c 'setsid sleep 4711.1 & sleep 4711.2'
	expect_status 137
	expect_message 'timed_out=1'
	survivor_free 4711
	TRACED_ARGS=
	traced sh -c '(setsid sh -c "sleep 4712.1 & sleep 4712.2" &)
		sleep '"${AGENTSH_SETTLE:-0.2}"'; exit 3'
	expect_status 3
	expect_message 'leftovers=[1-9]'
	survivor_free 4712
done
SETTINGS='{}'

# a survivor still running when the command ends leaves its event
expect_event '.type == "execve" and .argv[1] == "4712.2"'

TRACED_ARGS='-k 15'
traced sh -c 'trap "echo got; exit 5" TERM; while :; do sleep 0.05; done'
expect_status 5
expect_out got
TRACED_ARGS='-k 9'
traced sh -c 'trap "" TERM INT; setsid sleep 4713 & sleep 4713'
expect_status 137
survivor_free 4713
TRACED_ARGS=

head -c 200000000 /dev/zero >"$T/big"
INPUT=$T/big
traced cat
cmp -s "$T/big" "$T/out" || fail 'stream changed'
INPUT=

# two in a row in one session
TRACED_ARGS='-n 3'
traced echo again
[ "$(grep -c again "$T/out")" = 3 ] || fail 'not three runs'

# nothing of ours outlives the session: launcher, sender, workers
for _ in 1 2 3 4 5 6 7 8 9 10; do
	left=
	for p in /proc/[0-9]*; do
		[ "$(readlink "$p/exe")" = "$AGENTSH_BUILD/tracer/agentsh-tracer" ] &&
			[ "$(stat -c %Y "$p" 2>/dev/null || echo 0)" -ge "$(stat -c %Y "$T")" ] &&
			left="$left $p"
	done
	[ -z "$left" ] && break
	sleep 0.2
done
[ -z "$left" ] || fail "left behind:$left"

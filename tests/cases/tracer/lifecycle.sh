# SPDX-License-Identifier: MIT
# lifecycle.sh - limits of time, survivors, signals, streams, exit codes
. "$(dirname "$0")/lib.sh"

traced sh -c 'exit 7'
expect_status 7
traced sh -c 'kill -9 $$'
expect_status 137

# sleep N.x of this run
N=471$$
none_sleeps() { ! pgrep -f "^sleep $1" >/dev/null; }
survivor_free() { eventually none_sleeps "$1" || fail "sleep $1 survived"; }

for SETTINGS in '{}' '{"cgroups": {"enabled": false}}'; do
	TRACED_ARGS='-t 1'
	traced sh -c "setsid sleep ${N}1.1 & sleep ${N}1.2"
	expect_status 137
	expect_message 'timed_out=1'
	survivor_free "${N}1"
	TRACED_ARGS=
	rm -f "$WS/pid"
	traced sh -c "(setsid sh -c 'sleep ${N}2.1 & echo \$\$ >pid; exec sleep ${N}2.2' &)
		until [ -s pid ] && read -r c </proc/\$(cat pid)/comm && [ \$c = sleep ]; do
			sleep 0.05
		done 2>/dev/null; exit 3"
	expect_status 3
	expect_message 'leftovers=[1-9]'
	survivor_free "${N}2"
done
SETTINGS='{}'

# a survivor still running when the command ends leaves its event
expect_event '.type == "execve" and .argv[1] == "'"${N}2.2"'"'

TRACED_ARGS='-k 15'
traced sh -c 'trap "echo got; exit 5" TERM; : >ready; while :; do sleep 0.05; done'
expect_status 5
expect_out got
TRACED_ARGS='-k 9'
rm "$WS/ready"
traced sh -c "trap '' TERM INT; setsid sleep ${N}3 & : >ready; sleep ${N}3"
expect_status 137
survivor_free "${N}3"
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
nothing_left() {
	left=
	for p in /proc/[0-9]*; do
		[ "$(readlink "$p/exe")" = "$AGENTSH_BUILD/tracer/agentsh-tracer" ] &&
			[ "$(stat -c %Y "$p" 2>/dev/null || echo 0)" -ge "$(stat -c %Y "$T")" ] &&
			left="$left $p"
	done
	[ -z "$left" ]
}
eventually nothing_left || fail "left behind:$left"

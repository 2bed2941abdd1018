# SPDX-License-Identifier: MIT
# crash.sh - agentsh-vfs killed at any time: nothing hangs, nothing is lost
. "$(dirname "$0")/lib.sh"

for round in 1 2 3; do
	rm -rf "$WS/t"; mkdir -p "$WS/t"
	for i in $(seq 300); do echo "content $i" >"$WS/t/$i"; done
	COMMAND=cmd-round$round
	mounted bash -c "(sleep 0.0$round; pkill -9 -P \$PPID -x agentsh-vfs) &
		for i in \$(seq 300); do rm t/\$i || exit 3; done" || true
	[ "$STATUS" != 124 ] || fail 'hung'
	n=0
	in_ws trash list --json >"$T/list" 2>"$T/err" || fail 'list after the crash'
	in_ws undo "cmd-round$round" >/dev/null 2>&1
	for i in $(seq 300); do
		[ "$(cat "$WS/t/$i" 2>/dev/null)" = "content $i" ] || fail "lost t/$i in round $round"
	done
done
mount | grep -q "$WS" && fail 'a mount is left'
exit 0

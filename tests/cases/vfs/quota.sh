# SPDX-License-Identifier: MIT
# quota.sh - a quarantine that is full: refused, the oldest goes, or destroyed
# unkept, as configured; nothing hangs and the mount goes on
. "$(dirname "$0")/lib.sh"

fill() {
	rm -rf "$WS"/* "$WS/.agentsh_trash"
	for i in $(seq 20); do head -c 20000 /dev/urandom >"$WS/f$i"; done
	sha256sum "$WS"/f* >"$T/sums"
}
back() { sha256sum -c "$T/sums" 2>/dev/null | grep -c OK; }

fill
SETTINGS='{"vfs.quota_bytes": 200000, "vfs.on_full": "deny"}'
mounted bash -c 'n=0; for i in $(seq 20); do rm f$i 2>/dev/null && n=$((n + 1)); done
	echo removed $n; echo still >works && cat works; mkdir d && rmdir d && echo dirs'
grep -q '^still' "$T/out" && grep -q '^dirs' "$T/out" || fail 'the mount does not go on'
n=$(sed -n 's/removed //p' "$T/out")
[ "$n" -ge 5 ] && [ "$n" -le 10 ] || fail "deny: $n of 20 removed"
undo
[ "$(back)" = 20 ] || fail "deny: $(back) of 20 are there"

fill
SETTINGS='{"vfs.quota_bytes": 200000, "vfs.on_full": "evict"}'
# the oldest go a little later: the command waits until they have
(mounted bash -c 'for i in $(seq 20); do rm f$i || exit 3; sleep 0.02; done
	: >done; until [ -e go ]; do sleep 0.1; done'
	exit $STATUS) &
evicted() {
	[ -e "$WS/done" ] && in_ws undo status >"$T/status.out" 2>&1 &&
		[ "$(sed -n 's/^Kept: *\([0-9]*\) .*/\1/p' "$T/status.out")" -le 12 ]
}
eventually evicted || echo "still there: $(cat "$T/status.out")"
: >"$WS/go"
wait $!
STATUS=$?

[ "$STATUS" = 0 ] || fail "evict: refused"
in_ws undo >"$T/undo.out" 2>&1
n=$(back)
[ "$n" -ge 5 ] && [ "$n" -le 12 ] || fail "evict: $n of 20 came back"
(cd "$WS" && sha256sum f20 >/dev/null) || fail 'evict: not the oldest went'

fill
SETTINGS='{"vfs.quota_bytes": 200000, "vfs.on_full": "drop"}'
mounted bash -c 'for i in $(seq 20); do rm f$i || exit 3; done'
[ "$STATUS" = 0 ] || fail "drop: refused"
in_ws undo status >"$T/status.out" 2>&1
in_ws undo >"$T/undo.out" 2>&1
n=$(back)
[ "$n" -ge 5 ] && [ "$n" -le 10 ] || fail "drop: $n of 20 came back"
exit 0

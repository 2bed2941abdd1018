# SPDX-License-Identifier: MIT
# strict.sh - when events cannot be recorded: strict refuses, otherwise it goes
# on and says how many are missing; nothing stands still
. "$(dirname "$0")/lib.sh"

for i in $(seq 60); do echo $i >"$WS/f$i"; done
RING='-r 4096' # 20 events or so, and nobody reads them
cat >"$T/work" <<'END'
worst=0 failed=0 read_now=
for i in $(seq 26); do
	start=$(date +%s%N)
	rm f$i 2>/dev/null || failed=$((failed + 1))
	ms=$((($(date +%s%N) - start) / 1000000))
	[ $ms -le $worst ] || worst=$ms
done
trap 'read_now=1' USR1 # comes back when they were read
kill -USR1 $PPID
until [ "$read_now" ]; do sleep 0.02; done
: >last
echo "failed $failed worst $worst"
END
mounted bash "$T/work"
grep -q '^failed 0 ' "$T/out" || fail 'refused'
[ "$(sed 's/.*worst //' "$T/out")" -lt 20000 ] || fail 'stood still'
[ ! -e "$WS/f26" ] || fail 'not removed'
expect_event '.type == "events_dropped" and .fields.count > 0'

undo
for SETTINGS in '{"vfs.strict": true}' '{"vfs.mode": "strict"}'; do
	mounted bash "$T/work"
	! grep -q '^failed 0 ' "$T/out" || fail "went on with $SETTINGS"
	[ -e "$WS/f26" ] || fail 'removed and not recorded'
	undo
done

# nothing is kept, and the mode has no effect
RING=
SETTINGS='{"vfs.keep": false, "vfs.mode": "soft_block"}'
mounted rm f1
[ "$STATUS" = 0 ] && [ ! -e "$WS/f1" ] || fail 'not removed'
in_ws undo >"$T/undo.out" 2>&1
[ ! -e "$WS/f1" ] || fail 'kept'

# SPDX-License-Identifier: MIT
# races.sh - agentsh-vfs built with the thread sanitizer under parallel work,
# approvals of nothing, host edits, few descriptors: no data race
. "$(dirname "$0")/lib.sh"

vfs=$AGENTSH_BUILD/tests/cases/vfs/agentsh-vfs-tsan
[ -x "$vfs" ] || skip "no thread sanitizer with this compiler"
export TSAN_OPTIONS="halt_on_error=0 log_path=$T/tsan"
cat >"$T/work" <<'END2'
for k in 1 2 3; do
	(
		mkdir d$k && cd d$k || exit
		for i in $(seq 60); do
			echo $i >f$i
			mv f$i g$i
			ln g$i h$i
			cat g$i >/dev/null
			ls >/dev/null
			truncate -s 1 g$i
			chmod 600 h$i
			rm h$i
		done
		rm -rf ../d$k
	) &
done
(for i in $(seq 10); do dd if=/dev/zero of=s bs=64k count=4 conv=fsync 2>/dev/null; done) &
wait
END2
(
	for i in $(seq 30); do
		echo x >"$WS/host$((i % 7))"
		sleep 0.1
		rm -f "$WS/host$(((i + 3) % 7))"
	done
) &
for SETTINGS in '{}' '{"vfs.passthrough": false}'; do
	VFS_PROGRAM=$vfs mounted bash "$T/work"
	[ "$STATUS" = 0 ] || fail "status $STATUS"
done
(ulimit -n 300 && VFS_PROGRAM=$vfs mounted bash "$T/work")
wait
cat "$T"/tsan* >"$T/found" 2>/dev/null
[ ! -s "$T/found" ] || {
	head -60 "$T/found"
	fail "$(grep -c SUMMARY "$T/found") races"
}

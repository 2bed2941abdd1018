# SPDX-License-Identifier: MIT
# limits.sh - many files, few descriptors: nothing vanishes, nothing is refused
. "$(dirname "$0")/lib.sh"

for d in $(seq 60); do
	mkdir -p "$WS/s/d$((d % 6))/e$d"
	for f in $(seq 20); do echo "$d $f" >"$WS/s/d$((d % 6))/e$d/f$f"; done
done
sums() { find "$1" -type f -printf '%P\n' | sort | (cd "$1" && xargs cat) | md5sum; }
expected=$(sums "$WS/s")
cat >"$T/work" <<'END'
sums() { find "$1" -type f -printf '%P\n' | sort | (cd "$1" && xargs cat) | md5sum; }
find s -type f | wc -l
sums s
exec 8<s/d1/e1/f1 9<s/d2/e2
mv s t
sums t
cat <&8
rm -rf t
ls -A
END
(ulimit -n 300 && ulimit -Hn 300 && mounted bash "$T/work" &&
	echo "$STATUS" >"$T/status")
[ $? = 77 ] && skip "no mounts of FUSE here"
[ "$(cat "$T/status")" = 0 ] || fail "status: $(cat "$T/err")"
printf '1200\n%s\n%s\n1 1\n' "$expected" "$expected" | diff - "$T/out" || fail 'lost something'
undo
[ "$(sums "$WS/s")" = "$expected" ] || fail 'undo'

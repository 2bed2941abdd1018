# SPDX-License-Identifier: MIT
# undo.sh - whatever a command did through the mount is undone, and redone
. "$(dirname "$0")/lib.sh"

mkdir -p "$WS/tree/deep" "$WS/empty"
for i in $(seq 40); do echo "file $i" >"$WS/tree/f$i"; done
echo deep >"$WS/tree/deep/x"
ln "$WS/tree/f1" "$WS/tree/deep/hard"
ln -s f2 "$WS/tree/sym"
echo one >"$WS/edit"; echo two >"$WS/over"; echo three >"$WS/src"
echo four >"$WS/append"; echo five >"$WS/mode"; echo six >"$WS/map"
truncate -s 100M "$WS/sparse"; echo end >>"$WS/sparse"
chmod 640 "$WS/mode"
touch -d '2001-02-03 04:05:06.123456789' "$WS"/* "$WS"/tree/* "$WS/tree"
photograph >"$T/before"

mounted bash -c '
	rm -rf tree && rmdir empty
	sed -i s/one/ONE/ edit
	mv src over
	echo more >>append
	: >sparse
	chmod 600 mode; touch mode
	python3 - <<P
import mmap
with open("map", "r+b") as f:
    with mmap.mmap(f.fileno(), 0) as m: m[0:3] = b"SIX"
P
	mkdir -p new/dir; echo n >new/dir/f; ln new/dir/f new/link
	mv new renamed; echo tmp >scratch; rm scratch
	ls -A'
[ "$STATUS" = 0 ] || fail "status $STATUS"
grep -q agentsh "$T/out" && fail 'the quarantine shows'
photograph >"$T/after"
cmp -s "$T/before" "$T/after" && fail 'nothing happened'

in_ws trash list >"$T/list" || fail 'trash list'
grep -q "$WS/tree" "$T/list" || fail "no line for tree: $(cat "$T/list")"
[ "$(wc -l <"$T/list")" -le 12 ] || fail "not grouped: $(cat "$T/list")"

undo
photograph >"$T/undone"
diff "$T/before" "$T/undone" || fail 'undo is not exact'
in_ws undo --redo >/dev/null 2>&1 || in_ws redo >/dev/null 2>&1 || fail redo
photograph | sed 's/ [0-9.]* [^ ]*$//' >"$T/redone"
sed 's/ [0-9.]* [^ ]*$//' "$T/after" | diff - "$T/redone" || fail 'redo differs'
undo
photograph >"$T/undone"
diff "$T/before" "$T/undone" || fail 'second undo is not exact'

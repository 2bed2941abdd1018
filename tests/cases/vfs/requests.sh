# SPDX-License-Identifier: MIT
# requests.sh - what the kernel asks for each operation: as many requests as it
# was when this was measured, on whatever machine
#
# Times differ, these do not: each request is a change to another process and
# back. Bounds are per file for a tree of 1,000 files in 20 directories, with a
# little more for the directories. Kernels before 6.9 (no passthrough) ask for
# reads and writes besides.
. "$(dirname "$0")/lib.sh"

SETTINGS='{"vfs.count": true, "vfs.cache_ms": 60000}'
mkdir "$T/src"
for d in $(seq 20); do
	mkdir "$T/src/d$d"
	for f in $(seq 50); do echo "$d $f" >"$T/src/d$d/f$f"; done
done
tar -C "$T" -cf "$T/src.tar" src



measure() { # NAME BOUND(hundredths per file) SHELL-COMMAND
	local waited start=$SECONDS bound
	mounted sh -c "$3"
	[ "$STATUS" = 0 ] || fail "$1: $STATUS"
	grep -q requests: "$T/err" || fail "no figures: $(cat "$T/err")"
	# without what nobody waits for (FORGET, RELEASE, RELEASEDIR, BATCH_FORGET),
	# INIT, and reads and writes, which old kernels do not pass through
	waited=$(sed -n 's/.*requests://p' "$T/err" | tr ' ' '\n' |
		awk -F= '$1 != "" && $1 != 2 && $1 != 18 && $1 != 29 && $1 != 42 &&
			$1 != 26 && $1 != 15 && $1 != 16 { n += $2 } END { print n + 0 }')
	# (what the kernel was told is asked for anew in the end)
	bound=$(($2 * 10 * (1 + (SECONDS - start) / 8)))
	printf '%-12s %6d requests, bound %d\n' "$1" "$waited" $bound
	[ "$waited" -le $bound ] || {
		grep requests: "$T/err"
		fail "$1 takes more requests than it did"
	}
	[ "$waited" -gt 0 ] || fail "$1: nothing was counted"
}
# LOOKUP CREATE GETATTR(dir) GETXATTR SETATTR
measure untar 515 'tar xf ../src.tar --no-same-owner'
measure find-cold 12 'find src -newer src -size +1M'
# the second time: OPENDIR and the directory's time
measure find-twice 18 'find src -size +1M; find src -size +1M'
# and as well when the second that is kept without being told has gone
KEPT=$SETTINGS SETTINGS='{"vfs.count": true}'
measure find-later 550 'mkdir t; tar -C t -xf ../src.tar --no-same-owner; sleep 0.4; find t -size +1M; sleep 1.3
	find t -size +1M'
SETTINGS=$KEPT
measure misses 3 'for i in 1 2 3 4 5 6 7 8 9 10; do for n in a b c d e f g h; do [ -e src/d1/$n ]; done; done; :'
measure grep 115 'grep -rq nosuchtext src; :'
# what has been read is told of with the list, not file by file
measure grep-again 230 'grep -rq nosuchtext src; grep -rq nosuchtext src; :'
# the first list is kept, though all that is in it was written a moment ago
measure made-twice 200 'mkdir m; cd m; for d in $(seq 100); do mkdir $d; : >$d/a; : >$d/b; : >$d/c; : >$d/d; done; find . -size +1M; find . -size +1M'
measure read-look 125 'cat src/*/* >/dev/null; ls src/* >/dev/null; find src -size +1M'
measure chmod 115 'chmod -R g+w src'
# GETATTR(dir) LOOKUP(new) RENAME2
measure rename 315 'for d in src/*; do for f in $d/*; do echo "$f"; done; done |
	python3 -c "
import os, sys
for l in sys.stdin:
    os.rename(l[:-1], l[:-1] + \".x\")"'
measure overwrite 215 'for d in src/*; do echo $d; done | python3 -c "
import os, sys
for l in sys.stdin:
    for n in os.listdir(l[:-1]):
        fd = os.open(l[:-1] + \"/\" + n, os.O_WRONLY)
        os.write(fd, b\"xx\")
        os.close(fd)"'
measure rm 225 'rm -rf src'

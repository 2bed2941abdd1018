#!/bin/bash
# SPDX-License-Identifier: MIT
# again.sh - undo upon undo: killed in the middle and started again, of commands
# that met in one directory, by paths, of what was redone; byte for byte
. "$(dirname "$0")/lib.sh"
begin
cd "$WS" || fail cd
check() { # WHAT: the tree is as in `before`
	NAME=$1
	take now
	same before now "$1"
}
reset() { # a tree with known times, of this scenario alone
	rm -rf "${WS:?}"/*
	agentsh trash purge --all >/dev/null 2>&1
	eval "$1"
	find . -path ./.agentsh_trash -prune -o -exec touch -h -d '2001-02-03 04:05:06.789' {} +
	take before
}

# a directory that two commands changed and the second removed
reset 'mkdir -p a/b; seq 3 >a/b/x'
in_session bash -c "echo new >$WS/a/b/y; rm $WS/a/b/x"
in_session bash -c "rm -rf $WS/a/b"
undo && undo || fail "$(cat "$T/undo.out")"
check 'a directory that came back as another'

# --since counts what was done again
in_session bash -c "rm -rf $WS/a"
undo --since 1h && undo --redo || fail "$(cat "$T/undo.out")"
[ ! -e a ] || fail 'not redone'
undo --since 1h || fail "since after a redo: $(cat "$T/undo.out")"
check 'since, redo, since'

# by paths: a directory has its time back when the last of it is back
reset 'mkdir -p p/q r; seq 3 >p/q/1; seq 4 >p/q/2; seq 5 >r/x'
in_session bash -c "rm $WS/p/q/1 $WS/p/q/2; echo more >>$WS/r/x; echo n >$WS/r/n"
undo p/q/1 && undo p/q/2 && undo r || fail "$(cat "$T/undo.out")"
check 'path by path'

# in another order than it was done: what cannot be undone yet is left whole
id() { # WORDS...: the command that runs them in the session
	agentsh exec --output json --root="$WS" s -- "$@" </dev/null | jq -r .command_id
}
reset 'seq 9 >x; seq 8 >y; mkdir q'
one=$(id bash -c "cd $WS; seq 5 >x.t; mv x.t x; seq 4 >y.t; mv y.t q/n")
two=$(id bash -c "rm -rf $WS/x $WS/q")
run agentsh undo --command "$one"
expect_status 2
undo --command "$two" || fail "$(cat "$T/undo.out")"
undo --command "$one" || fail "$(cat "$T/undo.out")"
check 'in another order'
one=$(id mv "$WS/x" "$WS/y")
seq 3 >"$WS/z" # not with y's inode number
mv -f "$WS/z" "$WS/y"
run agentsh undo --command "$one"
expect_status 2
undo --command "$one" --force || fail "$(cat "$T/undo.out")"
[ "$(cat x | tr '\n' ' ')" = '1 2 3 ' ] || fail 'forced: what has the name now goes back'
[ "$(wc -l <y)" = 8 ] || fail 'forced: what was replaced comes back'

# what a directory's default ACL gives is not what was there
if setfacl -d -m u:4242:rwx . 2>/dev/null; then
	setfacl -k .
	reset 'mkdir -p d/e; seq 3 >d/e/x; setfacl -d -m u:4242:rwx d'
	in_session bash -c "rm -rf $WS/d/e; : >$WS/d/n; mv $WS/d/n $WS/d/m"
	undo || fail "$(cat "$T/undo.out")"
	check 'below a default ACL'
fi

# RENAME_WHITEOUT
reset 'seq 9 >a; seq 8 >b; mkdir w; seq 7 >w/c'
in_session python3 -S -c 'import ctypes
c = ctypes.CDLL(None)
print(c.renameat2(-100, b"a", -100, b"w/a", 4), c.renameat2(-100, b"b", -100, b"w/c", 4))'
if cmp -s "$T/out" <(echo 0 0); then
	take after
	undo || fail "$(cat "$T/undo.out")"
	check whiteouts
	undo --redo || fail "$(cat "$T/undo.out")"
	take redone
	same after redone 'whiteouts again'
fi

# kill -9 of the undo itself, of the redo, of a rollback, at some point of each;
# started again it finishes. The victim is caught by what it has done, not by time.
many() {
	mkdir -p m
	python3 -S - "$WS/m" <<-'E'
	import os, sys
	for i in range(400):
	    d = "%s/%d/%d" % (sys.argv[1], i % 30, i % 3)
	    os.makedirs(d, exist_ok=True)
	    with open("%s/%d" % (d, i), "w") as f:
	        f.write("%d\n" % i * (i % 50 + 1))
	    os.chmod(f.name, 0o600 + i % 64)
	E
}
killed() { # UNTIL WORDS...: 1 if it ended before
	local pid until=$1
	shift
	"$AGENTSH_BUILD/cli/agentsh" "$@" >"$T/killed.out" 2>&1 &
	pid=$!
	until [ "$(find m -type f -links -9 2>/dev/null | wc -l)" -"${until%%:*}" "${until#*:}" ]; do
		kill -0 "$pid" 2>/dev/null || break
	done
	kill -9 "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	[ $? = 137 ]
}
for at in 30 200 390; do
	reset many
	in_session bash -c "find $WS/m -type f -name '*1*' -exec sed -i s/1/x/ {} +; rm -rf $WS/m; echo new >$WS/n"
	[ ! -e m ] || fail 'not removed'
	take after
	if killed "ge:$at" undo; then
		# killed after its last step: there is nothing left to do
		undo || grep -q 'nothing to undo' "$T/undo.out" ||
			fail "gone on with at $at: $? $(head -5 "$T/undo.out")"
	else
		echo "undo was over before $at files were back"
	fi
	check "undo killed at $at of 400 files"
	killed "le:$at" undo --redo || echo "redo was over before $at were left"
	take redone
	cmp -s "$T/after.snap" "$T/redone.snap" || undo --redo || fail "redone at $at: $(head -5 "$T/undo.out")"
	take redone
	NAME=redo-$at
	same after redone "redo killed at $at"
	undo || fail "after the redo: $(head -5 "$T/undo.out")"
	check "all of it, killed at $at"
done

reset many
agentsh checkpoint create --session s --workspace "$WS" >/dev/null || fail checkpoint
mark=$(agentsh checkpoint list --session s --workspace "$WS" --json | jq -r '.[0].id // .checkpoints[0].id')
in_session bash -c "rm -rf $WS/m; echo n >$WS/added"
killed ge:100 checkpoint rollback --session s --workspace "$WS" "$mark" || echo 'the rollback was over'
run agentsh checkpoint rollback --session s --workspace "$WS" "$mark"
[ "$STATUS" -le 1 ] || fail "rollback: $STATUS $(cat "$T/out" "$T/err")"
check 'rollback, killed and again'
finish

#!/bin/bash
# SPDX-License-Identifier: MIT
# outside.sh - the workspace's files under names that are not the workspace's: links
# and renames into scratch space, a copy of the whole workspace, a store that says
# that it is another directory's
. "$(dirname "$0")/lib.sh"
X=$(mktemp -d /tmp/outside.XXXXXX) # the policy lets commands write there
chmod 777 "$X"
trap 'status=$?; rm -rf "$X"; (exit $status); case_cleanup' EXIT
begin

# --- a second name outside, destroyed there
FILES='mkdir d; for f in a b c e g d/x; do head -c 3000 /dev/urandom >$f; done; ln -s a sym'
scenario linked "$FILES" "ln a $X/a; echo bad >$X/a; rm -f $X/a
	ln b $X/b; truncate -s 0 $X/b
	cp -l c $X/c; : >$X/c
	ln sym $X/sym
	python3 - <<-PY
	import os
	def tried(f, *a, **k):
	    try:
	        f(*a, **k)
	    except OSError as e:
	        print(e)
	fd = os.open('e', os.O_RDONLY)
	tried(os.link, '/proc/self/fd/%d' % fd, '$X/e', follow_symlinks=True)
	tried(os.truncate, '$X/e', 3)
	PY
	mv g $X/g; echo bad >$X/g; rm $X/g
	mv d $X/d; rm -rf $X/d
	ls -l $X; echo changed >>a; rm e"
for f in a b c e; do
	[ ! -s "$X/$f" ] || [ "$(stat -c %h "$X/$f")" = 1 ] ||
		fail "$f has a name outside"
done

# --- in a copy of the workspace nothing of the original is undone
echo precious >"$WS/p"
in_session sh -c 'echo bad >p'
expect_status 0
cp -a "$WS" "$X/copy"
(cd "$X/copy" && agentsh undo) >"$T/out" 2>"$T/err" && fail "undone in a copy"
expect_err 'was made for another directory'
(cd "$X/copy" && agentsh trash list) >"$T/out" 2>"$T/err" && fail "listed in a copy"
grep -qx bad "$WS/p" || fail "the original was changed from its copy"
undo || fail "undo of the original"
grep -qx precious "$WS/p" || fail "p is not back"

# --- whose sessions make it a workspace of its own
cp -a "$WS/." "$X/copy"
run agentsh exec --root="$X/copy" t -- sh -c 'echo bad >p'
expect_status 0
(cd "$X/copy" && agentsh undo) >"$T/out" 2>"$T/err" || fail "undo in the copy"
grep -qx precious "$X/copy/p" || fail "p of the copy is not back"
undo --dry-run || fail "the original's store is not its own any more"
finish

# SPDX-License-Identifier: MIT
# store.sh - in a session the quarantine is an empty directory that nothing can
# be done to, and that no tool stumbles over
. "$(dirname "$0")/lib.sh"
begin
cd "$WS" || fail cd
mkdir -p d/sub
seq 5 >d/f
echo secret-content >gone
git init -q .
in_session rm gone
expect_status 0
STORE=.agentsh_trash

quiet() {
	run agentsh exec --quiet --root="$WS" s -- bash -c "cd '$WS' && $1"
	expect_status 0
	[ ! -s "$T/err" ] || fail "not quiet: $1"
	expect_no_out store
}

# tools that walk the workspace see nothing and complain of nothing
quiet 'git status --short'
expect_no_out agentsh
quiet 'ls -la .agentsh_trash'
quiet 'find .'
quiet 'du -sh .'
quiet "tar cf '$T/x.tar' . && tar tf '$T/x.tar'"
quiet 'grep -rl nothing-like-it . || true'
quiet "cp -a . '$T/copy' && find '$T/copy' -type f -path '*agentsh_trash*'; rm -rf '$T/copy'"
quiet 'git add -A && git status --short | grep -v "d/f" || true'

# nothing can be read, made, moved, removed, changed
refused() {
	in_session bash -c "cd '$WS' && $1"
	[ "$STATUS" != 0 ] || fail "went through: $1"
	expect_no_out secret
	[ -d "$WS/$STORE/store" ] || fail "store gone after: $1"
}
writer=$(basename "$STORE"/store/w-*)
kept=$(find "$STORE/store/$writer" -name '*~gone' | head -1)
[ -n "$kept" ] || fail "the file is not in the quarantine"
refused "rm -rf $STORE"
expect_err 'Device or resource busy'
refused "rmdir $STORE"
refused "mv $STORE elsewhere"
refused "mkdir other && mv -T other $STORE"
refused "mv --exchange d $STORE || python3 -c 'import ctypes, sys; sys.exit(ctypes.CDLL(None).renameat2(-100, b\"d\", -100, b\"$STORE\", 2) != 0)'"
refused "touch $STORE/x"
refused "echo x >$STORE/.gitignore"
refused "ln -s /etc $STORE/l"
refused "chmod 777 $STORE"
refused "setfattr -n user.x -v 1 $STORE"
refused "touch $STORE"
refused "cat '$kept'"
refused "cat /proc/self/cwd/'$kept'"
refused "cat /proc/self/root/'$WS/$kept'"
refused "cd $STORE && ls store"
refused "cd $STORE && cat '${kept#"$STORE"/}'"
refused "exec 5<$STORE && cat /proc/self/fd/5/../../'${kept#"$STORE"/}'"
refused "exec 5<$STORE && cat /proc/self/fd/5/'${kept#"$STORE"/}'"
refused "ln '$kept' stolen && cat stolen"
refused "ln -s $STORE/store link && cat link/$writer/*/*"
refused "ln -s '$kept' link2 && cat link2"
in_session bash -c "cd '$WS' && mkdir d/$STORE && chmod 700 d/$STORE"
expect_status 0
refused "mkdir d/$STORE/store"
refused "mkdir -p q/store && mv -T q d/$STORE"
refused "touch d/$STORE/x"
in_session rmdir "$WS/d/$STORE"
expect_status 0
refused "cp -r d x && mv x d/$STORE"
refused "ln -s $STORE d/$STORE"
refused "truncate -s 0 '$kept'"
refused "python3 -c 'import os; f = os.open(\"$STORE\", os.O_PATH); os.open(\"store/state\", os.O_RDONLY, dir_fd=f)'"
refused "python3 -c 'import os; f = os.open(\"$STORE\", os.O_PATH); g = os.open(\"/proc/self/fd/%d\" % f, os.O_RDONLY); os.stat(\"state\", dir_fd=g); os.open(\"../state\", os.O_RDONLY, dir_fd=g)'"
refused "python3 -c 'import os; f = os.open(\"$STORE\", os.O_RDONLY); os.mkdir(\"x\", dir_fd=f)'"
refused "python3 -c 'import os; f = os.open(\"$STORE\", os.O_RDONLY); os.open(\"../state\", os.O_RDONLY, dir_fd=f)'"
refused "mv '$WS' '$T/away'"
# another session whose workspace is around ours
run agentsh exec --root="$T" outer -- cat "$WS/$kept"
[ "$STATUS" != 0 ] || fail "read through another workspace"
run agentsh exec --root="$T" outer -- rm -rf "$WS/$STORE"
[ "$STATUS" != 0 ] || fail "removed through another workspace"
run agentsh exec --root="$T" outer -- mv "$WS/$STORE" "$T/stolen"
[ "$STATUS" != 0 ] || fail "moved through another workspace"
[ "$(cat "$kept")" = secret-content ] || fail "the kept file was touched"

# SPDX-License-Identifier: MIT
# faults.sh - the server or its supervisor killed in the middle, a full disk, a
# writer that goes on while undo runs, undo upon undo, a person's own edits
. "$(dirname "$0")/lib.sh"
begin
cd "$WS" || fail cd
u() { run agentsh undo "$@"; }
tree() {
	mkdir -p "$1"
	python3 - "$1" "$2" <<-EOF
	import os, sys
	top, n = sys.argv[1], int(sys.argv[2])
	for i in range(n):
	    d = "%s/d%d" % (top, i // 50)
	    os.makedirs(d, exist_ok=True)
	    with open("%s/f%d" % (d, i), "w") as f:
	        f.write("content of %d\n" % i)
	EOF
}
left() { find "$1" -type f 2>/dev/null | wc -l; }

# kill -9 of every process of ours, at some point of a removal
descendants() { for p in $(pgrep -P "$1"); do descendants "$p"; echo "$p"; done; }
for dirs in 150 60; do
	tree "$WS/k" 10000
	take before
	agentsh exec --root="$WS" s -- rm -rf "$WS/k" >"$T/out" 2>"$T/err" &
	CLIENT=$!
	while [ "$(find "$WS/k" -maxdepth 1 2>/dev/null | wc -l)" -gt "$dirs" ]; do :; done
	# shellcheck disable=SC2046 # one word per process
	kill -9 "$SERVER_PID" $(descendants "$SERVER_PID") 2>/dev/null
	wait "$SERVER_PID" 2>/dev/null
	wait "$CLIENT"
	n=$(left "$WS/k")
	echo "killed with $n of 10000 files left"
	[ "$n" -lt 10000 ] || fail 'killed before anything happened'
	undo || { cat "$T/undo.out"; fail 'undo after a kill'; }
	take undone
	NAME=kill-$dirs
	same before undone "undo after kill -9"
	rm -rf "$WS/k"
	SERVER_PID=
	PORT=
	rm -f "$T/config.yaml"
	start_server
	in_session true
done

# a background process writes on while undo runs: no crash, no lost version
tree "$WS/busy" 300
agentsh exec --root="$WS" s -- bash -c "for i in \$(seq 300); do
	echo more >>$WS/busy/d0/f1; echo x >$WS/busy/d1/n\$i; rm -f $WS/busy/d2/f1\$((i % 50)); done" \
	>"$T/out2" 2>&1 &
CLIENT=$!
eventually test -e "$WS/busy/d1/n20"
for _ in 1 2 3; do
	u --force
	[ "$STATUS" = 0 ] || [ "$STATUS" = 2 ] || [ "$STATUS" = 1 ] || fail "undo beside a writer: $STATUS"
done
wait "$CLIENT"
u --session s --force
[ "$STATUS" -le 2 ] || fail 'undo after the writer'
[ "$(left "$WS/busy")" -ge 300 ] || fail "$(left "$WS/busy") of 300 files"
rm -rf "$WS/busy"

# undo of an undo of an undo; the newest command twice; two commands one by one
echo 1 >v
for n in 2 3 4; do in_session bash -c "echo $n >'$WS/v'"; done
u && expect_status 0
[ "$(cat v)" = 3 ] || fail "first undo: $(cat v)"
u && [ "$(cat v)" = 2 ] || fail "second undo: $(cat v)"
u --redo && [ "$(cat v)" = 3 ] || fail "redo: $(cat v)"
u && [ "$(cat v)" = 2 ] || fail "undo of what was redone: $(cat v)"
u --redo && u --redo && [ "$(cat v)" = 4 ] || fail "redo of both: $(cat v)"
u && u && u && [ "$(cat v)" = 1 ] || fail "all three: $(cat v)"

# one file of several; a directory; since
tree "$WS/p" 200
in_session bash -c "rm -rf '$WS/p/d0' '$WS/p/d1'; echo x >'$WS/p/d2/f100'"
u "$WS/p/d0/f7"
expect_status 0
[ "$(left "$WS/p")" = 101 ] && [ -f "$WS/p/d0/f7" ] || fail 'one file'
u p/d1
expect_status 0
[ "$(left "$WS/p/d1")" = 50 ] || fail 'one directory'
[ "$(cat p/d2/f100)" = x ] || fail 'more than asked for'
u --since 1h --force
[ "$(cat p/d2/f100)" = 'content of 100' ] || fail 'since'
[ "$(left "$WS/p")" = 200 ] || fail "since: $(left "$WS/p") of 200"

# a person's edit, and a person's file in the way
seq 9 >mine
in_session bash -c "echo agent >'$WS/mine'; rm '$WS/p/d3/f150'"
sleep 0.02
echo edited >mine
echo own >p/d3/f150
u
expect_status 2
[ "$(cat mine)" = edited ] && [ "$(cat p/d3/f150)" = own ] || fail "a person's file was taken"
expect_out 'mine: changed since the command ended'
expect_out 'f150: something else has this name now'
u --force
expect_status 0
[ "$(head -1 mine)" = 1 ] && [ "$(cat p/d3/f150)" = 'content of 150' ] || fail 'not forced'

# two sessions at once on one workspace: each undone by itself
tree "$WS/two/a" 200
tree "$WS/two/b" 200
take before
agentsh exec --root="$WS" one -- bash -c "rm -rf '$WS/two/a/d0' '$WS/two/a/d1'" >/dev/null 2>&1 &
ONE=$!
agentsh exec --root="$WS" two -- bash -c "rm -rf '$WS/two/b/d2'; echo x >'$WS/two/b/d3/f199'" >/dev/null 2>&1
wait "$ONE"
u --session two
expect_status 0
[ "$(left "$WS/two/a")" = 100 ] && [ "$(cat "$WS/two/b/d3/f199")" = 'content of 199' ] || fail 'session two'
u --session one
expect_status 0
take undone
NAME=sessions
same before undone 'two sessions'
finish

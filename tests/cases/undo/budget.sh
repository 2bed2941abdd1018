# SPDX-License-Identifier: MIT
# budget.sh - a full quarantine: the oldest goes, or the call is refused, or the
# file is destroyed unkept and that is said; what is too old goes by itself
. "$(dirname "$0")/lib.sh"
full() {
	rm -rf "$WS" "$T/data" "$T/config.yaml" && mkdir -p "$WS" "$T/data"
	CONFIG_EXTRA="sandbox: {fuse: {audit: {quota: 1MB, $1}}}"
	PORT=
	begin
	for i in 1 2 3; do head -c 400000 /dev/urandom >"$WS/f$i"; done
}
stop() {
	kill "$SERVER_PID"
	wait "$SERVER_PID" 2>/dev/null
	SERVER_PID=
	cd "$T" || fail cd
}

full 'on_full: evict'
for i in 1 2 3; do in_session rm "$WS/f$i" && expect_status 0; done
undo && [ -f "$WS/f3" ] || fail 'newest not kept'
(cd "$WS" && agentsh trash list) >"$T/list"
grep -q /f1 "$T/list" && fail 'the oldest is still there'
stop

# what commands make and remove pushes out nothing that was there before them: made
# here, moved or linked here from outside, grown (of what was there), with any name
full 'on_full: evict'
echo precious >"$WS/precious"
echo precious >"$WS/overwritten"
echo old >"$WS/small"
echo old >"$WS/grown"
in_session sh -c 'rm precious; echo bad >overwritten; echo bad >small'
(cd "$WS" && echo "of a person, since" >small) # through the same inode
in_session sh -c 'rm small'
X=$(mktemp -d "$T/outside.XXXXXX")
chmod 777 "$X"
for i in 1 2 3 4; do
	in_session sh -c "head -c 700000 /dev/zero >made; cp made $X/moved; cp made $X/linked; cp made $X/over
		cat made >>grown; : >target"
	in_session sh -c "mv $X/moved moved; ln $X/linked linked; mv $X/over target; rm made"
	in_session rm moved
	in_session rm linked
	in_session rm target
	in_session truncate -s 0 grown
done
(cd "$WS" && agentsh trash list) >"$T/list"
for f in precious overwritten small; do
	grep -q "/$f	" "$T/list" || { cat "$T/list"; fail "$f was pushed out"; }
done
undo --since 1h --force
grep -qx precious "$WS/precious" || fail 'precious is not back'
grep -qx precious "$WS/overwritten" || fail 'overwritten is not back'
grep -qx old "$WS/grown" || fail 'grown is not back'
stop

full 'on_full: deny'
in_session rm "$WS/f1" "$WS/f2"
expect_status 0
in_session rm "$WS/f3"
[ "$STATUS" != 0 ] && [ -f "$WS/f3" ] || fail 'destroyed unkept'
expect_err 'quota exceeded'
stop

full 'on_full: drop'
in_session rm "$WS/f1" "$WS/f2" "$WS/f3"
expect_status 0
expect_err '1 NOT KEPT'
undo
[ $? = 2 ] || fail 'undo did not say that one is lost'
grep -q 'not kept' "$T/undo.out" || fail 'loss not named'
[ -f "$WS/f1" ] && [ -f "$WS/f2" ] && [ ! -e "$WS/f3" ] || fail 'wrong files back'
run agentsh undo status --root "$WS"
expect_out 'Not kept:  1'
stop

# the number of files, whatever their size
full 'quota_entries: 2, on_full: drop'
in_session rm "$WS/f1" "$WS/f2" "$WS/f3"
expect_status 0
expect_err '1 NOT KEPT'
run agentsh undo status --root "$WS"
expect_out 'Kept:      2 entries of 2'
stop
full 'quota_entries: 2, on_full: deny'
in_session rm "$WS/f1" "$WS/f2" "$WS/f3"
[ "$STATUS" != 0 ] && [ -f "$WS/f3" ] || fail 'destroyed unkept'
expect_err 'quota exceeded'
stop
full 'quota_entries: 2, on_full: evict'
for i in 1 2 3; do in_session rm "$WS/f$i" && expect_status 0; done
(cd "$WS" && agentsh trash list) >"$T/list"
grep -q /f1 "$T/list" && fail 'the oldest is still there'
grep -q /f3 "$T/list" || fail 'the newest is not there'
stop

full 'ttl: 1s'
in_session rm "$WS/f1"
sleep 1.1
is_empty() {
	run agentsh exec --root="$WS" other -- true
	(cd "$WS" && agentsh trash list) >"$T/list"
	grep -q 'trash empty' "$T/list"
}
eventually is_empty || { cat "$T/list"; fail 'too old, still kept'; }

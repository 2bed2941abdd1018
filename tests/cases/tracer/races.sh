# SPDX-License-Identifier: MIT
# races.sh - arguments rewritten by a second thread win nothing
. "$(dirname "$0")/lib.sh"

seconds=${RACE_SECONDS:-2}
echo allowed >"$WS/open"
echo secret >"$WS/.env"
mkdir "$WS/a"
mv "$WS/open" "$WS/a/fine"
mkdir "$WS/b"
mv "$WS/.env" "$WS/b/.env"

traced "$AGENTSH_BUILD/tests/cases/tracer/race-open" \
	"$WS/a/fine" "$WS/b/.env" "$seconds"
[ "$STATUS" != 1 ] || fail "$(cat "$T/out")"
expect_status 0
echo "open: $(cat "$T/out")"
expect_event '.type == "file_open" and (.path | endswith("b/.env")) and .effective_action == "blocked"'

# the same length, both real programs: one is denied by name
cp "$(type -P true)" "$WS/ok"
cp "$(type -P id)" "$WS/id"
traced "$AGENTSH_BUILD/tests/cases/tracer/race-exec" "$WS/ok" "$WS/id" "$seconds"
expect_no_out uid=
expect_status 0
echo "exec: $(cat "$T/out")"

# the name stays, the file is exchanged
traced "$AGENTSH_BUILD/tests/cases/tracer/race-exec" "$WS/ok" "$WS/id" "$seconds" "$WS/it"
expect_no_out uid=
grep -q '^tries' "$T/out" || fail "not tried"
echo "file: $(tail -1 "$T/out")"

# what a loader is told to load
for loader in /lib64/ld-linux-*.so.* /lib/ld-linux-*.so.*; do
	[ -x "$loader" ] || continue
	traced "$AGENTSH_BUILD/tests/cases/tracer/race-argv" "$loader" "$WS/ok" "$WS/id" 100 "$seconds"
	expect_no_out uid=
	echo "loader: $(tail -1 "$T/err")"
	break
done

mkdir "$WS/r" "$WS/closed"
echo secret >"$WS/closed/key"
traced "$AGENTSH_BUILD/tests/cases/tracer/race-link" "$WS/r" "$WS/closed/key" "$seconds"
[ "$STATUS" != 1 ] || fail "$(cat "$T/out")"
expect_status 0
echo "link: $(cat "$T/out")"
[ "$(cat "$WS/closed/key")" = secret ] || fail 'denied file changed'
expect_event '.type == "file_open" and (.path | endswith("closed/key")) and .effective_action == "blocked"'

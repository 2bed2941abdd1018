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

mkdir "$WS/r" "$WS/closed"
echo secret >"$WS/closed/key"
traced "$AGENTSH_BUILD/tests/cases/tracer/race-link" "$WS/r" "$WS/closed/key" "$seconds"
[ "$STATUS" != 1 ] || fail "$(cat "$T/out")"
expect_status 0
echo "link: $(cat "$T/out")"
[ "$(cat "$WS/closed/key")" = secret ] || fail 'denied file changed'
expect_event '.type == "file_open" and (.path | endswith("closed/key")) and .effective_action == "blocked"'

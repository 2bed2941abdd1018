#!/bin/bash
# SPDX-License-Identifier: MIT
# verbs.sh - sessions, events, output, report against a real server
. "$(dirname "$0")/../lib/case.sh"
start_server

run agentsh session create --workspace "$WS" --id made
expect_status 0
expect_out 'Session made started'
expect_out 'Proxy: http://127.0.0.1:'
expect_out 'export ANTHROPIC_BASE_URL=http://127.0.0.1:'
run agentsh session create --workspace "$WS" --id made
expect_status 1
expect_err 'POST /api/v1/sessions: 409'
run agentsh session list
[ "$(jq -r '.[].id' "$T/out")" = made ] || fail "list"
run agentsh session update made --set-env A=b
expect_status 0
run agentsh exec --output json made -- bash -c 'echo $A'
expect_status 0
[ "$(jq -r .result.stdout "$T/out")" = b ] || fail "environment"
id=$(jq -r .command_id "$T/out")
run agentsh output made "$id"
expect_status 0
[ "$(cat "$T/out")" = b ] || fail "stored output"
run agentsh events query --session made --type command_finished
[ "$(jq length "$T/out")" -ge 1 ] || fail "events"
run agentsh events query --direct-db --db-path "$T/data/events.db" \
	--session made --type command_finished
[ "$(jq length "$T/out")" -ge 1 ] || fail "events from the database"
run agentsh debug stats made
expect_out 'Session: made'
run agentsh debug policy-test --op file_read --path /etc/shadow
expect_status 0
expect_out 'Decision:  DENY'
run agentsh report latest --level detailed
expect_status 0
expect_out '# Session Report: made (Detailed)'
run agentsh proxy status made
expect_status 0
expect_out 'Session: made'

run agentsh audit verify "$T/data/events.db"
expect_status 0
expect_out 'verified '
copy='import sqlite3, sys
a, b = (sqlite3.connect(p) for p in sys.argv[1:3])
a.backup(b)
b.execute(sys.argv[3])
b.commit()'
python3 -c "$copy" "$T/data/events.db" "$T/tampered.db" \
	"update event_log set payload_json = replace(payload_json, 'made', 'mine')"
python3 -c "$copy" "$T/data/events.db" "$T/copied.db" 'select 1'
run agentsh audit verify "$T/copied.db"
expect_status 0
run agentsh audit verify "$T/tampered.db"
expect_status 1
expect_err 'tampered.db: entry '
run agentsh audit verify "$T/none.db"
expect_err "missing audit log file $T/none.db"

# tail sees what happens while it runs
timeout 90 "$AGENTSH_BUILD/cli/agentsh" events tail made >"$T/tail" &
tail_pid=$!
tail_sees() {
	agentsh exec made -- true
	grep -q command_finished "$T/tail"
}
eventually tail_sees || fail "tail saw nothing"
kill $tail_pid

# kill ends a running command
agentsh exec --output json made -- sleep 600 >"$T/killed" &
pid=$!
started() {
	id=$(agentsh events query --session made --type command_started --limit 1 |
		jq -r '.[0] | select(.fields.command=="sleep") | .command_id')
	[ -n "$id" ]
}
eventually started
run agentsh kill made "$id"
expect_status 0
expect_out ok
wait $pid
printf 'echo attached\nexit\n' | agentsh session attach made >"$T/out"
expect_out attached
run agentsh session destroy made
expect_status 0
run agentsh session info made
expect_status 1
expect_err 'session not found'

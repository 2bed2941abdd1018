# SPDX-License-Identifier: MIT
# restart.sh - a killed server's successor knows its sessions, closes what was
# running, declares the gap, and leaves nothing of it behind
. "$(dirname "$0")/../server/lib.sh"
start_server
new_session s
new_session t
MARK=32$$7
mkdir "$WS/sub"
api PATCH /api/v1/sessions/s '{"cwd":"/workspace/sub","env":{"LANG":"C.kept"}}'
expect_code 200
created=$(jq -r .created_at "$T/out")
curl -sS -m 60 -X POST "$AGENTSH_SERVER/api/v1/sessions/s/exec" \
	-H "X-Agentsh-Command-Id: cmd-22222222-2222-4222-8222-222222222222" \
	-d "{\"command\":\"/bin/sh\",\"args\":[\"-c\",\"(setsid sleep $MARK &) ; sleep $MARK\"]}" \
	>"$T/bg" 2>/dev/null &
sql() { python3 -c '
import sqlite3, sys
for row in sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True).execute(sys.argv[2]):
    print(*row)' "$T/data/events.db" "$1"; }
# what happened is committed a moment later: committed TYPE [COMMAND] [COUNT]
committed() {
	[ "$(sql "select count(*) from events where type='$1' and
		coalesce(command_id, '') like '${2:-%}'")" -ge "${3:-1}" ]
}
COMMAND=cmd-22222222-2222-4222-8222-222222222222
running() { pgrep -f "^sleep $MARK" >/dev/null; }
gone() { ! running; }
wait_for running
wait_for committed command_started $COMMAND
kill -9 "$SERVER_PID"
wait "$SERVER_PID" 2>/dev/null
wait_for gone

start_server
api GET /api/v1/sessions/s
expect_code 200
expect_json '.cwd == "/workspace/sub" and .policy == "default"'
[ "$(jq -r .created_at "$T/out")" = "$created" ] || fail "created_at changed"
api GET /api/v1/sessions/t
expect_code 200
sh_exec 'echo $LANG; pwd'
expect_json '.result.exit_code == 0'
expect_json '.result.stdout | startswith("C.kept\n") and endswith("/sub\n")'

wait_for committed command_finished $COMMAND
sql "select payload_json from events where type='command_finished'
	and command_id='cmd-22222222-2222-4222-8222-222222222222'" >"$T/out"
expect_json '.fields.error == "server died"'
wait_for committed server_started % 2
sql "select payload_json from events where type='server_started'
	order by rowid desc limit 1" >"$T/out"
expect_json '.fields.previous == "died" and .fields.commands_lost == 1'
expect_json '.fields.sessions_restored == 2 and (.fields.previous_last_event | length > 0)'
wait_for committed session_restored % 2
[ "$(sql "select count(*) from events where type='session_restored'")" = 2 ] ||
	fail "session_restored"

# an orderly stop is told from a death, and ends the sessions
kill -TERM "$SERVER_PID"
wait "$SERVER_PID" || fail "exit status of the server"
[ -z "$(find "$T/data/sessions" -name 'session.json*')" ] || fail "records left"
start_server
api GET /api/v1/sessions/s
expect_code 404
wait_for committed server_started % 3
sql "select payload_json from events where type='server_started'
	order by rowid desc limit 1" >"$T/out"
expect_json '.fields.previous == "stopped" and .fields.commands_lost == 0'

# a workspace that is gone is reported, a record that lies is not believed
mkdir "$T/gone"
api POST /api/v1/sessions "{\"id\":\"g\",\"workspace\":\"$T/gone\"}"
expect_code 201
new_session s
kill -9 "$SERVER_PID"
wait "$SERVER_PID" 2>/dev/null
# (its workers may still be about to make something there)
removed() { rm -rf "$T/gone" 2>/dev/null && [ ! -e "$T/gone" ]; }
wait_for removed
mkdir "$T/data/sessions/x"
cp "$T/data/sessions/s/session.json" "$T/data/sessions/x/session.json"
echo '{' >"$T/data/sessions/s/session.json.new"
start_server
api GET /api/v1/sessions
expect_json '[.[].id] == ["s"]'
wait_for committed session_lost
[ "$(sql "select session_id from events where type='session_lost'")" = g ] ||
	fail "session_lost"
run agentsh audit verify --config "$T/config.yaml"
[ "$STATUS" = 0 ] || run agentsh audit verify "$T/data/events.db"
expect_status 0

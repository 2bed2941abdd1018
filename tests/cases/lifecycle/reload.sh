# SPDX-License-Identifier: MIT
# reload.sh - a changed policy reaches running sessions and running commands; a
# bad one changes nothing but the log
. "$(dirname "$0")/../server/lib.sh"
cat >"$T/base.yaml" <<-'YAML'
version: 1
name: base
command_rules:
  - {name: all, commands: ["*"], decision: allow}
file_rules:
  - {name: all, paths: ["/**"], operations: ["*"], decision: allow}
network_rules:
  - {name: none, domains: ["*"], decision: deny}
YAML
POLICY_FILE=$T/base.yaml
start_server
new_session s
echo secret >"$WS/key"
with_rule() { # RULE LINE: the policy with that file rule first
	sed "s|^file_rules:|&\n  $1|" "$T/base.yaml" >"$T/next.yaml"
	mv "$T/next.yaml" "$T/policies/default.yaml"
}
DENY='- {name: no-key, paths: ["**/key"], operations: ["*"], decision: deny}'
generation() { api GET /api/v1/sessions/s && expect_json ".policy_generation == $1"; }
sql() { python3 -c '
import sqlite3, sys
for row in sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True).execute(sys.argv[2]):
    print(*row)' "$T/data/events.db" "$1"; }

sh_exec 'cat key'
expect_json '.result.stdout == "secret\n"'

# noticed by itself, and by a command that runs
curl -sS -m 120 -X POST "$AGENTSH_SERVER/api/v1/sessions/s/exec" -d '{"command":
	"/bin/sh", "args": ["-c", "touch up; while [ ! -e go ]; do sleep 0.05; done; cat key"]}' \
	>"$T/bg" &
BG=$!
up() { [ -e "$WS/up" ]; }
wait_for up
with_rule "$DENY"
reached() { api GET /api/v1/sessions/s && jq -e ".policy_generation == $1" "$T/out" >/dev/null; }
wait_for reached 2
touch "$WS/go"
wait $BG
jq -e '.result.exit_code == 1 and (.result.stdout // "") == ""' "$T/bg" >/dev/null ||
	fail "running command: $(cut -c1-300 "$T/bg")"
sh_exec 'cat key'
expect_json '.result.exit_code == 1'
expect_json '[.events.blocked_operations[] | select(.path | endswith("/key"))][0]
	| .policy.rule == "no-key" and .fields.policy_generation == 2'

# a bad file is refused with its line, and the old rules stay
with_rule '- {name: bad, pathz: ["/x"], operations: ["*"], decision: deny}'
run agentsh policy reload
expect_status 1
expect_out 'refused, generation 2: '
expect_out 'pathz'
generation 2
sh_exec 'cat key'
expect_json '.result.exit_code == 1'

# SIGHUP; the floor follows when the session is idle: what it denied is open
mv "$T/policies/default.yaml" "$T/policies/.away"
cp "$T/base.yaml" "$T/policies/default.yaml.tmp"
ln "$T/policies/default.yaml.tmp" "$T/policies/default.yaml" # not watched
kill -HUP "$SERVER_PID"
wait_for reached 3
sh_exec 'cat key'
expect_json '.result.stdout == "secret\n"'
run agentsh policy reload
expect_status 0
expect_out 's: policy default unchanged, generation 3'

# not from inside a session
sh_exec "curl -s -o /dev/null -w '%{http_code}' -X POST $AGENTSH_SERVER/api/v1/policy/reload; true"
expect_json '(.result.stdout // "") != "200"'
# what happened is committed a moment later
reloaded() { [ "$(sql "select count(*) from events where type='policy_reloaded'")" = 2 ]; }
eventually reloaded || fail "policy_reloaded"
failed() { [ "$(sql "select count(*) from events where type='policy_reload_failed'")" -ge 1 ]; }
eventually failed || fail "policy_reload_failed"

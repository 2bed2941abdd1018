# SPDX-License-Identifier: MIT
# The audit log on disk: who may read it, that it verifies from outside by the
# published formula, and that an edit shows.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3"
command -v sqlite3 >/dev/null || skip "no sqlite3"
export AUDIT_KEY=0123456789abcdef0123456789abcdef
PORT=$(free_port)
write_config
sed -i "s|^audit:|audit:\n  output: $T/data/audit.jsonl\n  integrity:\n    enabled: true\n    key_source: env\n    key_env: AUDIT_KEY|" "$T/config.yaml"
start_server
new_session s
sh_exec 'cat /etc/shadow; echo "<&>"'
[ "$(stat -c %a "$T/data/events.db")" = 600 ] || fail "mode of the database"
[ "$(stat -c %a "$T/data/audit.jsonl")" = 600 ] || fail "mode of the log"
# the denial was on disk before the answer
sqlite3 "$T/data/events.db" "SELECT count(*) FROM events WHERE effective_decision='deny'" |
	grep -qx '[1-9][0-9]*' || fail "no denial in the database"
kill "$SERVER_PID"
wait "$SERVER_PID"
SERVER_PID=

verify() { python3 "$(dirname "$0")/verify_chain.py" "$T/data" "$AUDIT_KEY" >"$T/out" 2>"$T/err"; }
verify || fail "chains: $(cat "$T/err")"
cp "$T/data/audit.jsonl" "$T/copy"
sed -i 's/"deny"/"allow"/' "$T/data/audit.jsonl"
verify && fail "an edited line passed"
cp "$T/copy" "$T/data/audit.jsonl"
sqlite3 "$T/data/events.db" "UPDATE event_log SET payload_json=replace(payload_json,'deny','allow')"
verify && fail "an edited row passed"

# the server itself does not go on with an edited log
sed -i 's/"deny"/"allow"/' "$T/data/audit.jsonl"
run timeout 60 "$AGENTSH_BUILD/cli/agentsh" server --config "$T/config.yaml"
expect_status 1

# SPDX-License-Identifier: MIT
# stuck.sh - what cannot run cannot stay either: processes parked for an approval,
# in a FIFO's open, in vfork, in a connect, stopped, detached; by time-out, by
# kill and when the client goes
. "$(dirname "$0")/../server/lib.sh"
command -v python3 >/dev/null || skip "no python3"
cat >"$T/policy.yaml" <<'Y'
version: 1
name: stuck
file_rules:
  - {name: ask, paths: ["**/guarded"], operations: ["*"], decision: approve}
  - {name: rest, paths: ["/**"], operations: ["*"], decision: allow}
command_rules:
  - {name: ask, commands: [id], decision: approve}
  - {name: rest, commands: ["*"], decision: allow}
network_rules: [{name: rest, cidrs: ["127.0.0.0/8"], decision: allow}]
unix_socket_rules: [{name: rest, paths: ["*", "/**"], decision: allow}]
Y
POLICY_FILE=$T/policy.yaml
CONFIG_EXTRA=$(printf 'approvals:\n  enabled: true\n  mode: local_tty\n  timeout: 1h')
start_server
new_session s
touch "$WS/guarded"
cat >"$WS/tree.sh" <<'X'
mkfifo -m 600 f$1 2>/dev/null
cat guarded &
(setsid cat guarded &)
sh -c 'id; id' &
python3 -c 'import os, time
p = os.posix_spawn("/usr/bin/id", ["id"], {})
time.sleep(600)' &
cat f$1 &
(setsid sh -c 'echo x >f$1' &)
(setsid sh -c 'kill -STOP $$' &)
(setsid sh -c '(sleep 600 & sleep 600) & sleep 600' &)
python3 -c 'import socket, time
s = socket.socket(socket.AF_UNIX); s.bind("\0stuck'$$'"); s.listen(0)
c = [socket.socket(socket.AF_UNIX) for _ in range(3)]
for k in c: k.connect("\0stuck'$$'")' &
echo started >started$1
wait
sleep 600
X
# processes that run and whose directory is the workspace
inside() {
	find /proc -maxdepth 2 -path '/proc/[0-9]*/cwd' -lname "*$WS*" 2>/dev/null | wc -l
}
gone() { [ "$(inside)" = 0 ]; }

started() { [ -s "$WS/started$N" ] && [ "$(inside)" -ge 9 ]; }
command() {
	curl -sS -m 180 -X POST "$AGENTSH_SERVER/api/v1/sessions/s/exec" \
		-H "X-Agentsh-Command-Id: cmd-00000000-0000-4000-8000-00000000000$N" \
		-d "{\"command\":\"sh\",\"args\":[\"tree.sh\",\"$N\"]$1}" >"$T/bg" &
	BG=$!
}
# a time-out that leaves enough time for the whole tree to start
for T0 in 4 16 60; do
	N=1
	rm -f "$WS/started$N"
	command ",\"timeout\":\"${T0}s\""
	there=
	while kill -0 $BG 2>/dev/null; do
		! started || { there=1; break; }
		sleep 0.05
	done
	wait $BG
	[ "$(inside)" = 0 ] || fail "after the time-out: $(inside) left"
	[ -z "$there" ] || break
done
[ -n "$there" ] || fail "the tree did not start"
jq -e ".result.exit_code == 124 and .result.duration_ms < ($T0 * 1000 + ${AGENTSH_LIMIT_MS:-20000})" "$T/bg" >/dev/null ||
	fail "time-out: $(cat "$T/bg")"
N=2
command ''
wait_for started
local_api POST /api/v1/sessions/s/kill/cmd-00000000-0000-4000-8000-000000000002
expect_code 200
wait $BG
[ "$(inside)" = 0 ] || fail "after kill: $(inside) left"
N=3
command ''
wait_for started
kill $BG
wait_for gone
# nobody is asked any more about what is gone
nothing_asked() {
	local_api GET /api/v1/approvals
	jq -e 'length == 0' "$T/out" >/dev/null
}
wait_for nothing_asked
# and the session goes on
api POST /api/v1/sessions/s/exec '{"command":"echo","args":["fine"]}'
expect_json '.result.stdout == "fine\n"'
exit 0

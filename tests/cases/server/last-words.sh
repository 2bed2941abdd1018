# SPDX-License-Identifier: MIT
# last-words.sh - what a command sends before it is gone is its own, however late
# the server reads it; and connections in great number keep no person out
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3"
cat >"$T/policies.yaml" <<-YAML
	version: 1
	name: open
	command_rules: [{name: all, commands: ["*"], decision: allow}]
	file_rules: [{name: all, paths: ["/**", "/"], operations: ["*"], decision: allow}]
	network_rules: [{name: loopback, cidrs: ["127.0.0.0/8"], decision: allow}]
YAML
POLICY_FILE=$T/policies.yaml
start_server
new_session s
cat >"$WS/last.py" <<'PY'
import os, socket, sys, time
port, go = int(sys.argv[1]), sys.argv[2]
open("ready", "w").close()
while not os.path.exists(go):
    time.sleep(0.01)
held = []
for n in range(100):
    body = b'{"id":"last%d","workspace":"/tmp"}' % n
    s = socket.create_connection(("127.0.0.1", port))
    s.sendall(b"POST /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\n"
              b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    held.append(s)
PY
until_there() { eventually test -e "$1" || fail "no $1"; }
# its requests come while the server is stopped, and so does its end
for i in 1 2 3; do
	rm -f "$WS/ready" "$WS/go"
	(sh_exec "exec python3 last.py $PORT $WS/go") &
	caller=$!
	until_there "$WS/ready"
	kill -STOP "$SERVER_PID"
	touch "$WS/go"
	sleep 0.5
	kill -CONT "$SERVER_PID"
	wait "$caller"
done
sleep 1
api GET /api/v1/sessions
expect_code 200
expect_json 'length == 1 and .[0].id == "s"'

# a person's tools have a way in when all places of TCP are taken
cat >"$WS/flood.py" <<'PY'
import socket, sys, time
held = []
try:
    for n in range(1200):
        s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)
        s.send(b"GET /health HTTP/1.1\r\nX: ")
        held.append(s)
except OSError:
    pass
open("flooded", "w").close()
time.sleep(60)
PY
(sh_exec "exec python3 flood.py $PORT") &
until_there "$WS/flooded"
api GET /api/v1/sessions # who asks takes the place of one that does not
expect_code 200
local_api GET /api/v1/sessions
expect_code 200
run agentsh exec s -- echo alive
expect_status 0
expect_out alive
exit 0

#!/bin/bash
# SPDX-License-Identifier: MIT
# landlock.network: which TCP ports commands may listen on, and whether they may
# connect at all; refused with EACCES, on record.
. "$(dirname "$0")/../lib/case.sh"
POLICY_FILE=$(dirname "$0")/policy.yaml
OPEN=$(free_port)
listen() {
	in_session python3 -c "
import socket
s = socket.socket(socket.AF_INET${2:-})
try:
    s.bind(('${3:-127.0.0.1}', $1))
    s.listen()
    print('listening')
except OSError as e:
    print(e.errno)"
}
CONFIG_EXTRA="landlock:
  enabled: true
  network:
    allow_bind_tcp: false
    bind_ports: [$OPEN]"
start_server
listen "$OPEN"
expect_out listening
listen "$OPEN" 6 ::1
expect_out listening
listen $((OPEN == 40000 ? 40001 : 40000))
expect_out 13
expect_event '.type == "net_listen" and .policy.rule == "landlock-bind-tcp" and .effective_action == "blocked"'
listen 0
expect_out 13
# datagram sockets are not meant, nor is whoever connects without bind()
in_session python3 -c "
import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).bind(('127.0.0.1', 0))
socket.create_connection(('127.0.0.1', $PORT)).close()"
expect_status 0

kill "$SERVER_PID"
wait "$SERVER_PID" 2>/dev/null
rm "$T/config.yaml"
CONFIG_EXTRA="sandbox:
  network:
    enabled: false
landlock:
  enabled: true
  network:
    allow_connect_tcp: false"
start_server
listen 0
expect_out listening
in_session python3 -c "
import socket
try:
    socket.create_connection(('127.0.0.1', $PORT))
except OSError as e:
    print(e.errno)"
expect_out 13
expect_event '.type == "net_connect" and .policy.rule == "landlock-connect-tcp"'

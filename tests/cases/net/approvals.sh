#!/bin/bash
# SPDX-License-Identifier: MIT
# Connections, requests and datagrams that a person must approve, in each way of
# capture: what waits has sent nothing, not even its name; yes, no and no answer;
# the rest goes on meanwhile.
. "$(dirname "$0")/lib.sh"
cat "$HERE/policy.yaml" - >"$T/rules.yaml" <<-END
	  - name: ask-briefly
	    cidrs: ["93.184.216.34/32"]
	    ports: [8081]
	    decision: approve
	    timeout: 1s
	  - name: ask-address
	    cidrs: ["93.184.216.34/32"]
	    ports: [8080, 7777]
	    decision: approve
	    timeout: 1h
	    message: "may it?"
	  - name: ask-name
	    domains: ["*.ask.test"]
	    decision: approve
	    timeout: 1h
END
POLICY_FILE=$T/rules.yaml
CONFIG_EXTRA='approvals: {enabled: true, mode: local_tty, timeout: 1h}'
session
direct="env -u http_proxy -u https_proxy -u all_proxy -u HTTP_PROXY -u HTTPS_PROXY -u ALL_PROXY"

local_api() {
	curl -sS -m 90 -o "$T/api" -X "$1" --unix-socket "$T/run/http-$PORT.sock" \
		${3:+-d "$3"} "http://localhost$2"
}
# begin CMD...: in the session, in the background
begin() {
	agentsh exec --timeout 60s --root="$WS" s -- "$@" >"$T/bg" 2>&1 &
	BG=$!
}
asked() {
	kill -0 $BG 2>/dev/null || { cp "$T/bg" "$T/out"; fail "it did not wait for an answer"; }
	local_api GET /api/v1/approvals
	jq -e --arg t "$1" --arg r "$2" \
		'any(.[]; .target == $t and .rule == $r and .kind == "network")' "$T/api" >/dev/null
}
# decide WHAT TARGET RULE
decide() {
	LAST="$1 $2"
	eventually asked "$2" "$3" || fail "nobody was asked about $2"
	# nothing of it has left, and others go on
	caught_up
	! grep -q '^6 93.184.216.34 8080$\|^17 93.184.216.34 7777$' "$T/net/packets" ||
		[ -n "${approved:-}" ] || fail "something was sent before the answer"
	! grep -q "^${2%:*} " "$T/net/queries" || [ -n "${approved:-}" ] ||
		fail "the name was asked for before the answer"
	in_session curl -sS http://good.test/meanwhile
	expect_out "path=/meanwhile"
	local_api POST "/api/v1/approvals/$(jq -r '.[0].id' "$T/api")" "{\"decision\":\"$1\"}"
	ENDED=0
	wait $BG || ENDED=$?
	cp "$T/bg" "$T/out"
}
connect='import socket, sys
s = socket.socket()
s.settimeout(None)
try:
    s.connect((sys.argv[1], int(sys.argv[2])))
    s.sendall(b"GET /blocking HTTP/1.0\r\nHost: x\r\n\r\n")
    print(b"".join(iter(lambda: s.recv(1000), b""))[-40:])
except OSError as e:
    print("refused", e.errno)'
datagram='import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(60)
try:
    s.connect(("93.184.216.34", 7777))
    s.send(b"asked")
    print(s.recv(100))
except OSError as e:
    print("refused", e.errno)'

# no answer: the rule says how long
in_session $direct python3 -c "$connect" 93.184.216.34 8081
expect_out refused
expect_event '.type == "approval_resolved" and .fields.reason == "timeout"'
# no
begin $direct python3 -c "$connect" 93.184.216.34 8080
decide deny 93.184.216.34:8080 ask-address
expect_out refused
if [ -z "${CLOSED:-}" ]; then
	begin $direct python3 -c "$datagram"
	decide deny 93.184.216.34:7777 ask-address
	expect_out refused
fi
begin curl -sS http://no.ask.test/
decide deny no.ask.test:80 ask-name
expect_out "blocked by policy"
begin $direct curl -sS http://no.ask.test/
decide deny no.ask.test:80 ask-name
[ $ENDED != 0 ] || fail "an own connection by name was made against the answer"
caught_up
grep -q '^6 93.184.216.34 808[01]$\|^17 93.184.216.34 7777$' "$T/net/packets" &&
	fail "something was sent that was denied"
grep -q 'ask\.test' "$T/net/queries" && fail "a denied name was asked for"

# yes
approved=1
begin $direct python3 -c "$connect" 93.184.216.34 8080
decide approve 93.184.216.34:8080 ask-address
expect_out "path=/blocking"
begin $direct curl -sS http://93.184.216.34:8080/waits
decide approve 93.184.216.34:8080 ask-address
expect_out "path=/waits"
if [ -z "${CLOSED:-}" ]; then
	begin $direct python3 -c "$datagram"
	decide approve 93.184.216.34:7777 ask-address
	expect_out "b'asked'"
fi
begin curl -sS http://yes.ask.test/proxy
decide approve yes.ask.test:80 ask-name
expect_out "host=yes.ask.test path=/proxy"
begin $direct curl -sS http://yes.ask.test/own
decide approve yes.ask.test:80 ask-name
expect_out "host=yes.ask.test path=/own"
begin $direct curl -sS -k https://yes.ask.test/tls
decide approve yes.ask.test:443 ask-name
expect_out "host=yes.ask.test path=/tls"
expect_event '.type == "net_connect" and .policy.rule == "ask-name" and .effective_action == "allowed" and .policy.approval.mode == "enforced"'
expect_event '.type == "net_connect" and .policy.rule == "ask-address" and .effective_action == "blocked"'

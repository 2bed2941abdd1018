#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Requests to services that a person must approve: yes, no, no answer, a client
# that leaves, a proxy that dies, a policy that changes; the others go on.
. "$(dirname "$0")/../lib/case.sh"
. "$(dirname "$0")/lib.sh"

start_fake
port=${FAKE##*:}
write_policy() {
	sed "s/^network_rules:/&\\n  - {name: tests, cidrs: [\"127.0.0.0\\/8\"], decision: allow}/" \
		"$SRC/data/policies/default.yaml"
	cat <<-YAML
	http_services:
	  - name: hub
	    upstream: $FAKE
	    intercept: true
	    rules:
	      - {name: talk, methods: [POST], paths: ["/v1/responses"], decision: allow}
	      - {name: ask-echo, methods: [POST], paths: ["/echo"], decision: $1, message: "really {{.Path}}?"}
	      - {name: ask-briefly, methods: [POST], paths: ["/echo/brief"], decision: approve, timeout: 1s}
	YAML
}
write_policy approve >"$T/policy.yaml"
POLICY_FILE=$T/policy.yaml
llm_config "" "sandbox:
  network:
    tls_inspection:
      enabled: true
approvals:
  enabled: true
  mode: local_tty
  timeout: 1h"
start_server
in_agent true # the session and its proxy are there

curl='curl -sS -w "\n%{http_code}\n"'
api_local() {
	local method=$1 path=$2
	shift 2
	curl -sS -m 60 -X "$method" --unix-socket "$T/run/http-$PORT.sock" \
		"http://local$path" ${1:+-d "$1"} >"$T/api"
}
pending() {
	api_local GET /api/v1/approvals
	jq -e 'length == 1' "$T/api" >/dev/null
}
none_pending() {
	api_local GET /api/v1/approvals
	jq -e 'length == 0' "$T/api" >/dev/null
}
# request SCRIPT: in the background, until a person is asked
request() {
	agentsh exec s -- sh -c "$1" >"$T/answer" 2>&1 </dev/null &
	BG=$!
	eventually pending || fail "nobody is asked: $(cat "$T/answer")"
	ID=$(jq -r '.[0].id' "$T/api")
}
answer() {
	api_local POST "/api/v1/approvals/$ID" "{\"decision\":\"$1\"}"
	wait $BG
}

for way in "\$HUB_API_URL" "--noproxy '' -x \$HTTPS_PROXY https://127.0.0.1:$port"; do
	forget
	request "$curl -d '{\"n\":1}' ${way}/echo"
	jq -e --arg t "POST $FAKE/echo" '.[0] | .kind == "network" and .target == $t
		and .rule == "ask-echo" and .message == "really /echo?" and (.command_id | length > 0)' \
		"$T/api" >/dev/null || fail "asked: $(cat "$T/api")"
	# nothing has gone out, and the others go on
	[ ! -s "$LLM/seen" ] || fail "sent before the answer"
	in_agent "$curl $way/v1/responses -d '{}'"
	expect_out 'Hello world'
	# who asks does not answer
	in_agent "curl -sS -m 20 -X POST $AGENTSH_SERVER/api/v1/approvals/$ID -d '{\"decision\":\"approve\"}'; agentsh approve $ID"
	pending || fail "a command has answered"
	answer approve
	grep -q '^200$' "$T/answer" || fail "approved: $(cat "$T/answer")"
	[ "$(seen .path)" = /echo ] && [ "$(seen .text)" = '{"n":1}' ] || fail "not sent: $(seen .text)"

	forget
	request "$curl -d '{\"n\":2}' ${way}/echo"
	answer deny
	grep -q '^403$' "$T/answer" && grep -q 'rule=ask-echo' "$T/answer" || fail "denied: $(cat "$T/answer")"
	# no answer in time
	in_agent "$curl -d '{}' ${way}/echo/brief"
	expect_out 403
	[ ! -s "$LLM/seen" ] || fail "went out: $(seen .path)"
done
expect_event '.type == "http_service_request" and .policy.rule == "ask-echo" and .policy.effective_decision == "allow" and .policy.approval.mode == "enforced"'
expect_event '.type == "http_service_request" and .policy.rule == "ask-echo" and .policy.effective_decision == "deny"'
expect_event '.type == "approval_resolved" and .fields.reason == "timeout"'

# a key in it is refused before anybody is asked
in_agent "$curl -d '{}' \"\$HUB_API_URL/echo?q=$(fake_aws)\""
expect_out 403
none_pending || fail "asked about what is refused anyway"

# the command ends: so does its question
forget
request "$curl -d '{}' \$HUB_API_URL/echo & echo \$! >pid; wait"
eventually test -s "$WS/pid" || fail "no client"
kill "$(cat "$WS/pid")"
wait $BG
eventually none_pending || fail "a question without an asker"

# the policy changes while it waits: what it says then counts
request "$curl -d '{}' \$HUB_API_URL/echo"
write_policy deny >"$T/policies/default.yaml"
kill -HUP "$SERVER_PID"
# a request that is denied now says that the proxy has the new policy
denied() {
	in_agent "$curl -d '{}' \$HUB_API_URL/echo"
	grep -q '^403$' "$T/out"
}
eventually denied || fail "the policy does not change"
answer approve
grep -q '^403$' "$T/answer" || fail "by the old policy: $(cat "$T/answer")"
write_policy approve >"$T/policies/default.yaml"
kill -HUP "$SERVER_PID"

# the proxy dies: nobody is left to be told, and the next one asks anew
request "$curl -d '{}' \$HUB_API_URL/echo"
kill_proxy "$(pgrep -P "$SERVER_PID" -f agentsh-netproxy)"
eventually none_pending || fail "a dead proxy's question"
wait $BG
! grep -q '^200$' "$T/answer" || fail "went on without a proxy"
in_agent true
request "$curl -d '{}' \$HUB_API_URL/echo"
answer approve
grep -q '^200$' "$T/answer" || fail "after a restart: $(cat "$T/answer")"
[ "$(wc -l <"$LLM/seen")" = 1 ] || fail "more went out: $(jq -r .path "$LLM/seen")"

# nobody can be asked where approvals are off: as for commands, it goes and is on record
kill "$SERVER_PID"
wait "$SERVER_PID" 2>/dev/null
sed -i '/^approvals:/,+1s/enabled: true/enabled: false/' "$T/config.yaml"
start_server
in_agent "$curl -d '{}' \$HUB_API_URL/echo"
expect_out 200
expect_event '.type == "http_service_request" and .policy.rule == "ask-echo" and .policy.approval.mode == "shadow"'

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Language models through the session's proxy, with curl as the client.
. "$(dirname "$0")/../lib/case.sh"
. "$(dirname "$0")/lib.sh"

start_fake
llm_config
start_server

# variables
in_agent 'echo "$ANTHROPIC_BASE_URL|$OPENAI_BASE_URL|$MINE_BASE_URL"'
expect_status 0
grep -Eq '^http://127.0.0.1:([0-9]+)\|http://127.0.0.1:\1\|http://127.0.0.1:\1/llm/mine$' \
	"$T/out" || fail "variables"

# a plain request
post='curl -sS -w "\n%{http_code}\n" -H content-type:application/json'
in_agent "$post -H 'x-api-key: k' -H 'anthropic-version: 1' \
	\$ANTHROPIC_BASE_URL/v1/messages?beta=true -d '{\"model\":\"m\"}'"
expect_status 0
expect_out 'Hello world'
expect_out 200
[ "$(seen .path)" = "/v1/messages?beta=true" ] || fail "path $(seen .path)"
[ "$(seen .text)" = '{"model":"m"}' ] || fail "body $(seen .text)"
[ "$(seen '.headers["x-api-key"]')" = k ] || fail "key"
[ "$(seen .headers.host)" = "${FAKE#https://}" ] || fail "host $(seen .headers.host)"

# OpenAI: with and without the version in the path, a provider with a base
in_agent "$post -H 'Authorization: Bearer sk-x' \$OPENAI_BASE_URL/chat/completions -d '{}'"
expect_out 'Hello world'
[ "$(seen .path)" = /v1/chat/completions ] || fail "path $(seen .path)"
in_agent "$post -H 'Authorization: Bearer sk-x' \$OPENAI_BASE_URL/v1/chat/completions -d '{}'"
[ "$(seen .path)" = /v1/chat/completions ] || fail "path $(seen .path)"
in_agent "$post \$MINE_BASE_URL/v1/chat/completions -d '{}'"
expect_out 'Hello world'
[ "$(seen .path)" = /base/v1/chat/completions ] || fail "path $(seen .path)"

# nobody's dialect
in_agent "$post \$ANTHROPIC_BASE_URL/v1/x -d '{}'"
expect_out 400
expect_out 'unknown LLM dialect'

# the certificate is for another name
in_agent "$post -H 'x-api-key: k' \$BAD_BASE_URL/v1/messages -d '{}'"
expect_out 502
expect_out 'TLS: '

# websocket: at once, and what clients fall back from
in_agent "curl -sS -o /dev/null -w '%{http_code}' -H 'x-api-key: k' -H 'Connection: Upgrade' \
	-H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: eA==' \
	\$OPENAI_BASE_URL/responses"
expect_out 426

# events arrive one by one, not at the end
forget
in_agent "curl -sSN -H 'x-api-key: k' -H 'x-fake: slow' -H content-type:application/json \
	\$ANTHROPIC_BASE_URL/v1/messages -d '{\"stream\":true}' |
	while IFS= read -r line; do
		case \$line in event:*) n=\$((n + 1)); echo \$n >ack; echo \"\$line\";; esac
	done"
expect_status 0
expect_out 'event: message_stop'
[ "$(grep -c ^event: "$T/out")" = 9 ] || fail "events were lost"
[ ! -e "$LLM/held" ] || fail "events came in one heap"

# a connection is used again
forget
in_agent "for i in 1 2 3; do $post -H 'x-api-key: k' \$ANTHROPIC_BASE_URL/v1/messages -d '{}'; done"
[ "$(jq -r .connection "$LLM/seen" | sort -u | wc -l)" = 1 ] || fail "not pooled"

# errors of the host are the host's
in_agent "$post -H 'x-api-key: k' -H 'x-fake: overloaded' \$ANTHROPIC_BASE_URL/v1/messages -d '{}'"
expect_out overloaded_error
expect_out 529
# it ends before it has begun; and in the middle
in_agent "$post -H 'x-api-key: k' -H 'x-fake: reset-early' \$ANTHROPIC_BASE_URL/v1/messages -d '{}'"
expect_out 502
in_agent "curl -sSN -H 'x-api-key: k' -H 'x-fake: reset' \
	\$ANTHROPIC_BASE_URL/v1/messages -d '{\"stream\":true}'; echo \"curl \$?\""
expect_out content_block_start
expect_no_out message_stop
grep -Eq '^curl (18|56)' "$T/out" || fail "a broken stream passed for whole"
# an answer without length
in_agent "$post -H 'x-api-key: k' -H 'x-fake: close' \$ANTHROPIC_BASE_URL/v1/messages -d '{}'"
expect_out 'until the end'

# status and logs
run agentsh proxy status s
expect_status 0
expect_out 'Proxy: running on 127.0.0.1:'
expect_out 'DLP: redact ('
grep -Eq '^Requests: 1[0-9] \(0 with redactions\)' "$T/out" || fail "requests"
grep -Eq '^Tokens: [1-9][0-9]* in / [1-9][0-9]* out' "$T/out" || fail "tokens"
log=$T/data/sessions/s/llm-requests.jsonl
[ "$(stat -c %a "$log")" = 600 ] || fail "mode of the log"
jq -se 'any(.[]; .request.headers["x-api-key"] == "[REDACTED]")' "$log" >/dev/null ||
	fail "the key is not masked in the log"
jq -se 'any(.[]; .usage.input_tokens == 21 and .usage.output_tokens == 11 and
	.usage.cache_read_input_tokens == 7 and .usage.cache_creation_input_tokens == 5 and
	.usage.cache_creation_5m_input_tokens == 2)' "$log" >/dev/null || fail "usage, Anthropic"
jq -se 'any(.[]; .usage.input_tokens == 20 and .usage.output_tokens == 9 and
	.usage.cache_read_input_tokens == 10)' "$log" >/dev/null || fail "usage, OpenAI"
run agentsh session logs s --type=llm
expect_status 0
grep -Eq '^req_[0-9a-f]{8} .* anthropic +/v1/messages\?beta=true +200 +[0-9.]+s +21→11 tokens' \
	"$T/out" || fail "session logs"
expect_event '.type == "llm_proxy_started"'
expect_event '.type == "llm_request" and .fields.dialect == "openai"'
expect_event '.type == "llm_response" and .fields.input_tokens == 21'

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What is replaced in requests, what is not touched, in every coding; budgets.
. "$(dirname "$0")/../lib/case.sh"
. "$(dirname "$0")/lib.sh"

start_fake
llm_config "  budget:
    max_requests: 40
    max_tokens: 100000" "dlp:
  mode: redact
  custom_patterns:
    - name: ticket
      display: TICKET
      regex: 'TICKET-[0-9]{6}'"
start_server
cp "$SRC/tests/cases/llm/redact.py" "$WS/"
in_session python3 redact.py "$(fake_aws)" "$(fake_github)"
expect_status 0
jq -r '.body' "$LLM/seen" >"$T/bodies"
python3 "$SRC/tests/cases/llm/redact.py" --check "$(fake_aws)" "$(fake_github)" \
	<"$LLM/seen" || fail "what arrived"
! grep -qF "$(fake_aws)" "$T/data/sessions/s/llm-requests.jsonl" ||
	fail "a secret is in the log"
expect_event '.type == "llm_request" and .fields.redactions > 0'

# what is longer than a client sends without asking first
printf '{"a":"%0*d %s"}' 1500000 0 "$(fake_aws)" >"$WS/large.json"
in_agent 'curl -sS -o /dev/null -w "%{http_code}\n" -H "x-api-key: k" -H x-fake:echo \
	-H content-type:application/json -H "Expect: 100-continue" \
	$ANTHROPIC_BASE_URL/v1/messages -d @large.json'
expect_out 200
seen .text | grep -q 'REDACTED' || fail "a large body came through"
[ "$(seen .headers.expect)" = null ] || fail "Expect went on"

# the budget: 40 requests and no more
in_agent 'for i in $(seq 45); do curl -sS -o /dev/null -w "%{http_code}\n" -H "x-api-key: k" \
	$ANTHROPIC_BASE_URL/v1/messages -d "{}"; done | sort | uniq -c'
expect_status 0
grep -Eq '^ *[1-9][0-9]* 429$' "$T/out" || fail "no end to the budget"
[ "$(wc -l <"$LLM/seen")" = 40 ] || fail "$(wc -l <"$LLM/seen") requests went out"
in_agent 'curl -sS -H "x-api-key: k" $ANTHROPIC_BASE_URL/v1/messages -d "{}"'
expect_out rate_limit_error
expect_out 'request budget'
# a proxy that is started again knows what was used
pid=$(pgrep -P "$SERVER_PID" -f agentsh-netproxy) || fail "no proxy"
kill_proxy "$pid"
in_agent 'true'
in_agent 'curl -sS -H "x-api-key: k" $ANTHROPIC_BASE_URL/v1/messages -d "{}"'
expect_out 'request budget'

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The token budget of a session.
. "$(dirname "$0")/../lib/case.sh"
. "$(dirname "$0")/lib.sh"

start_fake
llm_config "  budget:
    max_tokens: 100"
start_server
# 44 tokens each: the third goes over, the fourth is refused
in_agent 'for i in 1 2 3 4; do curl -sS -o /dev/null -w "%{http_code} " -H "x-api-key: k" \
	$ANTHROPIC_BASE_URL/v1/messages -d "{\"stream\":true}"; done'
expect_out '200 200 200 429'
in_agent 'curl -sS -H "Authorization: Bearer sk-x" $OPENAI_BASE_URL/responses -d "{}"'
expect_out insufficient_quota
expect_out 'token budget'
[ "$(wc -l <"$LLM/seen")" = 3 ] || fail "$(wc -l <"$LLM/seen") requests went out"

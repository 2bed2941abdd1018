#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# proxy.scrub_responses: what models answer is looked at too.
. "$(dirname "$0")/../lib/case.sh"
. "$(dirname "$0")/lib.sh"

start_fake
llm_config "  scrub_responses: true" "sandbox:
  require: [secrets]"
start_server
curl="curl -sSN -w '\n%{http_code}\n' -H 'x-api-key: k'"
# whole, a byte at a time, in a stream of events
in_agent "$curl -H 'x-note: $(fake_aws)' -H x-fake:fields \$ANTHROPIC_BASE_URL/v1/messages -d '{}'"
expect_out 200
expect_out REDACTED
expect_no_out "$(fake_aws)"
in_agent "$curl -H 'Authorization: x $(fake_github) y' -H x-fake:split \$ANTHROPIC_BASE_URL/v1/messages -d '{}'"
expect_out 'x [REDACTED'
expect_out ' y'
expect_no_out "$(fake_github)"
in_agent "$curl \$ANTHROPIC_BASE_URL/v1/messages -d '{\"stream\":true}'"
expect_out 'event: message_stop'
# nine, and one more for the last word, which may have gone on
[ "$(grep -c ^event: "$T/out")" = 10 ] || fail "events were lost"
# what is not waited for is not held back
in_agent "$curl -H 'x-fake: slow1' \$ANTHROPIC_BASE_URL/v1/messages -d '{\"stream\":true}' |
	while IFS= read -r line; do
		case \$line in event:*) n=\$((n + 1)); echo \$n >ack; echo \"\$line\";; esac
	done"
[ "$(grep -c ^event: "$T/out")" = 10 ] || fail "events were lost"
[ ! -e "$LLM/held" ] || fail "events were held back"
# compressed though we asked for plain: not passed on unread
in_agent "$curl -H 'x-fake: gzip' \$ANTHROPIC_BASE_URL/v1/messages -d '{}'"
expect_out 502
run agentsh proxy status s
grep -Eq '^Tokens: [1-9]' "$T/out" || fail "tokens are not counted in scrubbed answers"
# the guarantee that was required is on record
expect_event '.type == "session_protection" and any(.fields.layers[]; .name == "dlp" and .active)'

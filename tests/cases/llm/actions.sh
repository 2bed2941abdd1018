#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Actions by type, secrets in URLs and header fields, limits by the minute,
# bodies that are kept, the port that was asked for.
. "$(dirname "$0")/../lib/case.sh"
. "$(dirname "$0")/lib.sh"

start_fake
port=$(python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
llm_config "  port: $port
  rate_limits:
    enabled: true
    requests_per_minute: 2
    request_burst: 12" "dlp:
  mode: redact
  actions:
    github_token: block
    email: log
    ssn: disabled
    aws_access_key: tokenize
    ticket: block
  custom_patterns:
    - name: ticket
      display: TICKET
      regex: 'TICKET-[0-9]{6}'
llm_storage:
  store_bodies: true
  retention: {max_age_days: 30}"
# of an earlier session: too old, and not
mkdir -p "$T/data/sessions/before/llm-bodies"
for name in old young; do
	echo "{}" >"$T/data/sessions/before/llm-bodies/$name.request"
done
touch -d '-31 days' "$T/data/sessions/before/llm-bodies/old.request"
touch -d '-29 days' "$T/data/sessions/before/llm-bodies/young.request"
start_server
aws=$(fake_aws)
hub=$(fake_github)
mail="jane.doe@""mail.example.org"
ask='curl -sS -w "\n%{http_code}\n" -H "x-api-key: k" -H x-fake:echo'

in_agent 'echo "$ANTHROPIC_BASE_URL"'
expect_out "http://127.0.0.1:$port"

# what blocks is named, and nothing goes out
forget
in_agent "$ask \$ANTHROPIC_BASE_URL/v1/messages -d '{\"a\":\"$hub\"}'"
expect_out 403
expect_out 'holds github_token'
in_agent "$ask \$ANTHROPIC_BASE_URL/v1/messages -d '{\"a\":\"TICKET-123456\"}'"
expect_out 'holds ticket'
[ ! -s "$LLM/seen" ] || fail "went out"
# logged, left, made a token
in_agent "$ask \$ANTHROPIC_BASE_URL/v1/messages -d '{\"a\":\"$mail 219-09-9999 $aws\"}'"
expect_out 200
seen .text | grep -qF "$mail 219-09-9999 TOK_" || fail "$(seen .text)"
expect_event '.type == "llm_request" and .fields.redactions == 1'
grep -q '"redactions":\[.*"type":"email"' "$T/data/sessions/s/llm-requests.jsonl" ||
	fail "email is not logged"

# the URL and fields, but not what the client proves itself with
key=AIza$(printf 'Sy%s' "D3fG7hJ9kL2mN4pQ6rS8tV1wX3yZ5aB7c")
in_agent "$ask -H 'X-Note: see $aws' -H \"x-goog-api-key: $key\" \
	\"\$ANTHROPIC_BASE_URL/v1/messages?key=$key&q=$aws\" -d '{}'"
expect_out 200
[ "$(seen .headers['"x-goog-api-key"'])" = "$key" ] || fail "the client's key: $(seen .headers)"
seen .headers['"x-note"'] | grep -q '^see TOK_' || fail "field: $(seen .headers)"
seen .path | grep -Eq "^/v1/messages\?key=$key&q=TOK_[0-9a-f]{16}$" || fail "URL: $(seen .path)"
in_agent "$ask \"\$ANTHROPIC_BASE_URL/v1/messages/$hub\" -d '{}'"
expect_out 'holds github_token'

# what is older than it may be went with the first body that was kept
[ ! -e "$T/data/sessions/before/llm-bodies/old.request" ] || fail "kept for too long"
[ -e "$T/data/sessions/before/llm-bodies/young.request" ] || fail "not kept for long enough"

# bodies are kept as they were sent; nothing else of them is anywhere
ls "$T/data/sessions/s/llm-bodies/"*.request >/dev/null || fail "no requests are kept"
ls "$T/data/sessions/s/llm-bodies/"*.response >/dev/null || fail "no answers are kept"
! grep -rqF -e "$hub" -e "$aws" "$T/data" "$T/server.log" || fail "a secret is on disk"
! grep -qF "$mail" "$T/data/sessions/s/llm-requests.jsonl" || fail "mail in the log"

# more than may be asked at once
in_agent 'for i in $(seq 15); do curl -sS -o /dev/null -D - -H "x-api-key: k" \
	$ANTHROPIC_BASE_URL/v1/messages -d "{}" | grep -Ei "^(HTTP|retry|x-should)"; done'
expect_out 'HTTP/1.1 429'
grep -Eqi '^retry-after: [1-9]' "$T/out" || fail "no Retry-After"
expect_out 'X-Should-Retry: true'

# another session has another port
run agentsh session create --workspace "$WS" --id s2
run agentsh exec s2 -- sh -c 'echo "$ANTHROPIC_BASE_URL"'
grep -Eq '^http://127.0.0.1:[0-9]+$' "$T/out" || fail "no proxy for the second session"
expect_no_out ":$port"

# what cannot be is said at start
printf 'dlp:\n  actions:\n    no_such_type: block\n' >"$T/bad.yaml"
run agentsh server --config "$T/bad.yaml"
expect_status 1
expect_err 'no type no_such_type'

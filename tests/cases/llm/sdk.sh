#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The official npm clients of Anthropic and OpenAI inside a governed session.
. "$(dirname "$0")/../lib/case.sh"
. "$(dirname "$0")/lib.sh"

command -v node >/dev/null || skip "node is not installed"
command -v npm >/dev/null || skip "npm is not installed"
mkdir -p "$T/npm"
# a container without a network has them brought along
if [ -n "${AGENTSH_CONTAINER:-}" ]; then
	cp -r /opt/sdk/node_modules "$T/npm/" 2>/dev/null ||
		skip "no network in the container, and no packages in /opt/sdk"
fi
[ -d "$T/npm/node_modules" ] || (cd "$T/npm" && timeout 90 npm install --no-audit --no-fund --loglevel=error \
	@anthropic-ai/sdk openai >"$T/npm.log" 2>&1) ||
	skip "npm cannot install @anthropic-ai/sdk and openai here"
mv "$T/npm/node_modules" "$WS/"
cp "$SRC/tests/cases/llm/sdk.mjs" "$WS/"

start_fake
llm_config
start_server
secret=$(fake_github)
in_session node sdk.mjs "$secret"
expect_status 0
for step in 'anthropic' 'anthropic stream' 'anthropic errors' 'anthropic abort' \
	'openai chat' 'openai chat stream' 'openai responses' 'openai errors' parallel; do
	expect_out "ok $step"
done

# the secret reached nobody, and what stands in its place did
jq -r '.body | @base64d' "$LLM/seen" >"$T/bodies"
! grep -qF "$secret" "$T/bodies" || fail "the secret went out"
[ "$(grep -c 'my key is \[REDACTED:[^"]*\], ok?' "$T/bodies")" -gt 25 ] ||
	fail "nothing stands in its place"
! grep -rqF "$secret" "$T/data/sessions/s/llm-requests.jsonl" || fail "the secret is in the log"
run agentsh proxy status s
grep -Eq '^Requests: 3[0-9] \(3[0-9] with redactions\)' "$T/out" || fail "status"
run agentsh session logs s --type=llm
grep -Eq 'anthropic +/v1/messages +200 .* 21→11 tokens +\[1 redactions\]' "$T/out" ||
	fail "session logs"
grep -Eq 'openai +/v1/responses +200 .* 25→12 tokens' "$T/out" || fail "session logs"

# answers looked at as well: a secret over many events, as the clients put it together
kill "$SERVER_PID"
wait "$SERVER_PID"
rm "$T/config.yaml"
jq -cn --arg t "use $secret here" '[$t | scan("..?.?")]' >"$LLM/words"
touch "$LLM/tools"
llm_config "  scrub_responses: true"
start_server
cp "$SRC/tests/cases/llm/sdk_deltas.mjs" "$WS/"
in_session node sdk_deltas.mjs
expect_status 0
[ "$(grep -c 'use \[REDACTED:[a-z_]*\] here' "$T/out")" = 5 ] || fail "what the clients put together"
expect_no_out "$secret"

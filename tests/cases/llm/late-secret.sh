#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The proxy reads secrets before it listens and may not afterwards: a reload that
# brings a new one starts a new proxy, on the same port, while a command runs.
. "$(dirname "$0")/../lib/case.sh"
. "$(dirname "$0")/lib.sh"

start_fake
secret=sk-$(printf 'proj-%s' "9fQ2xT7vLm4Kp8Zr3Wb6Yc1N")
printf '%s\n' "$secret" >"$T/secret"
chmod 600 "$T/secret"
cp "$SRC/data/policies/default.yaml" "$T/policy.yaml"
cat >>"$T/policy.yaml" <<-YAML
http_services:
  - name: plain
    upstream: $FAKE
YAML
POLICY_FILE=$T/policy.yaml
llm_config
start_server
in_session sh -c 'echo $HTTP_PROXY'
proxy=$(cat "$T/out")

in_session sh -c "curl -sS $proxy/svc/plain/v1/responses -d '{}'"
expect_out 'Hello world'
# a command that runs meanwhile goes on, and finds the new proxy at the old port
agentsh exec --root="$WS" s -- sh -c "touch up; while [ ! -e go ]; do sleep 0.05; done
	curl -sS $proxy/svc/keyed/v1/responses -d '{}'" >"$T/bg" 2>&1 &
BG=$!
up() { [ -e "$WS/up" ]; }
eventually up || fail "the command does not start"
cat "$T/policy.yaml" - >"$T/next.yaml" <<-YAML
  - name: keyed
    upstream: $FAKE
    secret: {ref: "file:$T/secret"}
    inject: {header: {name: x-key, template: "Key {{secret}}"}}
YAML
mv "$T/next.yaml" "$T/policies/default.yaml"
again() {
	agentsh events query --session s --limit 1000 >"$T/events.json" &&
		jq -e '[.[] | select(.type == "net_proxy_started")] | length == 2' \
			"$T/events.json" >/dev/null
}
eventually again || fail "no new proxy"
touch "$WS/go"
wait $BG
cp "$T/bg" "$T/out"
expect_out 'Hello world'
[ "$(seen '.headers["x-key"]')" = "Key $secret" ] || fail "not injected: $(seen '.headers["x-key"]')"
expect_no_out "$secret"
in_session sh -c 'echo $HTTP_PROXY'
[ "$(cat "$T/out")" = "$proxy" ] || fail "another port"
! jq -e 'any(.[]; .type == "net_proxy_failed")' "$T/events.json" >/dev/null ||
	fail "it counts as a failure"

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# http_services: rules by method and path, phantoms for secrets.
. "$(dirname "$0")/../lib/case.sh"
. "$(dirname "$0")/lib.sh"

start_fake
token=$(fake_github)
export AGENTSH_TEST_SECRET=$token
secret2=sk-$(printf 'proj-%s' "9fQ2xT7vLm4Kp8Zr3Wb6Yc1N")
printf '%s\n' "$secret2" >"$T/secret"
chmod 600 "$T/secret"
printf '#!/bin/sh\nprintf "from-command-%%s" "$1"\n' >"$T/helper"
chmod 755 "$T/helper"
sed 's/^network_rules:/&\n  - {name: tests, domains: ["*.test"], decision: allow}/' \
	"$SRC/data/policies/default.yaml" >"$T/policy.yaml"
cat >>"$T/policy.yaml" <<-YAML
http_services:
  - name: hub
    upstream: $FAKE/api
    secret: {ref: "env:AGENTSH_TEST_SECRET", env: HUB_TOKEN, places: [header, query, body]}
    rules:
      - {name: read, methods: [GET, HEAD], paths: ["/repos/**"], decision: allow}
      - {name: no-secrets, methods: ["*"], paths: ["/repos/*/secrets"], decision: deny, message: "not these"}
      - {name: issues, methods: [POST], paths: ["/repos/*/issues", "/repos/*/echo"], decision: allow}
  - name: keyed
    upstream: $FAKE
    expose_as: KEYED_URL
    secret: {ref: "file:$T/secret"}
    inject: {header: {name: x-key, template: "Key {{secret}}"}}
  - name: cmd
    upstream: $FAKE
    secret: {ref: "command:$T/helper 123", format: "tok_{rand:24}"}
  - name: lost
    upstream: $FAKE
    secret: {ref: "file:$T/nothing"}
  - name: open
    upstream: https://open.test
    default: deny
YAML
POLICY_FILE=$T/policy.yaml
llm_config
start_server

# the environment: addresses and phantoms, and no secret
in_agent 'env; echo "hub=$HUB_API_URL keyed=$KEYED_URL"'
grep -Eq 'hub=http://127.0.0.1:[0-9]+/svc/hub keyed=http://127.0.0.1:[0-9]+/svc/keyed$' "$T/out" ||
	fail "addresses"
grep -Eq '^HUB_TOKEN=ghp_[A-Za-z0-9]{36}$' "$T/out" || fail "no phantom of the token's shape"
grep -Eq '^CMD_API_KEY=tok_[A-Za-z0-9]{24}$' "$T/out" || fail "no phantom by format"
! grep -q '^KEYED_' "$T/out" || ! grep -q KEYED_API_KEY "$T/out" || fail "a phantom nobody needs"
expect_no_out "$token"
expect_no_out "$secret2"
phantom=$(sed -n 's/^HUB_TOKEN=//p' "$T/out")

curl='curl -sS -w "\n%{http_code}\n"'
# exchanged in header, Basic, query and body; scrubbed from the answer
in_agent "$curl -H \"Authorization: token \$HUB_TOKEN\" -H x-fake:fields -i \$HUB_API_URL/repos/a"
expect_out 200
[ "$(seen .headers.authorization)" = "token $token" ] || fail "not exchanged: $(seen .headers.authorization)"
[ "$(seen .path)" = /api/repos/a ] || fail "path"
expect_no_out "$token"
expect_out "X-Seen: token $phantom"
in_agent "$curl -H \"Authorization: token \$HUB_TOKEN\" -H x-fake:split \$HUB_API_URL/repos/a"
expect_out "token $phantom"
expect_no_out "$token"
in_agent "$curl -u \"x:\$HUB_TOKEN\" \$HUB_API_URL/repos/a"
[ "$(seen .headers.authorization)" = "Basic $(printf 'x:%s' "$token" | base64 -w0)" ] || fail "Basic"
in_agent "$curl \"\$HUB_API_URL/repos/a?x=1&token=\$HUB_TOKEN\""
[ "$(seen .path)" = "/api/repos/a?x=1&token=$token" ] || fail "query $(seen .path)"
in_agent "$curl -d \"{\\\"t\\\":\\\"\$HUB_TOKEN\\\"}\" \$HUB_API_URL/repos/a/echo"
[ "$(seen .text)" = "{\"t\":\"$token\"}" ] || fail "body $(seen .text)"
expect_out "$phantom"
expect_no_out "$token"
# without a credential it goes as it is: the first request of a handshake
in_agent "$curl \$HUB_API_URL/repos/a"
[ "$(seen '.headers.authorization // "none"')" = none ] || fail "made one up"

# injected, and from a command
in_agent "$curl -H 'x-key: mine' \$KEYED_URL/v1/responses -d '{}'"
expect_out 403
in_agent "$curl \$KEYED_URL/v1/responses -d '{}'"
expect_out 'Hello world'
[ "$(seen '.headers["x-key"]')" = "Key $secret2" ] || fail "not injected"
in_agent "$curl -H \"Authorization: Bearer \$CMD_API_KEY\" \$CMD_API_URL/v1/responses -d '{}'"
[ "$(seen .headers.authorization)" = "Bearer from-command-123" ] || fail "command: $(seen .headers.authorization)"
in_agent "$curl \$LOST_API_URL/v1/responses -d '{}'"
expect_out 502
expect_out 'not there'

# someone else's credential
forget
other=$(printf 'ghp%s' "_b7Lr3AyW8nO5cS0uZx4MqIt7EdKg2Vh1RfUj")
for try in "-H 'Authorization: Bearer $other'" "-H 'X-Api-Key: k'" "-u a:b" \
	"-H 'Private-Token: $other'" "-H 'Cookie: s=1'"; do
	in_agent "$curl $try \$HUB_API_URL/repos/a"
	expect_out 403
	expect_out 'not the session'
done
in_agent "$curl \"\$HUB_API_URL/repos/a?access_token=$other\""
expect_out 403

# a key of somebody's in the URL or a field
for try in "\$HUB_API_URL/repos/$(fake_aws)" "\"\$HUB_API_URL/repos/a?q=$(fake_aws)\"" \
	"-H 'X-Note: $(fake_aws)' \$HUB_API_URL/repos/a"; do
	in_agent "$curl $try"
	expect_out 403
	expect_out 'holds'
done

# methods and paths
for try in "-X DELETE \$HUB_API_URL/repos/a" "\$HUB_API_URL/user" "-d x \$HUB_API_URL/repos/a" \
	"--path-as-is \$HUB_API_URL/repos/../user" "\$HUB_API_URL/repos/a%2fsecrets" \
	"\$HUB_API_URL/repos/%2e%2e/user" "--path-as-is \$HUB_API_URL//repos/a" \
	"\$HUB_API_URL/repos/a%252e" "--path-as-is \"\$HUB_API_URL/repos\\\\..\\\\user\"" \
	"-d x \$HUB_API_URL/repos/a/secrets" "\$OPEN_API_URL/x"; do
	in_agent "$curl $try"
	grep -Eq '^40[03]$' "$T/out" || fail "let through: $try"
done
in_agent "$curl -d x \$HUB_API_URL/repos/a/secrets"
expect_out 'rule=no-secrets'
expect_out 'not these'
in_agent "$curl \$HUB_API_URL/repos/%61"
expect_out 404 # the service's own: it was let through
in_agent "$curl \${HUB_API_URL%hub}nobody/x"
expect_out 404
[ "$(wc -l <"$LLM/seen")" = 1 ] || fail "refused requests went out: $(jq -r .path "$LLM/seen")"

# past the service: the host is declared, so this is the only way
in_agent "$curl --noproxy '' -x \$HTTPS_PROXY https://open.test/x"
expect_out 000
in_agent "$curl -x \$HTTP_PROXY http://open.test/x"
expect_out http_service_declared_fail_closed
expect_out OPEN_API_URL

# nowhere to be read: the proxy's memory and environment, logs, events
pid=$(pgrep -P "$SERVER_PID" -f agentsh-netproxy) || fail "no proxy"
! tr '\0' '\n' <"/proc/$pid/environ" | grep -qF "$token" || fail "in the proxy's environment"
in_agent "cat /proc/$pid/environ /proc/$pid/maps /proc/$SERVER_PID/environ"
expect_no_out "$token"
grep -q '^VmLck:.*[1-9][0-9]* kB' "/proc/$pid/status" || echo "note: memory could not be locked"
# (root without CAP_SYS_PTRACE is shut out of it, which is better still)
if [ "$(id -u)" = 0 ] && head -c 1 "/proc/$pid/smaps" >/dev/null 2>&1; then
	grep -q 'dd' <(sed -n '/VmFlags/p' "/proc/$pid/smaps") || fail "nothing is left out of dumps"
fi
! grep -rqF -e "$token" -e "$secret2" "$T/data" "$T/server.log" || fail "a secret is on disk"
agentsh events query --session s --limit 5000 >"$T/events.json"
! grep -qF -e "$token" -e "$secret2" "$T/events.json" || fail "a secret is in an event"
expect_event '.type == "http_service_request" and .policy.rule == "no-secrets" and .policy.effective_decision == "deny"'
expect_event '.type == "http_service_request" and .policy.rule == "read" and .fields.service == "hub"'
run agentsh session logs s --type=llm
expect_out hub

# a proxy that is started again knows the same phantoms
kill_proxy "$pid"
in_agent "true"
in_agent "$curl -H \"Authorization: token $phantom\" \$HUB_API_URL/repos/a; echo \"same=\$HUB_TOKEN\""
expect_out "same=$phantom"
[ "$(seen .headers.authorization)" = "token $token" ] || fail "another phantom after a restart"

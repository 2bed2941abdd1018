#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# TLS opened by rule: a service that says "intercept", seen by usual clients.
. "$(dirname "$0")/../lib/case.sh"
. "$(dirname "$0")/lib.sh"

start_fake
port=${FAKE##*:}
token=$(fake_github)
export AGENTSH_TEST_SECRET=$token
sed "s/^network_rules:/&\\n  - {name: tests, cidrs: [\"127.0.0.0\\/8\"], decision: allow}/" \
	"$SRC/data/policies/default.yaml" >"$T/policy.yaml"
cat >>"$T/policy.yaml" <<-YAML
http_services:
  - name: hub
    upstream: $FAKE
    aliases: [localhost]
    intercept: true
    secret: {ref: "env:AGENTSH_TEST_SECRET", env: HUB_TOKEN}
    rules:
      - {name: read, methods: [GET], paths: ["/repos/**"], decision: allow}
      - {name: talk, methods: [POST], paths: ["/v1/responses", "/echo"], decision: allow}
YAML
POLICY_FILE=$T/policy.yaml
llm_config "" "sandbox:
  network:
    tls_inspection:
      enabled: true"
start_server

curl="curl -sS -w '\n%{http_code}\n' --noproxy '' -x \$HTTPS_PROXY"
# nothing but the variables: the client trusts, the rules judge
in_agent "$curl https://127.0.0.1:$port/v1/responses -d '{}'"
expect_out 'Hello world'
[ "$(seen .path)" = /v1/responses ] || fail "path"
in_agent "$curl -v https://127.0.0.1:$port/repos/a 2>&1"
expect_out 'agentsh session CA'
expect_out 404
in_agent "$curl -X DELETE https://127.0.0.1:$port/repos/a"
expect_out 403
expect_out 'blocked by policy: service hub'
# the other name of the host
in_agent "$curl https://localhost:$port/v1/responses -d '{}'"
expect_out 'Hello world'
# the phantom is exchanged, the secret scrubbed, a foreign credential refused
in_agent "$curl -H \"Authorization: Bearer \$HUB_TOKEN\" -H x-fake:fields https://127.0.0.1:$port/repos/a"
[ "$(seen .headers.authorization)" = "Bearer $token" ] || fail "not exchanged"
expect_no_out "$token"
in_agent "$curl -H 'Authorization: Bearer mine' https://127.0.0.1:$port/repos/a"
expect_out 403
# bodies are looked at
in_agent "$curl https://127.0.0.1:$port/echo -d '{\"a\":\"$(fake_aws)\"}'"
expect_out REDACTED
[ "$(seen .text | grep -c "$(fake_aws)")" = 0 ] || fail "a key went out"
# Host is not the host
forget
in_agent "$curl -H 'Host: other.test' https://127.0.0.1:$port/repos/a"
expect_out 421
# no TLS at all, and plain HTTP to the same place
in_agent "$curl http://127.0.0.1:$port/repos/a"
expect_out 403
in_agent "$curl -p http://127.0.0.1:$port/repos/a"
expect_no_out 404
# a client that knows no HTTP/1.1
in_agent "echo | openssl s_client -proxy \${HTTPS_PROXY#http://} -connect localhost:$port -alpn h2 2>&1 | grep -i alert"
expect_out 'no application protocol'
[ ! -s "$LLM/seen" ] || fail "went out: $(jq -r .path "$LLM/seen")"
# without the proxy variables
in_agent "curl -sS -w '\n%{http_code}\n' --noproxy '*' https://localhost:$port/v1/responses -d '{}'"
grep -q 'Hello world' "$T/out" && ! seen .path | grep -q /v1/responses && fail "went past the proxy"

# python and node find the CA by themselves
in_agent "no_proxy= NO_PROXY= python3 -c 'import urllib.request, os
o = urllib.request.build_opener(urllib.request.ProxyHandler({\"https\": os.environ[\"HTTPS_PROXY\"]}))
print(o.open(\"https://127.0.0.1:$port/v1/responses\", b\"{}\").status)'"
expect_out 200
# the CA is not the machine's, and its key nowhere
dir=$(ls -d "${TMPDIR:-/tmp}"/agentsh-trust-"$(id -u)"-s)
[ "$(grep -c 'BEGIN CERTIFICATE' "$dir/ca.pem")" = 1 ] || fail "ca.pem"
[ "$(grep -c 'BEGIN CERTIFICATE' "$dir/bundle.pem")" -gt 1 ] || echo "note: the system has no CAs"
! grep -rlqs 'PRIVATE KEY' "$dir" "$T/data" || fail "a key is on disk"
expect_event '.type == "http_service_request" and .policy.rule == "talk"'
run agentsh session destroy s
[ ! -e "$dir" ] || fail "trust is left behind"
# somebody was there before us: no TLS is opened, and nobody is asked to trust
mkdir "$dir" && chmod 777 "$dir"
in_agent "echo \"cert=\$SSL_CERT_FILE base=\$ANTHROPIC_BASE_URL\""
rmdir "$dir" 2>/dev/null || { ls "$dir"; fail "written into a foreign directory"; }
expect_out 'cert= base='

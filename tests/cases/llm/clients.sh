#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Usual clients through TLS that we open: each finds the CA by the variable it
# reads; answers are looked at as well; what wants HTTP/2 is told, and on record.
. "$(dirname "$0")/../lib/case.sh"
. "$(dirname "$0")/lib.sh"

start_fake
port=${FAKE##*:}
aws=$(fake_aws)
mkdir -p "$LLM/static/simple/demo" "$LLM/static/repo.git/info"
printf 'key %s\nmail jane.doe@%s\n' "$aws" "mail.example.org" >"$LLM/static/a.txt"
cp "$LLM/static/a.txt" "$LLM/static/a.bin"
printf '{"key":"%s"}' "$aws" >"$LLM/static/a.json"
printf '%040d\trefs/heads/main\n' 7 >"$LLM/static/repo.git/info/refs"
printf 'ref: refs/heads/main\n' >"$LLM/static/repo.git/HEAD"
printf '<html><body><a href="demo-1.0.tar.gz">demo-1.0.tar.gz</a></body></html>' \
	>"$LLM/static/simple/demo/index.html"
sed "s/^network_rules:/&\\n  - {name: tests, cidrs: [\"127.0.0.0\\/8\"], decision: allow}/" \
	"$SRC/data/policies/default.yaml" >"$T/policy.yaml"
cat >>"$T/policy.yaml" <<-YAML
http_services:
  - name: hub
    upstream: $FAKE
    aliases: [localhost]
    intercept: true
    rules:
      - {name: read, methods: [GET, HEAD], paths: ["/static/**"], decision: allow}
YAML
POLICY_FILE=$T/policy.yaml
llm_config "" "sandbox:
  network:
    tls_inspection:
      enabled: true"
start_server
url=https://127.0.0.1:$port/static

# keys do not come in by text, and files that are fetched stay what they are
in_agent "curl -sS --noproxy '' -x \$HTTPS_PROXY $url/a.txt"
expect_out 'key [REDACTED:aws_access_key]'
expect_out 'mail jane.doe@'
in_agent "curl -sS --noproxy '' -x \$HTTPS_PROXY $url/a.json"
expect_out '{"key":"[REDACTED:aws_access_key]"}'
in_agent "curl -sS --noproxy '' -x \$HTTPS_PROXY $url/a.bin"
expect_out "$aws"

# the clients, with nothing but their variables
n=0
in_agent "no_proxy= NO_PROXY= python3 -c 'import urllib.request
print(urllib.request.urlopen(\"$url/a.txt\").read().decode())'"
expect_out REDACTED
if command -v git >/dev/null; then
	in_agent "no_proxy= NO_PROXY= git ls-remote $url/repo.git"
	expect_out refs/heads/main
	n=$((n + 1))
fi
if command -v node >/dev/null; then
	# by a tunnel of its own: older ones read no proxy variables
	cat >"$WS/get.js" <<-'JS'
	const http = require('http'), tls = require('tls'), url = new URL(process.argv[2]);
	const proxy = new URL(process.env.HTTPS_PROXY);
	http.request({host: proxy.hostname, port: proxy.port, method: 'CONNECT',
	  path: url.host, headers: {host: url.host}}).on('connect', (res, socket) => {
	  const s = tls.connect({socket, host: url.hostname}, () => s.write(
	    `GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nConnection: close\r\n\r\n`));
	  s.pipe(process.stdout);
	  s.on('error', (e) => { console.error(e.message); process.exit(1); });
	}).end();
	JS
	in_agent "node get.js $url/a.txt"
	expect_out REDACTED
	n=$((n + 1))
fi
if python3 -m pip --version >/dev/null 2>&1; then
	in_agent "no_proxy= NO_PROXY= python3 -m pip download --no-cache-dir --retries 0 -d d \
		--no-deps --index-url $url/simple demo 2>&1"
	! grep -qi 'certificate' "$T/out" || fail "pip does not trust the session's CA"
	grep -q '"/static/simple/demo/"' "$LLM/seen" || fail "pip asked for nothing"
	n=$((n + 1))
fi
if command -v cargo >/dev/null && [ -n "${CARGO_HTTP_CAINFO-}" ]; then
	n=$((n + 1))
fi
in_agent 'echo "$CARGO_HTTP_CAINFO $PIP_CERT $GIT_SSL_CAINFO $NODE_EXTRA_CA_CERTS"'
[ "$(wc -w <"$T/out")" = 4 ] || fail "variables: $(cat "$T/out")"

# HTTP/2 only, as gRPC is: a clear end at once, and why on record
in_agent "echo | openssl s_client -proxy \${HTTPS_PROXY#http://} -connect localhost:$port -alpn h2 2>&1"
expect_out 'no application protocol'
expect_event '.type == "tls_intercept_failed" and (.fields.error | test("(?i)protocol"))'
# both offered: HTTP/1.1 it is
in_agent "curl -sS --http2 -o /dev/null -w '%{http_version}\n' --noproxy '' -x \$HTTPS_PROXY $url/a.bin"
expect_out 1.1
# a client that does not trust us is on record, too
in_agent "env -u SSL_CERT_FILE -u CURL_CA_BUNDLE curl -sS --capath /nonexistent --cacert /dev/null \
	--noproxy '' -x \$HTTPS_PROXY $url/a.bin"
expect_event '.type == "tls_intercept_failed" and (.fields.error | test("(?i)unknown|certificate|closed|eof"))'

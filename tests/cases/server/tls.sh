#!/bin/bash
# SPDX-License-Identifier: MIT
# tls.sh - server.tls: the HTTP API over TLS, with client certificates if they
# are asked for, a certificate that is renewed, and callers known all the same
. "$(dirname "$0")/../lib/case.sh"
command -v openssl >/dev/null || skip "no openssl(1)"

mkdir "$T/pki"
cd "$T/pki" || exit 1
make_ca() { # NAME
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$1.key" -out "$1.pem" -days 2 -subj "/CN=$1" 2>/dev/null ||
		fail "no CA"
}
make_leaf() { # NAME CA SUBJECT
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$1.key" -out "$1.csr" -subj "/CN=$3" 2>/dev/null
	openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" \
		-CAcreateserial -out "$1.pem" -days 2 -extfile <(
		echo "subjectAltName=DNS:localhost,IP:127.0.0.1"
	) 2>/dev/null || fail "no certificate"
	chmod 600 "$1.key"
}
make_ca ca
make_ca strangers
make_leaf server ca first
make_leaf client ca somebody
make_leaf intruder strangers nobody

PORT=$(free_port)
BASE=https://127.0.0.1:$PORT
configure() { # KEYS: of server.tls
	write_config
	sed -i "s|^server:|server:\n  tls: {$1}|" "$T/config.yaml"
}
# refused TEXT: the server does not start, and says why
refused() {
	run timeout 60 "$AGENTSH_BUILD/cli/agentsh" server --config "$T/config.yaml"
	expect_status 1
	expect_err "$1"
}
up() {
	: >"$T/server.log" # not what the last one said
	"$AGENTSH_BUILD/cli/agentsh" server --config "$T/config.yaml" \
		>"$T/server.log" 2>&1 </dev/null &
	SERVER_PID=$!
	eventually grep -q listening "$T/server.log" || fail "server not up"
}
down() {
	kill "$SERVER_PID"
	wait "$SERVER_PID"
	SERVER_PID=
}
get() { run curl -sS --max-time 60 --cacert "$T/pki/ca.pem" "$@"; }

# ---- what cannot work is said at start
configure "enabled: true"
refused "needs cert_file and key_file"
configure "enabled: true, cert_file: $T/none.pem, key_file: $T/pki/server.key"
refused "$T/none.pem: no certificate in PEM form"
configure "enabled: true, cert_file: $T/pki/server.pem, key_file: $T/pki/client.key"
refused "$T/pki/client.key: "
chmod 644 "$T/pki/client.key"
refused "others may read or write it"
chmod 600 "$T/pki/client.key"

# ---- TLS, and nothing else
configure "enabled: true, cert_file: $T/pki/server.pem, key_file: $T/pki/server.key"
run agentsh config validate --path "$T/config.yaml"
expect_status 0
up
get "$BASE/health"
expect_status 0
expect_out ok
run curl -sS --max-time 60 "$BASE/health" # who is not trusted
[ "$STATUS" = 60 ] || fail "verified without its CA"
run curl -sS --max-time 60 "http://127.0.0.1:$PORT/health"
[ "$STATUS" != 0 ] || fail "plain HTTP is answered"
get --tls-max 1.1 "$BASE/health"
[ "$STATUS" != 0 ] || fail "TLS 1.1 is spoken"
get -X POST -d "{\"id\":\"s\",\"workspace\":\"$WS\"}" "$BASE/api/v1/sessions"
expect_out '"id":"s"'
get -X POST -d '{"command":"sh","args":["-c","head -c 900000 /dev/zero | tr \\\\0 x"]}' \
	"$BASE/api/v1/sessions/s/exec"
[ "$(jq -r '.result.stdout | length' "$T/out")" = 900000 ] || fail "cut short"
# one that sends nothing holds nobody up, and connections go on for long
exec 7<>"/dev/tcp/127.0.0.1/$PORT"
for i in 1 2 3 4 5; do get "$BASE/health" "$BASE/ready"; done
expect_status 0
exec 7>&-
curl -sSN --max-time 600 --cacert "$T/pki/ca.pem" \
	"$BASE/api/v1/sessions/s/events" >"$T/sse" 2>&1 &
tail=$!
eventually grep -q '^event: ready' "$T/sse" || fail "no stream of events: $(cat "$T/sse")"

# ---- the command line over https: as any other host's, not by our socket
tls_cli() {
	run env SSL_CERT_FILE="$T/pki/ca.pem" AGENTSH_RUNTIME_DIR="$T/elsewhere" \
		AGENTSH_SERVER="$BASE" "$AGENTSH_BUILD/cli/agentsh" "$@"
}
tls_cli session list
expect_status 0
expect_out '"id": "s"'
tls_cli exec s -- sh -c 'echo out; echo err >&2; exit 7'
expect_status 7
expect_out out
expect_err err
tls_cli exec s -- sudo id
expect_status 126
run env AGENTSH_RUNTIME_DIR="$T/elsewhere" AGENTSH_SERVER="$BASE" \
	"$AGENTSH_BUILD/cli/agentsh" session list
expect_status 1
expect_err "certificate"
# and by our socket, which is there as well
run env AGENTSH_SERVER="$BASE" "$AGENTSH_BUILD/cli/agentsh" exec s -- cat <<<piped
expect_status 0
eventually grep -q command_started "$T/sse" || fail "no events over TLS: $(head -c 300 "$T/sse")"
kill $tail 2>/dev/null

# ---- a command of a session is known for what it is behind TLS too
policy=$T/policies/default.yaml
get "$BASE/api/v1/sessions/s"
expect_out '"state"'
tls_cli exec s -- curl -sS -k --noproxy '*' -X POST -d '{}' "$BASE/api/v1/sessions"
! grep -q '"id"' "$T/out" || fail "a command made a session"

# ---- a renewed certificate is used without a restart; a broken one is not
make_leaf renewed ca second
sleep 1.1
cp renewed.key server.key
cp renewed.pem server.pem
who() {
	openssl s_client -connect "127.0.0.1:$PORT" </dev/null 2>/dev/null |
		openssl x509 -noout -subject
}
second() { get "$BASE/health" && [[ $(who) == *second* ]]; }
eventually second || fail "old certificate: $(who)"
echo nonsense >server.pem
sleep 1.1
get "$BASE/health"
expect_status 0
[[ $(who) == *second* ]] || fail "lost its certificate"
cp renewed.pem server.pem

# ---- whoever decrypts may die
pkill -KILL -P "$SERVER_PID" -x agentsh-edge
answers() { get "$BASE/health" && [ "$STATUS" = 0 ]; }
eventually answers
expect_status 0
down
no_edge() { ! pgrep -f "agentsh-edge.*$T" >/dev/null; }
eventually no_edge || fail "agentsh-edge is left over"

# ---- client certificates
configure "enabled: true, cert_file: $T/pki/server.pem, key_file: $T/pki/server.key, ca_file: $T/pki/ca.pem"
up
get --cert client.pem --key client.key "$BASE/health"
expect_status 0
get "$BASE/health"
[ "$STATUS" != 0 ] || fail "let in without a certificate"
get --cert intruder.pem --key intruder.key "$BASE/health"
[ "$STATUS" != 0 ] || fail "a stranger's certificate is as good"
down

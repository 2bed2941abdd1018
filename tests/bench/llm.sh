#!/bin/bash
# SPDX-License-Identifier: MIT
# The language model proxy against a direct connection: requests of 10 KB and
# 1 MB with the DLP engine on, events of a stream, the first connection with TLS
# opened. Only the differences mean something.
#
#	meson test -C build --benchmark llm
. "$(dirname "$0")/../cases/lib/case.sh"
BENCH=$AGENTSH_BUILD/tests/bench/bench_llm
PIDS=
trap 'status=$?; kill $PIDS 2>/dev/null; (exit $status); case_cleanup' EXIT

cd "$T" || exit 1
openssl ecparam -name prime256v1 -genkey -noout -out key.pem
openssl req -x509 -new -key key.pem -subj /CN=bench -days 2 \
	-addext subjectAltName=IP:127.0.0.1 -out ca.pem
"$BENCH" serve ca.pem key.pem >"$T/port" & PIDS=$!
eventually test -s "$T/port" || fail "no service"
port=$(cat "$T/port")
"$BENCH" relay "$port" ca.pem key.pem ca.pem >"$T/relay" & relay=$!
PIDS="$PIDS $relay"
eventually test -s "$T/relay" || fail "no relay"
cat >"$T/policy.yaml" <<END
version: 1
name: bench
command_rules:
  - {name: all, commands: ["*"], decision: allow}
file_rules:
  - {name: all, paths: ["/**"], operations: ["*"], decision: allow}
network_rules:
  - {name: loopback, cidrs: ["127.0.0.0/8"], decision: allow}
http_services:
  - {name: hub, upstream: "https://127.0.0.1:$port", intercept: true}
END
POLICY_FILE=$T/policy.yaml
CONFIG_EXTRA="proxy:
  ca_file: $T/ca.pem
  providers:
    anthropic: https://127.0.0.1:$port
dlp:
  mode: ${DLP_MODE:-redact}
sandbox:
  network:
    tls_inspection:
      enabled: true"
start_server
in_session sh -c 'echo ${ANTHROPIC_BASE_URL##*:} $SSL_CERT_FILE'
read -r proxy bundle <"$T/out"
[ -n "$proxy" ] || fail "no proxy"
"$BENCH" run "$port" "$proxy" "$T/ca.pem" || fail "requests"
"$BENCH" open "$port" "$proxy" "$T/ca.pem" "$bundle" \
	"$(pgrep -P "$SERVER_PID" -f agentsh-netproxy)" "$(cat "$T/relay")" \
	"$relay" || fail "TLS"
for pid in $(pgrep -P "$SERVER_PID" -f agentsh-netproxy); do
	grep -E 'VmRSS|VmHWM' "/proc/$pid/status"
done

#!/bin/bash
# SPDX-License-Identifier: MIT
# sandbox.network.rate_limits, proxy_port, dns_port, intercept_mode: tcp_only;
# what is wrong with them is said when the server starts.
. "$(dirname "$0")/lib.sh"
WANTED=$(free_port) DNS=$(free_port)
CONFIG_EXTRA="sandbox:
  network:
    proxy_port: $WANTED
    dns_port: $DNS
    rate_limits:
      enabled: true
      global_rpm: 60
      global_burst: 12
      per_domain:
        www.good.test: {requests_per_minute: 1, burst: 2}
        '*.good.test': {requests_per_minute: 60}"
session
[ "$PROXY" = "http://127.0.0.1:$WANTED" ] || fail "the proxy is at $PROXY"
ss -Hlun "src 127.0.0.1:$DNS" | grep -q . || fail "the stub is not at $DNS"
# another session cannot have the same ones, and gets others
run agentsh exec --root="$WS" other -- sh -c 'echo $HTTP_PROXY; getent ahostsv4 good.test'
expect_status 0
expect_out "93.184.216.34"
! grep -q ":$WANTED$" "$T/out" || fail "two proxies at one port"

for i in 1 2 3; do
	through -w '%{http_code}' "http://www.good.test/$i"
	case $i in
	3) expect_out 429 && expect_refused ;;
	*) expect_out "path=/$i" ;;
	esac
done
through -p -w '%{http_connect}' http://www.good.test/
expect_out 429
PROXY=socks5h://${PROXY#*://} through http://www.good.test/
[ "$STATUS" = 97 ] || fail "SOCKS over the limit: $STATUS"
in_session python3 -c "
import socket
def dial(name, port):
    s = socket.socket()
    s.settimeout(60)
    return s.connect_ex((socket.gethostbyname(name), port))
print('over', dial('www.good.test', 8080), 'under', dial('good.test', 8080))"
expect_out "over 13 under 0"
expect_event '.policy.rule == "net-rate-limit" and .policy.decision == "deny" and .domain == "www.good.test"'
# the burst of all together: other names are used up too, and come again
# (one a second: a machine that is very busy takes less than 200 s for 200)
run curl -sS --max-time 60 --proxy "$PROXY" -w '%{http_code}\n' 'http://good.test/[1-200]'
expect_out 429
again() { through -w '%{http_code}' http://good.test/ && grep -q 200 "$T/out"; }
eventually again || fail "it does not come again"

refused() { # WORDS YAML
	cp "$T/config.yaml" "$T/wrong.yaml"
	sed -i '/^sandbox:/,$d' "$T/wrong.yaml"
	printf 'sandbox:\n  network:\n    %s\n' "$2" >>"$T/wrong.yaml"
	run timeout 60 "$AGENTSH_BUILD/cli/agentsh" server --config "$T/wrong.yaml"
	[ "$STATUS" != 124 ] && [ "$STATUS" != 0 ] || fail "taken: $2"
	cat "$T/err" >>"$T/out"
	expect_out "$1"
}
refused "requests_per_minute" 'rate_limits: {enabled: true, per_domain: {a.test: {burst: 2}}}'
refused "a host name" 'rate_limits: {enabled: true, per_domain: {"a b": {requests_per_minute: 2}}}'
refused "out of range" 'rate_limits: {enabled: true, global_rpm: -1}'
refused "0 to 65535" 'proxy_port: 70000'
refused "ca_cert and ca_key" 'tls_inspection: {enabled: true, ca_cert: /nowhere}'
refused "private IPv4 network" 'transparent: {enabled: true, subnet_base: 8.8.8.0/24}'

# tcp_only: no names but the proxy's
kill "$SERVER_PID"
wait "$SERVER_PID" 2>/dev/null
sed -i '/^sandbox:/,$d' "$T/config.yaml"
printf 'sandbox:\n  network:\n    intercept_mode: tcp_only\n' >>"$T/config.yaml"
start_server
in_session sh -c 'getent ahostsv4 good.test; curl -sS http://good.test/by-proxy'
expect_no_out "93.184.216.34"
expect_out "path=/by-proxy"
expect_event '.type == "dns_query" and .policy.rule == "net-dns-off"'

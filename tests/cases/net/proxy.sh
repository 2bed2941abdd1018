#!/bin/bash
# SPDX-License-Identifier: MIT
# What the proxy lets through and what not: forms of requests, of hosts and of
# addresses; nothing is sent for what is refused.
. "$(dirname "$0")/lib.sh"
session

through http://good.test/a
expect_out "host=good.test path=/a"
through -g http://six.test/
expect_out "host=six.test"
through -H 'Expect: 100-continue' -d hello http://good.test/
expect_out "got 5"
through -H 'Transfer-Encoding: chunked' -d hello http://good.test/
expect_out "got 5"
through http://good.test/chunked
[ "$(cat "$T/out")" = "one two three" ] || fail "chunks"
through -0 http://good.test/chunked
[ "$(cat "$T/out")" = "one two three" ] || fail "chunks for HTTP/1.0"
through http://good.test/close
expect_out "until close"
through -I http://good.test/
expect_out "200 OK"
through -o "$T/big" -w '%{size_download}' http://good.test/big
expect_out 33554432
through https://good.test/tls
expect_out "path=/tls"
through -o "$T/big" -w '%{size_download}' https://good.test/big
expect_out 33554432
through --resolve evil.test:80:93.184.216.34 http://good.test:8080/x
expect_out "host=good.test:8080"

# by SOCKS5, name resolved here and by curl
for scheme in socks5h; do
	PROXY=$scheme://${PROXY#*://} through https://good.test/socks
	expect_out "path=/socks"
	PROXY=$scheme://${PROXY#*://} through https://evil.test/
	[ "$STATUS" = 97 ] || fail "SOCKS to evil.test: $STATUS"
done

# kept upstream: three requests, one connection, also for a second client
through http://good.test/port http://good.test/port
[ "$(grep -oE '[0-9]+' "$T/out" | sort -u | wc -l)" = 1 ] || {
	read -r -n 10 a <"$T/out"
	n=${#a}
	[ "${a:0:n/2}" = "${a:n/2}" ] || fail "upstream was not kept: $a"
}

for url in http://evil.test/ http://45.33.32.156/ http://93.184.216.34/ \
	http://169.254.169.254/ http://[::ffff:169.254.169.254]/ \
	http://2852039166/ http://0xA9FEA9FE/ http://0251.0376.0251.0376/ \
	http://169.254.43518/ http://10.1.2.3/ http://0.0.0.0/ http://[::]/ \
	http://[64:ff9b::a9fe:a9fe]/ http://[2002:a9fe:a9fe::]/ \
	http://rebind.test/ http://inside.test/ http://loop.test/ \
	http://metadata.google.internal/ http://good.test:25/ \
	http://127.0.0.1:$PORT/health http://localhost:$PORT/health; do
	through -g "$url"
	expect_refused
	[ "$STATUS" = 0 ] || fail "$url: $STATUS"
done
through http://good.test:25/
expect_out "rule=deny-bad-port host=good.test:25"
expect_out "no mail from here"
for url in https://evil.test/ https://169.254.169.254/ https://rebind.test/; do
	through -w '%{http_connect}' "$url"
	expect_out 403
done
expect_untouched 6 45.33.32.156
expect_untouched 6 169.254.169.254
expect_untouched 6 10.1.2.3
grep -q evil.test "$T/net/queries" && fail "a denied name was looked up"

# a private address beside a public one: only the public one is dialled
through http://mixed.test/
expect_out "host=mixed.test"
expect_untouched 6 10.1.2.3
through http://gone.test/
expect_out "no such name"

expect_event '.type == "net_connect" and .domain == "evil.test" and .effective_action == "blocked"'
expect_event '.type == "net_http_request" and .domain == "rebind.test" and .fields.resolved_ip == "169.254.169.254" and .effective_action == "blocked"'
expect_event '.type == "net_http_request" and .domain == "good.test" and .effective_action == "allowed"'
expect_reached 6 93.184.216.34 443
expect_reached 17 9.9.9.9 53
expect_event '.type == "net_close" and .domain == "good.test" and .fields.bytes_received > 33554432'

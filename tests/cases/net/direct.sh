#!/bin/bash
# SPDX-License-Identifier: MIT
# A command that ignores the proxy: names by the stub, connections by the name
# that was looked up, the rest refused at once and nothing sent (direct.py).
. "$(dirname "$0")/lib.sh"
session
in_session env -u http_proxy -u https_proxy -u all_proxy -u HTTP_PROXY \
	-u HTTPS_PROXY -u ALL_PROXY python3 "$HERE/direct.py" ${KERNEL:-}
expect_status 0
grep -v ' ok$' "$T/out" && fail "see above"

in_session curl -sS --noproxy '*' --cacert "$T/net/ca.pem" https://good.test/direct
expect_out "path=/direct"
in_session curl -sS --noproxy '*' http://good.test/plain
expect_out "path=/plain"
in_session curl -sS --noproxy '*' http://good.test/one http://good.test/two
expect_out "path=/one"
expect_out "path=/two"
in_session curl -sS --noproxy '*' -H 'Host: evil.test' http://good.test/
expect_out "blocked by policy"
in_session curl -sS --noproxy '*' -H 'Host: ssh.good.test' http://good.test/
expect_out "blocked by policy" # allowed, but never looked up
in_session curl -sS --noproxy '*' -d hello http://good.test/
expect_out "got 5"
in_session curl -sS --noproxy '*' http://evil.test/
[ "$STATUS" = 6 ] || fail "evil.test: $STATUS"
in_session curl -sS --noproxy '*' --resolve good.test:80:45.33.32.156 http://good.test/
[ "$STATUS" = 7 ] || [ -n "${KERNEL:-}" ] || fail "good.test at another address: $STATUS"

if command -v dig >/dev/null; then
	in_session dig good.test @8.8.8.8 +short +tries=1 +time=3
	expect_out 93.184.216.34
	in_session dig evil.test @8.8.8.8 +tries=1 +time=3
	expect_out REFUSED
fi
if command -v musl-gcc >/dev/null; then
	cat >"$T/lookup.c" <<-'END'
		#include <netdb.h>
		#include <stdio.h>
		int main(int argc, char **argv)
		{
			struct addrinfo *a;
			char text[64];
			int r = getaddrinfo(argv[argc - 1], "80", NULL, &a);

			if (r == 0)
				r = getnameinfo(a->ai_addr, a->ai_addrlen, text,
						sizeof(text), 0, 0, NI_NUMERICHOST);
			puts(r ? "none" : text);
		}
	END
	musl-gcc -static -o "$WS/lookup" "$T/lookup.c" || fail "musl-gcc"
	in_session ./lookup six.test
	expect_out 2606:2800:220:1::1
	in_session ./lookup evil.test
	expect_out none
fi

expect_untouched 6 45.33.32.156
expect_untouched 17 45.33.32.156
expect_untouched 17 93.184.216.34
expect_untouched '[0-9]*' 169.254.169.254
expect_untouched '[0-9]*' 10.1.2.3
expect_untouched '[0-9]*' 8.8.8.8
expect_untouched '[0-9]*' 224.0.0.251
grep -qE 'evil|0123456789|aaaa' "$T/net/queries" && fail "a refused name was asked for"
expect_event '.type == "net_connect" and .source == "netproxy" and .domain == "good.test" and .effective_action == "allowed"'
expect_event '.type == "net_connect" and .remote == "45.33.32.156:443" and .effective_action == "blocked"'
expect_event '.type == "dns_query" and .domain == "evil.test" and .effective_action == "blocked"'
expect_event '.type == "dns_query" and .domain == "good.test" and .effective_action == "allowed"'
expect_event '.policy.rule == "net-floor-dns-data"'

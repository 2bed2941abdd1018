#!/bin/bash
# SPDX-License-Identifier: MIT
# A policy that allows the whole internet, by name and by address, opens nothing
# that is not plainly public: every form of such addresses, by every way.
. "$(dirname "$0")/lib.sh"
cat >"$T/open.yaml" <<-END
	version: 1
	name: open
	file_rules:
	  - {name: files, paths: ["/**"], operations: ["*"], decision: allow}
	command_rules:
	  - {name: commands, commands: ["*"], decision: allow}
	network_rules:
	  - name: names
	    domains: ["*", "**"]
	    decision: allow
	  - name: addresses
	    cidrs: ["0.0.0.0/0", "::/0"]
	    decision: allow
	  - name: ports
	    ports: [80, 443]
	    decision: allow
END
POLICY_FILE=$T/open.yaml
session
in_session python3 "$HERE/bypass_more.py" "$T/net/ca.pem" "$WS" open \
	desync tunnel socks sni dns bent proxy programs ${UNCLOSED:-}
expect_status 0
[ "$(grep -c '^clouds/.* ok$' "$T/out")" -gt 80 ] || fail "it did not run"
grep -v ' ok$' "$T/out" && fail "see above"
[ -z "${COUNT:-}" ] || cut -d/ -f1 "$T/out" | sort | uniq -c

for host in 169.254.169.254 2852039166 0xA9FEA9FE 0251.0376.0251.0376 \
	169.254.43518 0xa9.254.0251.0376 169.254.169.254. 10.1.2.3 10.66051 \
	0xa010203 0 127.1 '[::]' '[::1]' '[::ffff:169.254.169.254]' \
	'[::ffff:a9fe:a9fe]' '[::169.254.169.254]' '[64:ff9b::a9fe:a9fe]' \
	'[64:ff9b:1::a9fe:a9fe]' '[2002:a9fe:a9fe::]' \
	'[2001:0:5ef5:79fd:0:0:5601:5601]' '[::ffff:0:a9fe:a9fe]' \
	'[fd00:ec2::254]' '[fe80::1]' rebind.test inside.test loop.test \
	chain.good.test localhost; do
	through -g "http://$host/"
	expect_refused
	through -g -p "http://$host/"
	[ "$STATUS" = 56 ] || fail "CONNECT $host: $STATUS"
done
for _ in 1 2 3 4 5 6; do
	through http://flip.good.test/
	! grep -q 'host=169' "$T/out" || fail "another address"
done
through http://evil.test/
expect_out "host=evil.test path=/"
for address in 169.254.169.254 10.1.2.3 168.63.129.16 fd00:ec2::254; do
	expect_untouched '[0-9]*' "$address"
done

#!/bin/bash
# SPDX-License-Identifier: MIT
# The seed's network lists: metadata services and private networks are closed
# through the proxy and around it; the server's own health page answers.
. "$(dirname "$0")/lib.sh"
command -v curl >/dev/null || skip "curl is not installed"
render_server

for host in 169.254.169.254 metadata.google.internal 100.100.100.200 \
	192.168.1.1 10.0.0.1 172.16.0.1 169.254.1.1; do
	blocked "curl -s --max-time 60 http://$host/"
	blocked "curl -sS --noproxy '*' --max-time 60 http://$host/"
done
blocked "curl -sS --max-time 60 http://evil.com/"
allowed "curl -s --max-time 60 http://127.0.0.1:$PORT/health"
expect_out ok

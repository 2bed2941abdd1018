#!/bin/bash
# SPDX-License-Identifier: MIT
# Bytes through the proxy: who closes first, who is slow, who is reset, who
# lies about where a message ends or which server it wants (streams.py).
. "$(dirname "$0")/lib.sh"
session
run python3 "$HERE/streams.py" "${PROXY#http://}"
expect_status 0
grep -v ' ok$' "$T/out" && fail "see above"
expect_untouched 6 45.33.32.156
expect_untouched 6 169.254.169.254
expect_event '.type == "net_connect" and .policy.rule == "net-floor-server-name" and .fields.sni == "evil.test" and .effective_action == "blocked"'

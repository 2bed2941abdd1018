#!/bin/bash
# SPDX-License-Identifier: MIT
# Streams that are silent for longer than any time-out of the proxy (a minute,
# for a request that does not come) go on: an answer, a tunnel, a connection of
# one's own; side by side.
. "$(dirname "$0")/lib.sh"
session
in_session sh -c 'curl -sS http://good.test/idle?64 >1 2>&1 &
	curl -sSp http://good.test/idle?64 >2 2>&1 &
	curl -sS --noproxy "*" http://good.test/idle?64 >3 2>&1 &
	wait'
for i in 1 2 3; do
	grep -q "data: two" "$WS/$i" || fail "stream $i was cut: $(cat "$WS/$i")"
done

#!/bin/bash
# SPDX-License-Identifier: MIT
# What a proxy meets: resolvers that say nothing, clients that crawl, an end in
# the middle of a transfer, its own death (robust.py has the byte level).
. "$(dirname "$0")/lib.sh"
session
NETPROXY=$(pgrep -P "$SERVER_PID" -f agentsh-netproxy) || fail "no proxy process"

# the resolver: silent, then gone, then back
through -w '%{time_total} %{http_code}' --max-time 90 http://slow.test/
expect_out " 50" # 502 or 504
tail -1 "$T/out" | awk '{ exit !($1 < 60) }' || fail "a silent resolver holds a request for long"
in_session python3 -c '
import socket, time
t = time.time()
try: socket.gethostbyname("slow.test")
except OSError as e: print("gaierror", time.time() - t < 60)'
expect_out "gaierror True"
if [ -z "${AGENTSH_NET_READY:-}" ]; then # a container's is not ours to change
	ip addr del 9.9.9.9/32 dev lo
	through --max-time 90 http://www.good.test/
	expect_out "cannot reach"
	ip addr add 9.9.9.9/32 dev lo
fi
through http://www.good.test/back
expect_out "path=/back"

run python3 "$HERE/robust.py" "${PROXY#http://}" "$NETPROXY"
expect_status 0
grep -v ' ok$' "$T/out" && fail "see above"

# killed in the middle of a transfer: the command learns it, nothing goes
# around, the next command has a network again
in_session sh -c 'curl -sSN http://good.test/idle?300; echo "curl $?"
	curl -sS --max-time 40 http://good.test/x; echo "then $?"
	curl -sS --max-time 40 --noproxy "*" http://good.test/x; echo "direct $?"' &
waiting=$!
for _ in $(seq 600); do
	grep -q "data: one" "$T/out" && break
	sleep 0.1
done
kill -9 "$NETPROXY"
wait $waiting
grep -qE '^curl (18|52|56)$' "$T/out" || fail "curl did not learn of it"
grep -qE '^then (5|7)$' "$T/out" || fail "a dead proxy answers"
grep -qE '^direct [1-9]' "$T/out" || fail "around a dead proxy"
expect_event '.type == "net_proxy_failed"'
in_session curl -sS http://good.test/again
expect_out "path=/again"

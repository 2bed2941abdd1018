#!/bin/bash
# SPDX-License-Identifier: MIT
# 5,000 idle tunnels: all alive, and the proxy below 60 MB.
. "$(dirname "$0")/../lib/case.sh"
[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 12000 ] ||
	skip "no more than $(ulimit -Hn) descriptors"
BENCH=$AGENTSH_BUILD/tests/bench/net_origin
[ -x "$BENCH" ] || skip "net_origin is not built"
cat >"$T/bench.yaml" <<-END
	version: 1
	name: tunnels
	command_rules:
	  - {name: all, commands: ["*"], decision: allow}
	network_rules:
	  - {name: loopback, cidrs: ["127.0.0.0/8"], decision: allow}
END
POLICY_FILE=$T/bench.yaml
unset MALLOC_PERTURB_ # touches what nobody uses
ORIGIN=$(free_port)
"$BENCH" serve "$ORIGIN" &
PIDS=$!
trap 'status=$?; kill $PIDS 2>/dev/null; (exit $status); case_cleanup' EXIT
start_server
in_session sh -c 'echo $HTTP_PROXY'
PROXY=$(sed 's#http://##' "$T/out")
NETPROXY=$(pgrep -P "$SERVER_PID" -f agentsh-netproxy) || fail "no proxy process"
coproc TUNNELS { "$BENCH" idle "$PROXY" "127.0.0.1:$ORIGIN" 5000; }
PIDS="$PIDS $TUNNELS_PID"
read -r -t 300 -u "${TUNNELS[0]}" word || fail "5000 tunnels were not made"
rss=$(awk '/VmRSS/ { print $2 }' "/proc/$NETPROXY/status")
size=$(awk '/VmSize/ { print $2 }' "/proc/$NETPROXY/status")
# under a sanitizer it is no measure
[ "$rss" -lt 61440 ] || [ "$size" -gt 1000000000 ] || fail "$rss kB with 5000 tunnels"
# (an ordinary user may not look into it)
n=$(find "/proc/$NETPROXY/fd" 2>/dev/null | wc -l)
[ "$n" -gt 10000 ] || [ "$(id -u)" != 0 ] || fail "only $n descriptors: tunnels were closed"
run curl -sS --max-time 60 --proxy "http://$PROXY" "http://127.0.0.1:$ORIGIN/"
expect_status 0
echo "$rss kB with 5000 tunnels"

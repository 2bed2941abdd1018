#!/bin/bash
# SPDX-License-Identifier: MIT
# autostart.sh - exec starts a server when none answers, one for all; the
# default port is private to a host of the test's own
. "$(dirname "$0")/../lib/case.sh"
. "$(dirname "$0")/../lib/own_host.sh"
own_host n "$@"
PORT=18080
write_config
export AGENTSH_CONFIG=$T/config.yaml

AGENTSH_NO_AUTO=1 run agentsh exec --root="$WS" s -- echo started
expect_status 1
expect_err 'Connection refused'
AGENTSH_IN_SESSION=1 run agentsh exec --root="$WS" s -- echo started
expect_status 1
expect_no_err auto-starting

cd "$WS" || exit 1
for i in 1 2 3; do # at once: one server, no failure
	agentsh exec s$i -- echo "started $i" >"$T/o$i" 2>"$T/e$i" &
done
wait
for i in 1 2 3; do
	grep -q "started $i" "$T/o$i" || fail "exec $i: $(cat "$T/e$i")"
done
cat "$T"/e? >"$T/err"
expect_err "agentsh: auto-starting server (config $T/config.yaml)"
[ "$(pgrep -xc agentsh)" = 1 ] || fail "servers: $(pgrep -xc agentsh)"

# it outlives its starter's output, and is found again without a word
run agentsh exec s1 -- echo again
expect_status 0
[ ! -s "$T/err" ] || fail "noise on stderr"

# what told its starter that it was ready is not handed on
run agentsh exec s1 -- env
expect_status 0
expect_no_out NOTIFY_SOCKET

# other servers are somebody else's to start
run agentsh --server http://127.0.0.1:18099 exec s1 -- true
expect_status 1
expect_err 'server not reachable at http://127.0.0.1:18099'

# a broken configuration: the server's own words
pkill -x agentsh
none_left() { ! pgrep -x agentsh >/dev/null; }
eventually none_left || fail "it does not end"
printf 'server: [\n' >"$T/bad.yaml"
AGENTSH_CONFIG=$T/bad.yaml run agentsh exec s1 -- true
expect_status 1
expect_err 'auto-start failed: server did not become ready: '
expect_err bad.yaml

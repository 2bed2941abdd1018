#!/bin/bash
# SPDX-License-Identifier: MIT
# concurrent.sh - many short commands of one session at the same time
. "$(dirname "$0")/../lib/case.sh"
. "$(dirname "$0")/lib.sh"

N=$(count 40 1000)
start_server
A=$AGENTSH_BUILD/cli/agentsh
in_session true
expect_status 0
pids=()
for i in $(seq "$N"); do
	"$A" exec s -- /bin/echo "$i" >"$T/out.$i" 2>"$T/err.$i" </dev/null &
	pids+=($!)
done
bad=0
for i in $(seq "$N"); do
	wait "${pids[$((i - 1))]}" || {
		bad=$((bad + 1))
		head -c 300 "$T/err.$i"
	}
	[ "$(cat "$T/out.$i")" = "$i" ] || bad=$((bad + 1))
done
[ "$bad" = 0 ] || fail "$bad of $N failed"
holds
few() { [ "$(cgroups)" -le 8 ]; }
eventually few || fail "$(cgroups) cgroups are left"
exit 0

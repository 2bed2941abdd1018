#!/bin/bash
# SPDX-License-Identifier: MIT
# sessions.sh - many sessions at once; sizes of the processes
. "$(dirname "$0")/../lib/case.sh"
. "$(dirname "$0")/lib.sh"

N=$(count 6 100)
start_server
A=$AGENTSH_BUILD/cli/agentsh
idle=$(rss "$SERVER_PID")
echo "server, idle: $idle KiB"
[ "$idle" -le 12288 ] || fail "the idle server has $idle KiB"
for i in $(seq "$N"); do
	mkdir "$WS/$i"
	"$A" exec --root="$WS/$i" "s$i" -- /bin/true </dev/null || fail "session $i"
done
pids=()
for i in $(seq "$N"); do
	"$A" exec "s$i" -- /bin/echo "$i" </dev/null >"$T/out.$i" &
	pids+=($!)
done
wait "${pids[@]}"
for i in $(seq "$N"); do
	[ "$(cat "$T/out.$i")" = "$i" ] || fail "session $i answered wrongly"
done
max=0
for p in $(pgrep -P "$SERVER_PID" -f agentsh-tracer); do
	n=$(rss "$p")
	[ "$n" -gt "$max" ] && max=$n
done
echo "server with $N sessions: $(rss "$SERVER_PID") KiB; largest supervisor: $max KiB"
[ "$max" -le 8192 ] || fail "a supervisor has $max KiB"
for i in $(seq "$N"); do "$A" session destroy "s$i" >/dev/null || fail "destroy $i"; done
none() { [ "$(cgroups)" = 0 ] && [ "$(pgrep -P "$SERVER_PID" | wc -l)" = 0 ]; }
eventually none
[ "$(pgrep -P "$SERVER_PID" | wc -l)" = 0 ] || fail "workers are left"
[ "$(find /sys/fs/cgroup -type d -name "agentsh-s[0-9]*-cmd-*" 2>/dev/null | wc -l)" = 0 ] ||
	fail "cgroups are left"
exit 0

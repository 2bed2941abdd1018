#!/bin/bash
# SPDX-License-Identifier: MIT
# execs.sh - many commands through one server: nothing grows, nothing is left
. "$(dirname "$0")/../lib/case.sh"
. "$(dirname "$0")/lib.sh"

N=$(count 150 10000)
start_server
A=$AGENTSH_BUILD/cli/agentsh
for _ in $(seq 100); do "$A" exec --root="$WS" s -- /bin/true || fail "warm-up"; done
run_many() {
	local i=0
	while [ "$i" -lt "$1" ]; do
		"$A" exec s -- /bin/true </dev/null || fail "command $i: status $?"
		i=$((i + 1))
	done
	sleep 1
}
# caches fill in the first half: the database's (4 MiB), the rings (1 MiB each)
run_many "$((N / 2))"
holds >"$T/before"
run_many "$((N / 2))"
# what ends after its command may take a moment
as_before() {
	holds >"$T/after"
	grown=
	[ "$(total 3 "$T/after")" -le "$(($(total 3 "$T/before") + 4))" ] ||
		grown="descriptors"
	[ "$(total 4 "$T/after")" = 0 ] || grown="zombies"
	[ "$(wc -l <"$T/after")" -le "$(wc -l <"$T/before")" ] || grown="processes"
	[ "$(awk '/^cgroups/ { print $2 }' "$T/after")" -le \
		"$(awk '/^cgroups/ { print $2 }' "$T/before")" ] || grown="cgroups"
	[ -z "$grown" ]
}
eventually as_before
paste "$T/before" "$T/after"
[ -z "$grown" ] || fail "$grown grew"
[ "$(total 2 "$T/after")" -le "$(($(total 2 "$T/before") + $(count 4096 512)))" ] ||
	fail "memory grew: $(total 2 "$T/before") -> $(total 2 "$T/after") KiB"
exit 0

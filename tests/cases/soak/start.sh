#!/bin/bash
# SPDX-License-Identifier: MIT
# start.sh - how long a server takes until it answers
#
# Only a generous bound is asserted: the machine may be busy. The figure of the
# target (50 ms) is printed by SOAK=full on a quiet one.
. "$(dirname "$0")/../lib/case.sh"
. "$(dirname "$0")/lib.sh"

PORT=$(free_port)
export AGENTSH_SERVER=http://127.0.0.1:$PORT
write_config
best=
for _ in $(seq "$(count 3 20)"); do
	: >"$T/server.log" # not what the last one said
	from=$(date +%s%N)
	"$AGENTSH_BUILD/cli/agentsh" server --config "$T/config.yaml" \
		>"$T/server.log" 2>&1 </dev/null &
	SERVER_PID=$!
	until grep -q listening "$T/server.log"; do
		kill -0 "$SERVER_PID" || fail "server did not start"
		sleep 0.002
	done
	ms=$((($(date +%s%N) - from) / 1000000))
	{ [ -z "$best" ] || [ "$ms" -lt "$best" ]; } && best=$ms
	kill "$SERVER_PID"
	wait "$SERVER_PID" 2>/dev/null
	SERVER_PID=
done
echo "start: $best ms"
[ "$best" -le 20000 ] || fail "the server takes $best ms to start"
exit 0

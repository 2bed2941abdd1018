#!/bin/bash
# SPDX-License-Identifier: MIT
# Several commands at once: each event of the proxy names the command it was
# made by, however the connection was made.
. "$(dirname "$0")/lib.sh"
session
for i in 1 2 3 4; do
	agentsh exec --root="$WS" s -- sh -c "
		while [ ! -e go ]; do sleep 0.02; done
		curl -sS http://good.test/proxied-$i
		curl -sS --noproxy '*' http://good.test/own-$i
		curl -sS --proxy socks5h://\${HTTP_PROXY#*://} https://good.test/socks-$i
		python3 -c 'import socket; socket.gethostbyname(\"n$i.good.test\")' 2>/dev/null
		curl -sS http://evil$i.test/
		curl -sS --noproxy '*' http://good.test:25/
		sleep 0.5; true" >"$T/out$i" 2>&1 &
done
sleep 0.5
touch "$WS/go"
wait $(jobs -p | grep -v "$SERVER_PID" | grep -v "$INTERNET")
# judge: 0, or the first thing that is wrong is in WRONG
judge() {
	agentsh events query --session s --limit 5000 >"$T/events.json"
	# which command is which: by what the tracer saw it execute
	jq -r '.[] | select(.type == "execve") | .command_id as $id | (.argv // [])[] |
		capture("^http://good.test/proxied-(?<n>[0-9])$") | $id + " " + .n' \
		"$T/events.json" | sort -u >"$T/ids"
	[ "$(wc -l <"$T/ids")" = 4 ] || { WRONG="4 commands were not recorded: $(cat "$T/ids")"; return 1; }
	while read -r id n; do
		for path in proxied own socks; do
			jq -e --arg id "$id" --arg p "/$path-$n" 'any(.[]; .command_id == $id and
				(.fields.path == $p or (.type == "net_connect" and .source == "netproxy" and .domain == "good.test")))' \
				"$T/events.json" >/dev/null || { WRONG="no event of command $n for $path"; return 1; }
		done
		for name in "n$n.good.test" "evil$n.test"; do
			jq -e --arg id "$id" --arg d "$name" '[.[] | select(.domain == $d)] | length > 0 and all(.[]; .command_id == $id)' \
				"$T/events.json" >/dev/null || { WRONG="events of $name do not name command $n"; return 1; }
		done
	done <"$T/ids"
	jq -e 'all(.[] | select(.source == "netproxy"); .command_id != null and .command_id != "")' \
		"$T/events.json" >/dev/null || {
		WRONG="events of the proxy without a command: $(jq -c '.[] |
			select(.source == "netproxy" and (.command_id // "") == "")' "$T/events.json" | head -5)"
		return 1
	}
	jq -e 'all(.[]; .type != "net_client")' "$T/events.json" >/dev/null || { WRONG="net_client is on record"; return 1; }
}
eventually judge || fail "$WRONG"

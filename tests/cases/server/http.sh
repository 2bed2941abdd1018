# SPDX-License-Identifier: MIT
# The engine under odd clients: limits, malformed requests, many connections.
. "$(dirname "$0")/lib.sh"
CONFIG_EXTRA=$(printf 'metrics:\n  enabled: true')
start_server
new_session s

raw() { # raw BYTES: first line of the answer
	exec 9<>"/dev/tcp/127.0.0.1/$PORT" || fail "connect"
	# one write: bash would send line by line, into a closed connection
	printf "$1" >"$T/request"
	cat "$T/request" >&9
	IFS= read -r -t 60 ANSWER <&9
	exec 9>&- 9<&-
}

for bad in 'GET / HTTP/1.1\nHost: x\n\n' 'GET / HTTP/1.1\r\n\r\n' \
	'GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n' \
	'GET /health HTTP/1.1\r\nHost : x\r\n\r\n'; do
	raw "$bad"
	[ "${ANSWER%%$'\r'}" = "HTTP/1.1 400 Bad Request" ] || fail "accepted: $bad"
done
raw 'POST /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n'
case $ANSWER in *413*) ;; *) fail "no 413: $ANSWER" ;; esac
raw 'POST /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n'
case $ANSWER in *400*) ;; *) fail "chunked body: $ANSWER" ;; esac

# pipelined requests are answered in order
exec 9<>"/dev/tcp/127.0.0.1/$PORT"
printf 'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >"$T/request"
cat "$T/request" >&9
tr -d '\r' <&9 >"$T/out"
exec 9>&- 9<&-
[ "$(grep -cx 'HTTP/1.1 200 OK' "$T/out")" = 2 ] || fail "pipelining"
grep -qx ready "$T/out" || fail "second answer"

# eight commands of one session at once: each waits for all of them
for i in 1 2 3 4 5 6 7 8; do
	curl -sS -m 90 -X POST "$AGENTSH_SERVER/api/v1/sessions/s/exec" \
		-d '{"command":"/bin/sh","args":["-c",": >up.'$i'; until [ $(ls up.* | wc -l) = 8 ]; do sleep 0.1; done; echo '$i'"]}' \
		>"$T/par.$i" &
	PIDS="${PIDS:-} $!"
done
wait $PIDS
for i in 1 2 3 4 5 6 7 8; do
	jq -e '.result.stdout == "'$i'\n"' "$T/par.$i" >/dev/null ||
		fail "parallel $i: $(cat "$T/par.$i")"
done
api GET /metrics
grep -q '^agentsh_commands_total 8$' "$T/out" || fail "metrics"

#!/bin/bash
# SPDX-License-Identifier: MIT
# webhook.sh - audit.webhook: every event, in batches, again when it failed, and
# counted when it is lost; the commands never wait for it
. "$(dirname "$0")/../lib/case.sh"
HERE=$(cd "$(dirname "$0")" && pwd)
LOG=$T/posts

receiver() { # [CERT KEY]
	rm -f "$T/hook"
	python3 "$HERE/webhook.py" "$T/hook" "$LOG" "$@" 2>>"$T/hook.err" &
	RECEIVER=$!
	eventually test -s "$T/hook"
	HOOK=$(cat "$T/hook") || fail "no receiver"
}
trap 'kill $RECEIVER 2>/dev/null; case_cleanup' EXIT
restart() { # WEBHOOK-KEYS
	[ -z "$SERVER_PID" ] || { kill "$SERVER_PID"; wait "$SERVER_PID"; }
	SERVER_PID=
	write_config
	sed -i "s|^audit:|audit:\n  webhook: {$1}|" "$T/config.yaml"
	start_server
}
got() { jq -c ".events[] | select($1)" <(sed 's/^[0-9]* //' "$LOG" 2>/dev/null); }
# wait_for TEXT: a delivered event has it
wait_for() {
	eventually grep -qs "^200.*$1" "$LOG" || fail "not delivered: $1"
}
metric() { curl -sS "$AGENTSH_SERVER/metrics" | awk -v m="$1" '$1 == m { print $2 }'; }

receiver
PORT=$(free_port)
CONFIG_EXTRA='metrics: {enabled: true}'
URL=http://127.0.0.1:$HOOK/in?k=1
restart "url: \"$URL\", batch_size: 5, flush_interval: 300ms, timeout: 1h, headers: {X-Token: swordfish}"
run agentsh config validate --path "$T/config.yaml"
expect_status 0

# ---- what the record has, the webhook has, each once, in order
in_session sh -c 'echo hello >a; rm a; cat /etc/shadow; true'
wait_for command_finished
all_sent() {
	agentsh events query --session s --limit 5000 --order asc | jq -r '.[].id' | sort >"$T/ids"
	got true | jq -r 'select(.session_id == "s") | .id' | sort >"$T/sent"
	cmp -s "$T/ids" "$T/sent"
}
eventually all_sent || fail "differs: $(diff "$T/ids" "$T/sent" | head -5)"
head -1 "$LOG" | sed 's/^[0-9]* //' | jq -e '.path == "/in?k=1" and
	.headers["X-Token"] == "swordfish" and
	.headers["Content-Type"] == "application/json"' >/dev/null || fail "headers"
sed 's/^[0-9]* //' "$LOG" | jq -e '.events | length <= 5' | grep -q false &&
	fail "a batch is too long"
got '.type == "file_open" and .path == "/etc/shadow"' | grep -q deny ||
	fail "no denial"
# nobody but the receiver is told the header
! grep -rq swordfish "$T/server.log" || fail "the header is in the log"
for pid in $(pgrep -P "$SERVER_PID"); do
	! tr '\0' '\n' <"/proc/$pid/cmdline" | grep -q swordfish ||
		fail "the header is on a command line"
done

# ---- a failure is tried again, a refusal is not
echo 503 >"$LOG.mode"
in_session echo second
eventually grep -q '^503.*second' "$LOG" || fail "nothing was tried"
echo 200 >"$LOG.mode"
wait_for second
[ "$(metric agentsh_webhook_dropped_total)" = 0 ] || fail "dropped what it had"
echo 400 >"$LOG.mode"
in_session echo third
dropped() { [ "$(metric agentsh_webhook_dropped_total)" -gt 0 ]; }
eventually dropped || fail "no drop is counted"
eventually grep -q 'audit.webhook: .* events were not delivered: answered with status 400' \
	"$T/server.log" || fail "not in the log"
echo 200 >"$LOG.mode"
in_session echo fourth
wait_for fourth

# ---- one that does not answer holds nobody up
echo hang >"$LOG.mode"
in_session echo fifth
eventually test -e "$LOG.hangs" || fail "nothing was sent"
in_session timeout 90 sh -c 'for i in 1 2 3 4 5 6 7 8 9; do echo $i >f$i; done'
expect_status 0
echo 200 >"$LOG.mode"
wait_for fifth

# ---- the process that sends may die; what it had is sent by the next
kill -STOP "$(pgrep -P "$SERVER_PID" -x agentsh-edge)"
in_session echo sixth
sleep 0.5
pkill -KILL -P "$SERVER_PID" -x agentsh-edge
wait_for sixth

# ---- the last events are sent when the server stops
restart "url: \"$URL\", flush_interval: 1h"
in_session echo seventh
! grep -q seventh "$LOG" || fail "sent before its time"
kill "$SERVER_PID"
wait "$SERVER_PID"
SERVER_PID=
wait_for seventh

# ---- https: only to whom the certificate names
if command -v openssl >/dev/null; then
	kill $RECEIVER
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$T/hook.key" -out "$T/hook.pem" -days 2 -subj /CN=hook \
		-addext subjectAltName=IP:127.0.0.1 2>/dev/null
	receiver "$T/hook.pem" "$T/hook.key"
	URL=https://127.0.0.1:$HOOK/
	restart "url: \"$URL\", flush_interval: 100ms"
	in_session echo untrusted
	export SSL_CERT_FILE=$T/hook.pem
	restart "url: \"$URL\", flush_interval: 100ms"
	in_session echo eighth
	wait_for eighth
	! grep -q untrusted "$LOG" || fail "sent to whom nobody vouches for"
fi

# ---- what cannot be meant is refused
[ -z "$SERVER_PID" ] || { kill "$SERVER_PID"; wait "$SERVER_PID"; }
SERVER_PID=
for keys in 'url: ftp://x/' 'url: "http://x/", batch_size: 0' \
	'url: "http://user:pw@x/"' 'url: "http://x:99999/"' \
	'url: "http://x/", headers: {"A:b": c}' 'url: "http://x/", timeout: 10h'; do
	write_config
	sed -i "s|^audit:|audit:\n  webhook: {$keys}|" "$T/config.yaml"
	run timeout 20 "$AGENTSH_BUILD/cli/agentsh" server --config "$T/config.yaml"
	expect_status 1
	expect_err audit.webhook
done

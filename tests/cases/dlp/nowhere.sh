#!/bin/bash
# SPDX-License-Identifier: MIT
# nowhere.sh - after a session that used, printed and sent secrets they are to
# be found nowhere: files, database, logs, answers of the API, messages of
# errors, environments, command lines, memory that a core dump would hold
. "$(dirname "$0")/../lib/case.sh"
. "$(dirname "$0")/../llm/lib.sh"

start_fake
brokered=$(fake_github)
printed=$(fake_aws)
sent=sk-$(printf 'ant-%s' "api03-bZ4eF6hJ8kM0nP2rS4uW6yB8dF0hJ2lN4pR6tV8x")
key=sk-$(printf 'proj-%s' "Q7wE9rT1yU3iO5pA7sD9fG1hJ3kL5zX7cV9bN1m")
printf '%s\n' "$brokered" >"$T/secret"
chmod 600 "$T/secret"
sed 's/^network_rules:/&\n  - {name: tests, domains: ["*.test"], decision: allow}/' \
	"$SRC/data/policies/default.yaml" >"$T/policy.yaml"
cat >>"$T/policy.yaml" <<-YAML
http_services:
  - name: hub
    upstream: $FAKE/api
    secret: {ref: "file:$T/secret", env: HUB_TOKEN, places: [header, query, body]}
    rules:
      - {name: all, methods: ["*"], paths: ["/**"], decision: allow}
  - name: lost
    upstream: $BAD
    secret: {ref: "file:$T/secret", env: LOST_TOKEN}
    rules:
      - {name: all, methods: ["*"], paths: ["/**"], decision: allow}
YAML
POLICY_FILE=$T/policy.yaml
llm_config "" "dlp:
  redact_output: true
llm_storage:
  store_bodies: true"
start_server

all() { printf '%s\n' "$brokered" "$printed" "$sent" "$key"; }
# nothing FILE WHAT: none of them is in it
nothing() {
	local found
	found=$(all | grep -caF -f - "$1")
	[ "$found" = 0 ] || fail "$2 holds a secret: $(all | grep -aoF -f - "$1" | sort | uniq -c)"
}

# used, and scrubbed from answers and from errors
in_agent 'curl -sS -H "Authorization: token $HUB_TOKEN" -H x-fake:fields -i "$HUB_API_URL/a?t=$HUB_TOKEN"'
nothing "$T/out" "an answer"
in_agent 'curl -sS -H "Authorization: token $HUB_TOKEN" -H x-fake:reset-early "$HUB_API_URL/a?t=$HUB_TOKEN"'
nothing "$T/out" "an error"
in_agent 'curl -sS -H "Authorization: token $LOST_TOKEN" "$LOST_API_URL/a"'
nothing "$T/out" "an error of TLS"
# sent to a model, with a key of the client's own, in body, URL and field
in_agent "curl -sS -H 'x-api-key: $key' -H 'X-Note: $sent' -H x-fake:echo \
	\"\$ANTHROPIC_BASE_URL/v1/messages?q=$sent\" -d '{\"a\":\"$sent\"}'"
in_agent "curl -sS -H 'Authorization: Bearer $key' \$OPENAI_BASE_URL/chat/completions -d '{'"
# printed, in arguments, names of files, variables, errors of programs
in_agent "echo $printed; ls /nonexistent/$printed; TOKEN=$sent sh -c 'env | sort'; touch '$WS/f-$printed'"
nothing "$T/out" "what a command printed"
nothing "$T/err" "what a command printed"
run agentsh exec --root="$WS" s -- "/nonexistent/$printed"
# (an answer repeats the caller's own arguments: it is the output that counts)
printf '%s\n' "$sent" >"$WS/note"
run agentsh exec --root="$WS" --output json s -- sh -c 'cat note >&2; exit 3'
nothing "$T/out" "an answer"
nothing "$T/err" "an error"

# processes of ours while the session lives
for pid in "$SERVER_PID" $(pgrep -P "$SERVER_PID"); do
	for f in environ cmdline; do
		: >"$T/proc" # not even root may read it: it stays empty
		tr '\0' '\n' <"/proc/$pid/$f" >"$T/proc" 2>/dev/null
		nothing "$T/proc" "/proc/$pid/$f of $(cat "/proc/$pid/comm")"
	done
done
# memory: not for the command, and the brokered one in no core dump
proxy=$(pgrep -P "$SERVER_PID" -f agentsh-netproxy) || fail "no proxy"
in_agent "head -c 1 /proc/$proxy/mem; cat /proc/$proxy/environ; head -c 1 /proc/$SERVER_PID/mem"
expect_no_out HUB
grep -q '^Max core file size *0 ' "/proc/$proxy/limits" || fail "the proxy may leave a core"
if [ "$(id -u)" = 0 ] && command -v gcore >/dev/null && gcore -o "$T/core" "$proxy" >/dev/null 2>&1; then
	! grep -qaF "$brokered" "$T/core.$proxy" || fail "a core dump holds the brokered secret"
	rm -f "$T/core.$proxy"
else
	echo "note: no core dump could be made"
fi

# the API and the command line
for what in "events query --session s --limit 5000" "session logs s --type=llm" \
	"output s" "report s" "proxy status s" "session list"; do
	run agentsh $what
	nothing "$T/out" "agentsh $what"
	nothing "$T/err" "agentsh $what"
done

kill "$SERVER_PID"
wait "$SERVER_PID" 2>/dev/null
SERVER_PID=
# disk: what is in the workspace is the command's
while IFS= read -r -d '' f; do
	nothing "$f" "$f"
done < <(find "$T/data" "$T/server.log" -type f -print0)
while IFS= read -r -d '' f; do
	all | while read -r s; do
		case $f in *"$s"*) fail "a name: $f" ;; esac
	done || exit 1
done < <(find "$T/data" -print0)
grep -rqa REDACTED "$T/data" || fail "nothing was recorded at all"

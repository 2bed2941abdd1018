# SPDX-License-Identifier: MIT
# Who may do what: commands of a session, keys and roles, local tools.
. "$(dirname "$0")/lib.sh"
CONFIG_EXTRA=$(printf 'sandbox:\n  network:\n    enabled: true')
start_server
new_session s
new_session other

# from inside: health and the own session, nothing else
inside() { # METHOD PATH -> CODE
	sh_exec "curl -s -o /dev/null -w '%{http_code}' -X $1 $2 $AGENTSH_SERVER$3; true"
	CODE=$(jq -r .result.stdout "$T/out")
}
inside GET '' /health
expect_code 200
inside GET '' /api/v1/sessions/s
expect_code 200
inside GET '' /api/v1/sessions/other
expect_code 403
inside GET '' /api/v1/sessions
expect_code 403
inside POST "-d '{\"workspace\":\"/\"}'" /api/v1/sessions
expect_code 403
inside POST "-d '{\"command\":\"id\"}'" /api/v1/sessions/s/exec
expect_code 403
inside DELETE '' /api/v1/sessions/other
expect_code 403
# neither past the proxy, nor through it
inside GET "--noproxy ''" /api/v1/sessions/other
[ "$CODE" != 200 ] || fail "the proxy lends its name"
sh_exec "curl -s -o /dev/null -w '%{http_code}' --unix-socket $T/run/http-$PORT.sock http://x/api/v1/sessions; true"
expect_json '.result.stdout == "000" or .result.stdout == "403"'

# a web page that rebinds its name to 127.0.0.1, or calls across origins; one that an
# agent serves on another port of this machine is another origin, too
for header in 'Host: evil.example' 'Host: 127.evil.example' 'Host: [::1].evil.example' \
	'Host: localhost:1@evil.example' 'Origin: https://evil.example' 'Origin: null' \
	'Origin: http://localhost:3000' 'Origin: http://127.0.0.1' \
	"Origin: http://localhost:$PORT" 'Sec-Fetch-Site: same-site' \
	'Sec-Fetch-Site: cross-site'; do
	CODE=$(curl -sS -o "$T/out" -w '%{http_code}' -H "$header" "$AGENTSH_SERVER/api/v1/sessions")
	expect_code 403
done
for header in 'Host: localhost:1' 'Host: [::1]' 'Host: [::1]:80' "Origin: $AGENTSH_SERVER" \
	'Sec-Fetch-Site: same-origin' 'Sec-Fetch-Site: none'; do
	CODE=$(curl -sS -o "$T/out" -w '%{http_code}' -H "$header" "$AGENTSH_SERVER/api/v1/sessions")
	expect_code 200
done

# another user of this machine: the server's commands run as somebody else
if [ "$(id -u)" = 0 ]; then
	as_other() {
		CODE=$(setpriv --reuid 65534 --regid 65534 --clear-groups \
			curl -sS -o "$T/other" -w '%{http_code}' "$@")
	}
	touch "$T/other"
	chmod 711 "$T" && chmod 666 "$T/other"
	as_other "$AGENTSH_SERVER/api/v1/sessions"
	expect_code 403
	as_other -d '{"command":"id"}' "$AGENTSH_SERVER/api/v1/sessions/s/exec"
	expect_code 403
	grep -q 'as another user' "$T/other" || fail "no word on why"
	as_other "$AGENTSH_SERVER/health"
	expect_code 200
fi

# with authentication off, approvals are for the local socket only
api GET /api/v1/approvals
expect_code 403
local_api GET /api/v1/approvals
expect_code 200
[ "$(stat -c %a "$T/run/http-$PORT.sock")" = 600 ] || fail "mode of the socket"

kill "$SERVER_PID"
wait "$SERVER_PID"
cat >"$T/keys.yaml" <<-KEYS
- id: a
  key: agent-key
  role: agent
- id: b
  key: approver-key
  role: approver
KEYS
sed -i "s|type: none|type: api_key\n  api_key:\n    keys_file: $T/keys.yaml|" "$T/config.yaml"
start_server
keyed() {
	CODE=$(curl -sS -m 90 -o "$T/out" -w '%{http_code}' -H "X-API-Key: $1" \
		"$AGENTSH_SERVER$2")
}
keyed wrong /api/v1/sessions
expect_code 401
expect_json '.error == "unauthorized"'
keyed agent-key /api/v1/sessions
expect_code 200
keyed agent-key /api/v1/approvals
expect_code 403
expect_json '.error == "forbidden"'
keyed approver-key /api/v1/approvals
expect_code 200
keyed '' /health
expect_code 200

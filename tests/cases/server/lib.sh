# SPDX-License-Identifier: MIT
# lib.sh - sourced by the server's scenarios: requests with curl
POLICY_FILE=$(dirname "${BASH_SOURCE[0]}")/policy.yaml
. "$(dirname "${BASH_SOURCE[0]}")/../lib/case.sh"
command -v curl >/dev/null || skip "no curl"
command -v jq >/dev/null || skip "no jq"

# On a degraded host the client is as poor as the server, as it would be in a
# container; a caller that the server may not look at counts as one inside.
curl() { exec_jailed curl "$@"; }
exec_jailed() {
	if [ "$BASHPID" = $$ ]; then
		${AGENTSH_JAIL:+$AGENTSH_JAIL --} env "$@"
	else
		exec ${AGENTSH_JAIL:+$AGENTSH_JAIL --} env "$@" # $! is curl
	fi
}

# api METHOD PATH [JSON]: body to $T/out, HTTP status in CODE
api() {
	LAST="$*"
	CODE=$(curl -sS -m 90 -o "$T/out" -w '%{http_code}' -X "$1" \
		${3:+-d "$3"} "$AGENTSH_SERVER$2" 2>"$T/err")
	STATUS=$CODE
}

# local_api: the same over the local socket
local_api() {
	LAST="local $*"
	CODE=$(curl -sS -m 90 -o "$T/out" -w '%{http_code}' -X "$1" \
		--unix-socket "$T/run/http-$PORT.sock" \
		${3:+-d "$3"} "http://localhost$2" 2>"$T/err")
	STATUS=$CODE
}

expect_code() { [ "$CODE" = "$1" ] || fail "HTTP status $CODE, expected $1"; }
expect_json() { jq -e "$1" "$T/out" >/dev/null || fail "JSON lacks: $1"; }

new_session() {
	api POST /api/v1/sessions "{\"id\":\"${1:-s}\",\"workspace\":\"$WS\"}"
	expect_code 201
}

# sh_exec SCRIPT [EXTRA JSON MEMBERS]: bash -c in session s
sh_exec() {
	api POST /api/v1/sessions/s/exec "$(jq -cn --arg c "$1" \
		"{command: \"/bin/bash\", args: [\"-c\", \$c]} + {${2:-}}")"
}

wait_for() { eventually "$@" || fail "timed out waiting for: $*"; }

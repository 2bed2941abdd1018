# SPDX-License-Identifier: MIT
# A terminal over a websocket: bytes both ways, size, signal, exit, bad frames.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3"
start_server
new_session s
api GET /api/v1/sessions/s/pty
expect_code 400
expect_json '.error == "websocket upgrade required"'
# beside the server: one in a jail cannot look into processes outside
${AGENTSH_JAIL:+$AGENTSH_JAIL --} python3 "$(dirname "$0")/pty_client.py" "$PORT" >"$T/out" 2>&1 || fail "client: $(cat "$T/out")"

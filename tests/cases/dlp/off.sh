#!/bin/bash
# SPDX-License-Identifier: MIT
# off.sh - without dlp.redact_output a command's output is the caller's as it is
. "$(dirname "$0")/lib.sh"
start_server
in_session sh -c "echo $KEY; readlink /proc/self/fd/1"
expect_status 0
expect_out "$KEY"
# not a pipe of ours in between
expect_out "$T/out"
agentsh exec --root="$WS" --output json s -- echo "$AWS" >"$T/out"
jq -e --arg key "$AWS" '.result.stdout == $key + "\n"' "$T/out" >/dev/null ||
	fail "json"
# what is kept of it is redacted all the same
run agentsh output s "$(jq -r .command_id "$T/out")"
expect_out '[REDACTED:aws_access_key]'

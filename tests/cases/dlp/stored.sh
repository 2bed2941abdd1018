#!/bin/bash
# SPDX-License-Identifier: MIT
# stored.sh - the audit log holds no secrets: arguments, paths, URLs, messages
. "$(dirname "$0")/lib.sh"
CONFIG_EXTRA="dlp:
  custom_patterns:
    - name: ticket
      display: \"[TICKET]\"
      regex: \"TICKET-[0-9]{5}\""
start_server
in_session sh -c "true $KEY TICKET-12345"
in_session true --password "aK4bT3xQzR97w" --user joe --token=$AWS
in_session touch "file-$AWS"
in_session cat "/nonexistent/$KEY"
in_session sh -c "echo x >'log-$AWS.txt'; rm 'log-$AWS.txt'"
run agentsh events query --session s --limit 5000
expect_status 0
expect_clean "$T/out"
expect_out '[REDACTED:anthropic_api_key]'
expect_out '[REDACTED:aws_access_key]'
expect_out '[REDACTED:TICKET]'
expect_out joe
expect_no_out aK4bT3xQzR97w
# the operation itself was not changed by any of this
[ -e "$WS/file-$AWS" ] || fail "the file has another name"
kill "$SERVER_PID"
wait "$SERVER_PID" 2>/dev/null
SERVER_PID=
for f in "$T"/data/events.db*; do
	expect_clean "$f"
done

#!/bin/bash
# SPDX-License-Identifier: MIT
# interface.sh - every row of the interface's tables of verbs and routes
. "$(dirname "$0")/../lib/case.sh"
CONFIG_EXTRA='metrics: {enabled: true}'
start_server
in_session true
run python3 "$(dirname "$0")/interface.py" "$AGENTSH_BUILD/cli/agentsh" \
	"$AGENTSH_SERVER" "$WS"
cat "$T/out"
[ "$STATUS" = 0 ] || fail "differs"

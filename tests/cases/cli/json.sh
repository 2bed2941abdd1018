#!/bin/bash
# SPDX-License-Identifier: MIT
# json.sh - --json of every verb: one document on standard output
. "$(dirname "$0")/../lib/case.sh"
start_server

cd "$WS" || exit 1
mkdir bin
cp /bin/true bin/sh
in_session sh -c 'echo kept >kept.txt; echo new >new.txt'
in_session rm kept.txt
expect_status 0
id=$(agentsh events query --session s --type command_started --limit 1 |
	jq -r '.[0].command_id')
agentsh checkpoint create --session s >"$T/mark" || fail "no checkpoint"
mark=$(sed -n 's/^Created checkpoint //p' "$T/mark")

run python3 "$SRC/tests/cases/cli/json_verbs.py" "$AGENTSH_BUILD/cli/agentsh" "$WS" \
	"CMD=$id" "MARK=$mark" "DB=$T/data/events.db" \
	"CONFIG=$T/config.yaml" "POLICIES=$T/policies"
cat "$T/out"
expect_status 0

# a failure says so in the document; words of a stream stay what they are
run agentsh trash restore none --json
expect_status 1
jq -e '.command == "agentsh trash restore" and .status == 1 and
	(.messages | length) > 0' "$T/out" >/dev/null || fail "no messages"
run agentsh --json exec s -- sh -c 'echo out'
[ "$(jq -r .result.stdout "$T/out")" = out ] || fail "exec"

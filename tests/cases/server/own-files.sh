#!/bin/bash
# SPDX-License-Identifier: MIT
# What governs a session is out of its reach, even where the policy would let
# it write: audit database, configuration, policies, the quarantine.
. "$(dirname "$0")/../lib/case.sh"
start_server # all of it lies below /tmp, which the default policy opens

before=$(cat "$T/config.yaml" "$T"/policies/* | sha256sum)
in_session true
expect_status 0
for c in "echo x > $T/data/events.db" "cat $T/data/events.db" \
	"cat $T/data/events.db-wal" "rm $T/data/events.db" \
	"mv $T/data $T/data2" "echo x >> $T/config.yaml" \
	"echo x >> $T/policies/default.yaml" "rm -r $T/policies" \
	"touch $T/policies/other.yaml" "ln -sf /dev/null $T/policies/default.yaml" \
	"mv $T/policies $T/p2" "chmod 777 $T/config.yaml" \
	"ln $T/data/events.db $WS/link && cat $WS/link" \
	"python3 -c 'import os; os.rename(\"$WS\", \"$T/elsewhere\")'"; do
	in_session bash -c "$c"
	[ "$STATUS" != 0 ] || fail "went through: $c"
done
[ -d "$WS" ] && [ -d "$T/data" ] || fail "a directory was moved away"
[ "$before" = "$(cat "$T/config.yaml" "$T"/policies/* | sha256sum)" ] ||
	fail "configuration or policies were changed"
expect_event '.type == "file_write" and (.path | endswith("events.db")) and .policy.effective_decision == "deny"'
expect_event '.type == "file_rename" and .policy.effective_decision == "deny"'
run agentsh audit verify "$T/data/events.db"
expect_status 0
in_session cat "$T/config.yaml"
expect_status 0

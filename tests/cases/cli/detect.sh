#!/bin/bash
# SPDX-License-Identifier: MIT
# detect.sh - three formats say the same, and the configuration validates
. "$(dirname "$0")/../lib/case.sh"

run agentsh detect
expect_status 0
for word in 'Protection Score: ' 'FILE PROTECTION' 'COMMAND CONTROL' NETWORK \
	'RESOURCE LIMITS' ISOLATION seccomp 'active backend:'; do
	expect_out "$word"
done
table=$(sed -n 's/^Protection Score: \([0-9]*\).*/\1/p' "$T/out")
run agentsh detect -o json
expect_status 0
json=$(jq .protection_score "$T/out")
sum=$(jq '[.domains[].score] | add' "$T/out")
keys=$(jq '.capabilities | keys_unsorted == keys' "$T/out")
run agentsh detect --output=yaml
expect_status 0
yaml=$(sed -n 's/^protection_score: //p' "$T/out")
[ "$table" = "$json" ] && [ "$json" = "$yaml" ] && [ "$json" = "$sum" ] ||
	fail "scores differ: table $table json $json yaml $yaml sum $sum"
[ "$keys" = true ] || fail "capabilities are not sorted"
run agentsh detect -o xml
expect_status 1
expect_err 'unknown output format: xml'

run agentsh detect config -o "$T/found.yaml"
expect_status 0
expect_out "Configuration written to $T/found.yaml"
run agentsh config validate --path "$T/found.yaml"
expect_status 0
expect_out ok

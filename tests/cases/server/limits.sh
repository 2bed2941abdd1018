#!/bin/bash
# SPDX-License-Identifier: MIT
# limits.sh - sandbox.limits holds where the policy gives no limit of its own
. "$(dirname "$0")/../lib/case.sh"
CONFIG_EXTRA='sandbox:
  cgroups:
    enabled: true
  limits:
    max_processes: 20
    max_memory_mb: 64'
mkdir -p "$T/policies"
sed '/^resource_limits:/,/^[a-z]/{/^resource_limits:/d;/^  /d}' \
	"$SRC/data/policies/default.yaml" >"$T/policies/own.yaml"
POLICY_FILE=$T/policies/own.yaml
start_server
in_session true
expect_status 0
agentsh session info s >"$T/info"
jq -e '.protection[] | select(.name == "cgroup") | .active' "$T/info" >/dev/null ||
	skip "no cgroup here"
in_session sh -c 'i=0; while [ $i -lt 40 ]; do sleep 100 & i=$((i + 1)); done; wait'
[ "$STATUS" != 0 ] || fail "40 processes under a limit of 20"
in_session python3 -c 'x = bytearray(200 << 20); print(len(x))'
[ "$STATUS" != 0 ] || fail "200 MiB under a limit of 64"
in_session python3 -c 'x = bytearray(20 << 20); print(len(x))'
expect_status 0

#!/bin/bash
# SPDX-License-Identifier: MIT
# explain.sh - explain says what happens: decision, rule and layers agree with
# policy-test and with a command that tries, and its change turns it around
. "$(dirname "$0")/../lib/case.sh"
cat >"$T/policy.yaml" <<-'YAML'
version: 1
name: explained
command_rules:
  - {name: no-force-push, commands: [git], args_patterns: ["push.*--force"], decision: deny}
  - {name: all, commands: ["*"], decision: allow}
file_rules:
  - {name: read-notes, paths: ["**/notes"], operations: [open, read], decision: allow}
  - {name: keep-notes, paths: ["**/notes"], operations: ["*"], decision: deny, message: "notes stay"}
  - {name: rest, paths: ["/**"], operations: ["*"], decision: allow}
network_rules:
  - {name: web, domains: ["example.com"], ports: [443], decision: allow}
YAML
POLICY_FILE=$T/policy.yaml
start_server
echo one >"$WS/notes"
in_session true
expect_status 0

explained() { run agentsh explain --session s --json "$@"; expect_status 0; }
is() { jq -e "$1" "$T/out" >/dev/null || fail "explain: not $1"; }
explained --op write "$WS/notes"
is '.decision == "deny" and .rule == "keep-notes" and .line == 8'
is '.message == "notes stay" and .policy == "explained"'
is '[.passed_over[].rule] == ["read-notes"] and .unrelated == 0'
is '.change.before == "keep-notes" and .change.section == "file_rules"'
jq -r .change.yaml "$T/out" >"$T/change"
is '.enforced_by | length > 0'
run agentsh debug policy-test --session s --op file_write --path "$WS/notes" --json
jq -e '.rule == "keep-notes" and .decision == "deny"' "$T/out" >/dev/null || fail "policy-test differs"
in_session sh -c 'echo two >notes'
[ "$STATUS" != 0 ] || fail "it was written"

# the change, put where it says, turns it around
sed "s/^/  /" "$T/change" >"$T/change.in"
python3 - "$T/policy.yaml" "$T/change.in" "$T/policies/default.yaml" <<'PY'
import sys
policy, change, out = sys.argv[1:]
lines = open(policy).read().split("\n")
at = next(i for i, l in enumerate(lines) if "name: keep-notes" in l)
open(out, "w").write("\n".join(lines[:at] + [open(change).read().rstrip("\n")] + lines[at:]))
PY
run agentsh policy reload
expect_status 0
explained --op write "$WS/notes"
is '.decision == "allow" and .rule == "my-allow" and .generation >= 2'
in_session sh -c 'echo two >notes'
expect_status 0

explained -- git push origin --force
is '.operation == "exec" and .rule == "no-force-push"'
explained -- git status
is '.rule == "all" and .passed_over[0].rule == "no-force-push"'
explained example.com:80
is '.enforced_by | index("proxy")'
is '.decision == "deny" and .is_default and .passed_over[0].why == "is for other ports or addresses"'
run agentsh explain example.com
expect_status 0
expect_out 'ALLOW  net, by rule web (line '
run agentsh explain --session nobody /etc
expect_status 1
expect_err 'session not found'
run agentsh explain --op fly /etc
expect_status 1

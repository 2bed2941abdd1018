#!/bin/bash
# SPDX-License-Identifier: MIT
# init.sh - a project's own policy: made, valid, and in force
. "$(dirname "$0")/../lib/case.sh"
write_config
sed -i "s/addr: .*/addr: 127.0.0.1:$(free_port)/" "$T/config.yaml"
export AGENTSH_CONFIG=$T/config.yaml
cd "$WS" || exit 1
git init -q .
echo '{}' >package.json
echo '[package]' >Cargo.toml

run agentsh init --name web-app
expect_status 0
expect_out 'Project: node, rust'
expect_out "Policy written to $T/policies/web-app.yaml"
run agentsh policy validate web-app
expect_status 0
grep -q '"\*\*npm\*\*"' "$T/policies/web-app.yaml" || fail "no node sources"
grep -q '"\*\*pypi' "$T/policies/web-app.yaml" && fail "python sources"
grep -q 'allow-https' "$T/policies/web-app.yaml" && fail "wide network"
run agentsh init --name web-app
expect_status 1
expect_err 'exists; --force writes over it'
run agentsh init --name web-app --force --open-network
expect_status 0
grep -q 'allow-https' "$T/policies/web-app.yaml" || fail "narrowed all the same"
run agentsh init --force --output "$T/no/such/dir.yaml"
expect_status 1
expect_err 'name another file with --output'
run agentsh init "$T/nosuch"
expect_status 1
printf 'version: 1\nname: x\n' >"$T/policies/bare.yaml"
run agentsh init --base bare --name y
expect_status 1
expect_err 'policy bare cannot be the base'

run agentsh init --name web-app --force
PORT=$(sed -n 's/.*addr: 127.0.0.1:\([0-9]*\)/\1/p' "$T/config.yaml")
start_server
agentsh session create --workspace "$WS" --policy web-app --id s >/dev/null ||
	fail "no session under it"
in_session sh -c 'echo x >src.js && git add -A && git status --short'
expect_status 0
in_session sh -c 'mkdir -p .git/hooks; echo evil >.git/hooks/pre-commit'
[ "$STATUS" != 0 ] || fail "a hook was planted"
[ ! -e .git/hooks/pre-commit ] || fail "a hook was planted"
expect_event '.type == "file_write" and .policy.rule == "protect-what-runs-later" and .effective_action == "blocked"
	or .type == "file_create" and .policy.rule == "protect-what-runs-later"'
run agentsh debug policy-test --session s --op net_connect --path example.com:443
expect_out DENY
run agentsh debug policy-test --session s --op net_connect --path github.com:443
expect_out ALLOW

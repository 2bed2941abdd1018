#!/bin/bash
# SPDX-License-Identifier: MIT
# offline.sh - policy, config and trash verbs without a server
. "$(dirname "$0")/../lib/case.sh"
cd "$T" || exit 1
export HOME=$T

run agentsh --version
expect_status 0
grep -Eq '^agentsh [0-9]+\.[0-9]+' "$T/out" || fail "odd version"
expect_out 0.18.3
run agentsh shim install
expect_status 0
expect_err 'installs nothing'
run agentsh shim nosuch
expect_status 1
run agentsh
expect_status 0
expect_out Commands:
run agentsh help session create
expect_status 0
expect_out --workspace

mkdir -p p
cat >p/good.yaml <<-EOF2
version: 1
name: good
file_rules:
  - name: ws
    paths: ["/workspace/**"]
    operations: ["*"]
    decision: allow
EOF2
printf 'version: 1\nname: bad\nfile_rule: []\n' >p/bad.yaml
run agentsh policy --dir p list
expect_status 0
[ "$(jq -c .policies "$T/out")" = '["bad.yaml","good.yaml"]' ] || fail "list"
run agentsh policy validate good --dir p
expect_status 0
expect_out ok
run agentsh policy show p/good.yaml
expect_status 0
[ "$(jq -r .FileRules[0].Name "$T/out")" = ws ] || fail "show"
run agentsh policy validate bad --dir=p
expect_status 1
expect_err p/bad.yaml:3
expect_err file_rule
run agentsh policy validate nothing --dir p
expect_status 1
expect_err 'policy "nothing" not found in "p"'

printf 'policies:\n  dir: %s/p\n' "$T" >c.yaml
run agentsh config validate --path c.yaml
expect_status 0
run agentsh config show --path c.yaml
expect_status 0
jq -e .Policies "$T/out" >/dev/null || fail "config show"
AGENTSH_CONFIG=$T/c.yaml run agentsh policy list
expect_out good.yaml
printf 'polices: {}\n' >>c.yaml
run agentsh config validate --path c.yaml
expect_status 1
expect_err polices
expect_err c.yaml:3

run agentsh trash list
expect_status 0
expect_out 'trash empty'
run agentsh trash restore 123
expect_status 1
expect_err 'open .agentsh_trash/manifest/123.json: no such file or directory'
run agentsh trash purge --ttl 7d
expect_status 0
expect_out 'removed 0 entries'
run agentsh trash purge --ttl soon
expect_status 1
expect_err 'parse ttl'

# an entry of the Go program
mkdir -p .agentsh_trash/payload .agentsh_trash/manifest
printf hello >.agentsh_trash/payload/1767225600000000000
cat >.agentsh_trash/manifest/1767225600000000000.json <<-EOF2
{ "token": "1767225600000000000", "original_path": "$T/a.txt",
  "trash_path": "$T/.agentsh_trash/payload/1767225600000000000", "size": 5,
  "mode": 420, "uid": 0, "gid": 0, "mtime": "2026-01-01T00:00:00Z",
  "session": "demo", "command": "", "created": "2026-01-01T00:00:00Z" }
EOF2
run agentsh trash list
expect_status 0
expect_out "$T/a.txt	5 bytes"
run agentsh trash restore 1767225600000000000
expect_status 0
expect_out "restored to $T/a.txt"
[ "$(cat a.txt)" = hello ] || fail "content"

#!/bin/bash
# SPDX-License-Identifier: MIT
# chain.sh - the keyed chain of the JSON lines log: status, a server that
# refuses another key, and a new beginning that says why
. "$(dirname "$0")/../lib/case.sh"
head -c 32 /dev/urandom | base64 >"$T/key"
CONFIG_EXTRA=
PORT=$(free_port)
write_config
sed -i "s|^audit:|audit:\n  output: $T/audit.jsonl\n  integrity:\n    enabled: true\n    key_source: file\n    key_file: $T/key|" \
	"$T/config.yaml"
start_server
in_session echo one
expect_status 0
written() { # the log is written in batches, its chain's end with them
	run agentsh audit chain status --config "$T/config.yaml"
	expect_status 0
	jq -e '.sequence > 0 and (.key_fingerprint | startswith("sha256:"))' \
		"$T/out" >/dev/null
}
eventually written || fail "status"
run agentsh audit chain reset --config "$T/config.yaml" --reason x --force
expect_status 1
expect_err 'stop the server first'
kill "$SERVER_PID"
wait "$SERVER_PID"
SERVER_PID=
check() { run agentsh audit chain verify "$T/audit.jsonl" --config "$T/config.yaml" "$@"; }
check
expect_status 0
expect_out 'first: seq=0 ('"$T/audit.jsonl:1)"
expect_out "last:  seq=$(($(wc -l <"$T/audit.jsonl") - 1)) ("
cp "$T/audit.jsonl" "$T/whole"
sed -i '$d' "$T/audit.jsonl"
check
expect_status 1
expect_err 'entries are missing at the end'
check --tolerate-truncation
expect_status 0
printf '{"type":"half' >>"$T/audit.jsonl"
check --tolerate-truncation
expect_status 0
{ echo '{"type":"old"}'; cat "$T/whole"; } >"$T/audit.jsonl"
check
expect_status 1
expect_err 'no readable integrity'
check --tolerate-unsigned
expect_status 0
expect_out 'first: seq=0 ('"$T/audit.jsonl:2)"
sed 's/"type":"session_created"/"type":"something"/' "$T/whole" >"$T/audit.jsonl"
check --tolerate-unsigned --tolerate-truncation
expect_status 1
expect_err 'contents were changed'
check --from-sequence 3
expect_status 0
expect_out 'first: seq=3 ('
cp "$T/whole" "$T/audit.jsonl"

# another key: the server does not start over it; a reset begins anew
head -c 32 /dev/urandom | base64 >"$T/key"
run timeout 60 "$AGENTSH_BUILD/cli/agentsh" server --config "$T/config.yaml"
expect_status 1
run agentsh audit chain reset --config "$T/config.yaml" --reason 'new key'
expect_status 1 # nobody said yes
expect_err 'nothing was changed'
run agentsh audit chain reset --config "$T/config.yaml" --force \
	--reason 'new key' --reason-code nonsense
expect_status 1
run agentsh audit chain reset --config "$T/config.yaml" --force \
	--reason 'new key' --reason-code key_rotated
expect_status 0
ls "$T"/audit.jsonl.legacy.* >/dev/null || fail "the old log is gone"
jq -e 'select(.type == "integrity_chain_rotated") |
	.fields.reason == "new key" and .fields.reason_code == "key_rotated"' \
	"$T/audit.jsonl" >/dev/null || fail "it does not say why"
start_server
in_session echo two
expect_status 0
run agentsh audit verify "$T/audit.jsonl" --config "$T/config.yaml"
expect_status 0

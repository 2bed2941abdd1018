#!/bin/bash
# SPDX-License-Identifier: MIT
# output.sh - what a command prints reaches no caller with its secrets
. "$(dirname "$0")/lib.sh"
CONFIG_EXTRA=$REDACT
start_server

# the caller's own descriptors: pipes
in_session sh -c "echo key $KEY; echo mail $MAIL >&2; echo aws $AWS; exit 3"
expect_status 3
expect_out 'key [REDACTED:anthropic_api_key]'
expect_out 'aws [REDACTED:aws_access_key]'
expect_err 'mail [REDACTED:email]'
expect_clean "$T/out"
expect_clean "$T/err"
expect_event '.type == "output_redacted" and .fields.count == 3 and
	.fields.stdout.anthropic_api_key == 1 and .fields.stderr.email == 1'

# in pieces, with pauses that are no end of a key (half a second is one; a busy
# machine may make it of a short pause)
for _ in $(seq 20); do
	in_session sh -c "printf 'a ${KEY:0:20}'; sleep 0.1; printf '${KEY:20}'; echo ' b'"
	grep -qF 'a [REDACTED:anthropic_api_key] b' "$T/out" && break
done
expect_out 'a [REDACTED:anthropic_api_key] b'

# both outputs into one pipe stay in order
run bash -c "'$AGENTSH_BUILD/cli/agentsh' exec --root='$WS' s -- \
	sh -c 'for i in 1 2 3 4 5; do echo out\$i; echo err\$i >&2; done' 2>&1"
[ "$(tr '\n' ' ' <"$T/out")" = "out1 err1 out2 err2 out3 err3 out4 err4 out5 err5 " ] ||
	fail "order: $(tr '\n' ' ' <"$T/out")"

# much of it arrives whole, in a file and through a slow reader
in_session seq 200000
seq 200000 | cmp - "$T/out" || fail "seq into a file"
run bash -c "'$AGENTSH_BUILD/cli/agentsh' exec --root='$WS' s -- seq 300000 |
	{ sleep 0.5; cat; }"
seq 300000 | cmp - "$T/out" || fail "seq through a pipe"
# bytes that are no text pass as they are
head -c 300000 /dev/urandom | base64 -w 0 | tr -d '+/=@' | head -c 200000 >"$WS/bytes"
in_session cat bytes
cmp "$WS/bytes" "$T/out" || fail "bytes changed"

# who stops reading ends the command
run timeout 90 bash -c "'$AGENTSH_BUILD/cli/agentsh' exec --root='$WS' s -- yes | head -1"
expect_out y
expect_status 0

# stdin is the caller's still
run bash -c "echo in $MAIL | '$AGENTSH_BUILD/cli/agentsh' exec --root='$WS' s -- cat"
expect_out 'in [REDACTED:email]'

# captured, streamed, and fetched later
agentsh exec --root="$WS" --output json s -- echo "$AWS" >"$T/out"
jq -e '.result.stdout == "[REDACTED:aws_access_key]\n"' "$T/out" >/dev/null ||
	fail "json"
run agentsh output s "$(jq -r .command_id "$T/out")"
expect_out '[REDACTED:aws_access_key]'
run agentsh exec --root="$WS" --stream s -- sh -c "echo $KEY; echo '$MAIL' >&2"
cat "$T/err" >>"$T/out"
expect_out '[REDACTED:anthropic_api_key]'
expect_out '[REDACTED:email]'
expect_clean "$T/out"

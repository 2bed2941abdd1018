#!/bin/bash
# SPDX-License-Identifier: MIT
# signing.sh - policies that somebody vouches for: keygen, sign, verify, and a
# server that takes no other
. "$(dirname "$0")/../lib/case.sh"
mkdir -p "$T/policies" "$T/trust" "$T/keys"
cp "$SRC/data/policies/default.yaml" "$T/policies/default.yaml"
cp "$SRC/data/policies/dev-safe.yaml" "$T/policies/unsigned.yaml"

run agentsh policy keygen --output "$T/keys" --label ops
expect_status 0
id=$(cat "$T/out")
[ "$(stat -c %a "$T/keys/private.key.json")" = 600 ] || fail "key is readable"
run agentsh policy keygen --output "$T/keys"
expect_status 1 # never over a key that exists
run agentsh policy sign "$T/policies/default.yaml" \
	--key "$T/keys/private.key.json" --signer alice
expect_status 0
run agentsh policy verify "$T/policies/default.yaml" --key-dir "$T/trust"
expect_status 1
expect_err "signed by key $id, which is not in"
cp "$T/keys/public.key.json" "$T/trust/ops.json"
run agentsh policy verify "$T/policies/default.yaml" --key-dir "$T/trust"
expect_status 0
[ "$(jq -r '.status + " " + .signer + " " + .key_id' "$T/out")" = \
	"valid alice $id" ] || fail "verify"

# an end that has come
jq '.expires_at = "2020-01-01T00:00:00Z"' "$T/keys/public.key.json" \
	>"$T/trust/ops.json"
run agentsh policy verify "$T/policies/default.yaml" --key-dir "$T/trust"
expect_status 1
expect_err 'has expired'
cp "$T/keys/public.key.json" "$T/trust/ops.json"

PORT=$(free_port)
write_config
sed -i "s|^  default: default|&\n  signing:\n    mode: enforce\n    trust_store: $T/trust|" \
	"$T/config.yaml"
run agentsh config validate --path "$T/config.yaml"
expect_status 0
start_server
in_session echo fine
expect_status 0
run agentsh session create --workspace "$WS" --policy unsigned
expect_status 1
expect_err 403
expect_err 'no signature'

# changed after it was signed: neither reloaded nor good for a new session
echo '# changed' >>"$T/policies/default.yaml"
run agentsh policy reload
expect_status 1
expect_out 'the signature does not fit the file'
run agentsh session create --workspace "$WS" --id other
expect_status 1
expect_err 'the signature does not fit the file'
run agentsh policy sign "$T/policies/default.yaml" \
	--key "$T/keys/private.key.json"
run agentsh policy reload
expect_status 0

# a default policy nobody vouches for: the server does not start
rm "$T/policies/default.yaml.sig"
sed "s/addr: .*/addr: 127.0.0.1:$(free_port)/" "$T/config.yaml" >"$T/second.yaml"
run timeout 60 "$AGENTSH_BUILD/cli/agentsh" server --config "$T/second.yaml"
expect_status 1
expect_err 'no signature'

# a manifest of sums: the same, by policies.manifest_path alone
[ -z "$SERVER_PID" ] || { kill "$SERVER_PID"; wait "$SERVER_PID"; }
SERVER_PID=
write_config
(cd "$T/policies" && sha256sum ./*.yaml | sed 's|\./||' >"$T/manifest")
sed -i "s|^  default: default|&\n  manifest_path: $T/manifest|" "$T/config.yaml"
run agentsh config validate --path "$T/config.yaml"
expect_status 0
start_server
run agentsh session create --workspace "$WS" --id summed
expect_status 0
cp "$T/policies/default.yaml" "$T/policies/new.yaml"
run agentsh session create --workspace "$WS" --policy new
expect_status 1
expect_err "not in $T/manifest"
echo '# changed' >>"$T/policies/default.yaml"
run agentsh session create --workspace "$WS" --id changed
expect_status 1
expect_err "not the file that $T/manifest names"
run timeout 60 "$AGENTSH_BUILD/cli/agentsh" server --config "$T/config.yaml"
expect_status 1
expect_err "not the file that $T/manifest names"

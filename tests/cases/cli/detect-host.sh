#!/bin/bash
# SPDX-License-Identifier: MIT
# detect-host.sh - detect agrees with an independent look at this host, wherever
# this runs; and in a container like Render's it says what is known of that
. "$(dirname "$0")/../lib/case.sh"

PORT=1
write_config
python3 "$SRC/tests/lib/host_look.py" >"$T/look.json" || fail "the look"
run agentsh detect -o json --config "$T/config.yaml"
expect_status 0
for key in $(jq -r 'keys[]' "$T/look.json"); do
	seen=$(jq -c ".$key" "$T/look.json")
	said=$(jq -c ".capabilities.$key" "$T/out")
	echo "$key: $said"
	[ "$seen" = "$said" ] || fail "$key: detect says $said, it is $seen"
done
jq -e '.tried == true' "$T/out" >/dev/null || fail "nothing was tried"
jq -r '.canaries[] | "\(.name): \(.result)"' "$T/out"

[ -n "${AGENTSH_CONTAINER:-}" ] || exit 0
holds() { jq -e "$1" "$T/out" >/dev/null || fail "in the container: not $1"; }
holds '.capabilities | (.fuse or .ptrace or .mount_namespace or
	.user_namespace or .pid_namespace or .network_namespace) | not'
holds '.capabilities | .landlock and .seccomp_user_notify'
holds '.security_mode == "landlock-only"'
for g in commands files undo network isolation audit; do
	holds ".guarantees[] | select(.name == \"$g\") | .state == \"held\""
done
holds '.guarantees[] | select(.name == "limits") | .state == "weaker"'
for c in program alias connect control undo survivor; do
	holds ".canaries[] | select(.name == \"$c\") | .result == \"blocked\""
done
for c in secret create; do # what another user may not do anyway is not tried
	[ "$(id -u)" != 0 ] ||
		holds ".canaries[] | select(.name == \"$c\") | .result == \"blocked\""
done

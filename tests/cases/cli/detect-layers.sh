#!/bin/bash
# SPDX-License-Identifier: MIT
# detect-layers.sh - what stands behind the floor is told as configured: FUSE and
# ptrace on and off, in each format; and without any configuration
. "$(dirname "$0")/../lib/case.sh"
PORT=1
write_config
cp "$T/config.yaml" "$T/plain.yaml"
detect() { run "$AGENTSH_BUILD/cli/agentsh" detect --config "$T/config.yaml" "$@"; }
for fuse in true false; do
	for ptrace in true false; do
		cp "$T/plain.yaml" "$T/config.yaml"
		printf 'sandbox:\n  fuse: {enabled: %s}\n  ptrace: {enabled: %s}\n' \
			$fuse $ptrace >>"$T/config.yaml"
		detect -o json
		expect_status 0
		# (without cgroups the limits are weaker, and it says so)
		jq -e '.capabilities.cgroups as $c | [.canaries[] | select(.result ==
			"got past" and ($c != "none" or .guarantee != 6))] == []' \
			"$T/out" >/dev/null || fail "fuse $fuse, ptrace $ptrace: $(cat "$T/out")"
		for b in "fuse $fuse" "ptrace $ptrace"; do
			[ "${b#* }" = false ] || # what the host has not is not there
				jq -e ".capabilities.${b% *}" "$T/out" >/dev/null ||
				continue
			jq -e --arg n "${b% *}" --argjson v "${b#* }" \
				'any(.domains[].backends[]; .name == $n and .available == $v)' \
				"$T/out" >/dev/null || fail "not told: $b"
		done
	done
done
for format in table json yaml; do
	detect -o $format
	for g in 1 2 3 4 5 6 7 8 9; do expect_out "G$g"; done
done
# nothing is installed and nothing configured: it says so, and that is all
mkdir "$T/bare"
cp "$AGENTSH_BUILD/cli/agentsh" "$T/bare/"
HOME=$T/bare XDG_CONFIG_HOME=$T/bare run "$T/bare/agentsh" detect
[ "$STATUS" -le 1 ] || fail "status $STATUS without a configuration"
exit 0

#!/bin/bash
# SPDX-License-Identifier: MIT
# detect-truth.sh - detect says what a session really does on hosts that lack
# something: every row below was seen by trying it there
. "$(dirname "$0")/../lib/case.sh"

PORT=1
write_config
chmod 755 "$T" && chmod -R a+rX "$T"
jail=$AGENTSH_BUILD/tests/cases/degrade

# found OPTIONS...: detect's JSON in that jail, in $T/out
found() {
	run "$jail" "$@" -- "$AGENTSH_BUILD/cli/agentsh" detect -o json \
		--config "$T/config.yaml"
	[ "$STATUS" = 77 ] && skip "$(cat "$T/err")"
	expect_status 0
	HOST="degrade $*"
	holds '.tried == true'
}
holds() { jq -e "$1" "$T/out" >/dev/null || fail "$HOST: not $1"; }
state() {
	local is
	is=$(jq -r --arg n "$1" '.guarantees[] | select(.name == $n) | .state' "$T/out")
	[ "$is" = "$2" ] || fail "$HOST: $1 is $is, expected $2"
}
result() {
	local is
	is=$(jq -r --arg n "$1" '.canaries[] | select(.name == $n) | .result' "$T/out")
	[ "$is" = "$2" ] || fail "$HOST: canary $1: $is, expected $2"
}
backend() {
	local is
	is=$(jq -r --arg n "$1" '[.domains[].backends[] | select(.name == $n)][0].available' "$T/out")
	[ "$is" = "$2" ] || fail "$HOST: backend $1 is $is, expected $2"
}

for options in '' -p -m -g; do
	found $options
	for g in commands undo network isolation audit; do
		state $g held
	done
	state limits weaker
	for c in secret create program alias connect control undo survivor; do
		result $c blocked
	done
	backend seccomp-execve true
	backend cgroups-v2 false
done
landlock=$(jq .capabilities.landlock "$T/out")
abi=$(jq .capabilities.landlock_abi "$T/out")

# no Landlock: what it alone guaranteed is weaker, the rest is as before
found -l
state files weaker
state commands held
state isolation held
result signal blocked
backend landlock false
holds '.security_mode == "minimal"'

# the listener is refused: whatever rests on it scores nothing
found -n
for g in commands undo; do
	state $g 'not held'
done
state audit weaker
for c in program alias undo; do
	result $c 'got past'
done
backend seccomp-execve false
backend seccomp-notify false
holds '.protection_score <= 60'
if [ "$landlock" = true ]; then
	state files weaker
	result secret blocked
	if [ "$abi" -ge 4 ]; then # before Linux 6.7 it knows nothing of TCP
		result connect blocked # the proxy's port is the only one
		state network weaker
	fi
fi
result datagram blocked # there are no such sockets

found -l -n
state files 'not held'
state isolation 'not held'
result secret 'got past'
holds '.protection_score <= 15'
run "$jail" -l -n -- "$AGENTSH_BUILD/cli/agentsh" detect --strict --config "$T/config.yaml"
expect_status 1
expect_out 'seccomp-notify       -'
expect_out 'not held'

# not root: as good as root, where another user can get at the build tree
if "$jail" -u 65534 -- "$AGENTSH_BUILD/cli/agentsh" --version >/dev/null 2>&1; then
	found -u 65534
	for g in commands undo network isolation; do
		state $g held
	done
	[ "$landlock" = true ] && state files held
	result signal blocked
fi

# fast reads are named
printf 'sandbox:\n  seccomp:\n    file_monitor:\n      enabled: true\n      write_only_opens: true\n' >>"$T/config.yaml"
found
state audit weaker
holds '.reads == "decided by Landlock, not recorded"'

ls -d "${TMPDIR:-/tmp}"/agentsh-detect.*/ws/canary-kept 2>/dev/null && fail "leftovers"
exit 0

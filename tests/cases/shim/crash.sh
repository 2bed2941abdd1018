#!/bin/bash
# SPDX-License-Identifier: MIT
# Killed at any step of installing or uninstalling, both shells still run, and
# doing it again finishes the work.
. "$(dirname "$0")/lib.sh"

command -v strace >/dev/null || skip "no strace"
make_root
strace -o /dev/null -e inject=renameat:error=EIO:when=999 true 2>/dev/null ||
	skip "strace cannot trace here"

shells_work() {
	local s
	for s in bash sh; do
		run "$R/bin/$s" -c 'echo alive'
		[ "$(cat "$T/out")" = alive ] || fail "$1: $s does not run"
	done
}
cut_short() { # SYSCALL N VERB...: 0 when the command was killed
	local call=$1 n=$2
	shift 2
	(strace -o /dev/null -e inject="$call:signal=KILL:when=$n" \
		"$AGENTSH_BUILD/cli/agentsh" shim "$@" --root "$R" --bash
		exit) >/dev/null 2>&1
	[ $? = 137 ]
}
cuts=0
for call in renameat linkat unlinkat symlinkat fchmod write; do
	for n in $(seq 12); do
		make_root
		cut_short $call "$n" install-shell --shim "$SHIM" || break
		cuts=$((cuts + 1))
		shells_work "install cut at $call $n"
		run install_shim
		expect_status 0
		expect_installed
		shells_work "install repeated after $call $n"
		run uninstall_shim
		expect_as_before
	done
	for n in $(seq 12); do
		make_root
		install_shim || fail install
		cut_short $call "$n" uninstall-shell || break
		cuts=$((cuts + 1))
		shells_work "uninstall cut at $call $n"
		run uninstall_shim
		expect_status 0
		expect_as_before
	done
done
echo "cut short $cuts times"
[ "$cuts" -ge 12 ] || fail "too few places: the injection does not work"

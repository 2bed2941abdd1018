# SPDX-License-Identifier: MIT
# lib.sh - agentsh-vfs without a server: mounted CMD..., then expect_* words
#
#	. "$(dirname "$0")/lib.sh"
#	mounted bash -c 'rm a'          # in $WS, through the mount
#	expect_event '.type == "file_delete"'
#	undo; expect_file a 'content'
#
# SETTINGS: the settings object. POLICY: a policy file; default: all allowed.
# APPROVE: yes, no, or later (yes, once the command sends us SIGUSR2): the answer
# to approvals.
# RING: options for a ring that is not read meanwhile.
# COMMAND: the id under which the next command is recorded.

. "$(dirname "${BASH_SOURCE[0]}")/../lib/case.sh"
SETTINGS='{}'
POLICY=
COMMAND=c1
APPROVE=
RING=

mounted() {
	printf '%s' "$SETTINGS" >"$T/settings.json"
	LAST="$*"
	timeout "${TIMEOUT:-300}" ${AGENTSH_JAIL:+$AGENTSH_JAIL --} \
		"$AGENTSH_BUILD/tests/cases/vfs/vfs-host" ${POLICY:+-p "$POLICY"} \
		-s "$T/settings.json" ${APPROVE:+-a "$APPROVE"} $RING -c "$COMMAND" -o "$T/events" \
		"${VFS_PROGRAM:-$AGENTSH_BUILD/vfs/agentsh-vfs}" "$WS" -- "$@" \
		>"$T/out" 2>"$T/err" </dev/null
	STATUS=$?
	[ "$STATUS" = 77 ] && skip "$(grep skip: "$T/out")"
	return 0
}

expect_event() {
	jq -es "any(.[]; $1)" "$T/events" >/dev/null || {
		jq -c '[.type, .operation, .path, .effective_action, .policy.rule]' \
			"$T/events" | tail -30
		fail "no event with: $1"
	}
}

# `agentsh trash`, `undo` and so on are used from the workspace.
in_ws() { (cd "$WS" && agentsh "$@"); }

undo() {
	in_ws undo "$@" >"$T/undo.out" 2>&1 || {
		cat "$T/undo.out"
		fail "agentsh undo $*"
	}
}

# Names, modes, link counts, sizes, times and contents of the workspace.
photograph() {
	(cd "$WS" && find . -path ./.agentsh_trash -prune -o -mindepth 1 \
		-printf '%p %y %m %n %U:%G %T@ %l\n' | sed 's/^\(.* d [0-9]* \)[0-9]* /\1/' | sort
	find . -path ./.agentsh_trash -prune -o -type f -print0 | sort -z |
		xargs -0r sha256sum)
}

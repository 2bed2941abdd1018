#!/bin/bash
# SPDX-License-Identifier: MIT
# switching.sh [EVERY] - what commands are answered that are left capabilities
# and switch users, and what a process with the same capabilities is natively
#
# The matrix (matrix.c), whose parts about users (matrix_cred.c, matrix_users.c,
# matrix_random.c) need to become others. GOVERNED_FUSE: on the mount instead of
# the floor. EVERY: only each EVERYth case of the tables.
POLICY_FILE=$(dirname "$0")/allow.yaml
LEFT='CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETUID SETGID MKNOD'
CONFIG_EXTRA="sandbox: {fuse: {enabled: ${GOVERNED_FUSE:-false}}}
capabilities: {allow: [${LEFT// /, }]}"
. "$(dirname "$0")/../cases/lib/case.sh"
command -v setpriv >/dev/null || skip 'no setpriv (util-linux)'
[ "$(id -u)" = 0 ] || skip 'not root: there are no capabilities to leave'
may_switch_users || skip 'no SYS_PTRACE: commands cannot switch users'
# fchmodat2, links by an empty path, O_CREAT with O_DIRECTORY: the supervisor
# answers as these kernels do
printf '6.10\n%s\n' "$(uname -r)" | sort -CV || skip 'a kernel before 6.10'
every=${1:-223}
matrix=$AGENTSH_BUILD/tests/suites/posix-matrix

alike() {
	local set=-all word

	for word in $LEFT; do set+=,+${word,,}; done
	setpriv --no-new-privs --bounding-set="$set" --inh-caps=-all \
		--ambient-caps=-all --clear-groups "$@"
}

# Policy: leases, AIO. The kernel's: FUSE has no FALLOC_FL_COLLAPSE_RANGE and no
# RWF_DONTCACHE, O_DIRECT takes memory that is aligned to nothing; no device is
# opened there.
known() {
	grep -vE '^(aio |lease|fd-lease)' | grep -vE "$cannot"
}

cannot='^nothing at all'
[ "${GOVERNED_FUSE:-false}" = false ] || cannot='^(fd-collapse|direct|io flag 80|open-.* (link-)?char )'

same() { # WHAT
	local n

	diff <(known <"$T/native") <(known <"$T/out") >"$T/diff"
	n=$(grep -c '^>' "$T/diff")
	echo "$1: $(wc -l <"$T/native") answers, $n differ"
	[ -s "$T/native" ] || fail "$1: no answers"
	[ "$n" = 0 ] || {
		head -${SHOW:-40} "$T/diff"
		bad=1
	}
}

bad=0
mkdir "$T/n" "$WS/m"
chmod 755 "$T" "$WS"
start_server
alike "$matrix" "$T/n" "$every" >"$T/native" 2>&1
in_session "$matrix" m "$every"
expect_status 0
same 'matrix'
[ "$bad" = 0 ] || fail 'commands that switch users get other answers'

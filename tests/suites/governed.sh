#!/bin/bash
# SPDX-License-Identifier: MIT
# governed.sh [EVERY] - the matrix by a governed command, and natively by
# somebody with the same users, groups and (no) capabilities
#
# Then 41 operations on trees that others made (matrix_cred.c). GOVERNED_FUSE:
# on the mount instead of the floor. EVERY: only each EVERYth case of the tables;
# 0: none of them.
POLICY_FILE=$(dirname "$0")/allow.yaml
CONFIG_EXTRA="sandbox: {fuse: {enabled: ${GOVERNED_FUSE:-false}}}"
. "$(dirname "$0")/../cases/lib/case.sh"
command -v setpriv >/dev/null || skip 'no setpriv (util-linux)'
# fchmodat2, links by an empty path, O_CREAT with O_DIRECTORY: the supervisor
# answers as these kernels do
printf '6.10\n%s\n' "$(uname -r)" | sort -CV || skip 'a kernel before 6.10'
every=${1:-97}
matrix=$AGENTSH_BUILD/tests/suites/posix-matrix

alike() { # as a governed command is
	if [ "$(id -u)" = 0 ]; then
		setpriv --no-new-privs --bounding-set=-all --inh-caps=-all \
			--ambient-caps=-all --clear-groups "$@"
	else
		setpriv --no-new-privs "$@"
	fi
}

# Policy: leases, AIO, set-id bits on what is not a directory. The kernel's:
# FUSE has no FALLOC_FL_COLLAPSE_RANGE and no RWF_DONTCACHE, and O_DIRECT takes
# memory that is aligned to nothing. No whiteout is made either: it is a device.
known() {
	grep -vE '^(\[cannot make|aio |lease|fd-lease|set-id |whiteout|fd-[a-z_0-9]* sgid|chmod [2-7][0-7]{3}:|as (14|37) )' |
		grep -vE '^chmod_sg (file|empty|fifo|socket|link-file) (plain|vialink):' |
		grep -vE '^chmod_sg (fulldir|link-dir) below:' |
		grep -vE "$cannot"
}

cannot='^nothing at all'
[ "${GOVERNED_FUSE:-false}" = false ] || cannot='^(fd-collapse|direct|io flag 80)'

same() { # WHAT
	local n

	diff <(known <"$T/native") <(known <"$T/out") >"$T/diff"
	n=$(grep -c '^>' "$T/diff")
	echo "$1: $(wc -l <"$T/native") answers, $n differ"
	[ -s "$T/native" ] || [ "$every" = 0 ] || fail "$1: no answers"
	[ "$n" = 0 ] || {
		head -40 "$T/diff"
		bad=1
	}
}

bad=0
mkdir "$T/n" "$WS/m" "$T/as" "$WS/as"
[ "$(id -u)" != 0 ] || chmod 755 "$T"
start_server
# what is there before a session may lie in a lower layer
in_session true
"$matrix" "$T/as" "$every" prepare "$(id -u)"
"$matrix" "$WS/as" "$every" prepare "$(id -u)"
alike "$matrix" "$T/n" "$every" >"$T/native" 2>&1
in_session "$matrix" m "$every"
expect_status 0
same 'matrix'
alike "$matrix" "$T/as" "$every" act >"$T/native" 2>&1
in_session "$matrix" as "$every" act
expect_status 0
same 'on what others made'
[ "$bad" = 0 ] || fail 'governed commands get other answers'

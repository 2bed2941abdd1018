#!/bin/bash
# SPDX-License-Identifier: MIT
# crowd.sh [OPERATIONS [SEED]] - one command of many processes that make, write,
# rename, link and remove in one tree, and beside them random reads and writes of
# files that were there: all of it is undone, byte for byte, and done again
#
# CI: a few hundred operations; by hand 5000, some minutes.
. "$(dirname "$0")/lib.sh"
POLICY_FILE=$SRC/tests/suites/allow.yaml
# Which of two processes changed a directory last is not on record: its time
# afterwards may be that of either (docs/design/undo.md, not covered).
same_but_times_of_directories() {
	local line path

	python3 -S "$SNAPSHOT" compare "$T/$1.snap" "$T/$2.snap" >"$T/diff" && return
	while IFS= read -r line; do
		path=${line#\'}
		path=${path%%\':*}
		case $line in
		*' names differ') ;;
		"'"*"': mtime: "*) [ -d "$WS/$path" ] || FAILED=1 ;;
		*) FAILED=1 ;;
		esac
	done <"$T/diff"
	[ "$FAILED" = 0 ] || {
		echo "FAIL: $NAME: $3"
		cat "$T/diff"
	}
}
begin
n=${1:-150} seed=${2:-1}
suites=$AGENTSH_BUILD/tests/suites
mkdir -p "$WS/t" "$WS/f"
# what is there before: the same kinds of things, made by nobody's command
"$suites/model-ops" "$WS/t" "$seed" 400 >/dev/null
for k in 1 2 3; do head -c $((k * 70000)) /dev/urandom >"$WS/f/$k"; done

for round in 1 2; do
	take before
	in_session bash -c '
		suites=$1 n=$2 seed=$3
		for k in 1 2 3 4; do
			"$suites/model-ops" t $((seed + k)) "$n" >/dev/null || echo "ops $k: $?" &
		done
		for k in 1 2 3; do
			: >"f/$k"
			"$suites/data-ops" "f/$k" $((seed + k)) "$n" || echo "data $k: $?" &
		done
		wait' - "$suites" "$n" $((seed + round * 10))
	expect_status 0
	[ "$(grep -c ' operations' "$T/out")" = 3 ] || fail 'what was written is not what was read'
	expect_no_out ': '
	take after
	cmp -s "$T/before.snap" "$T/after.snap" && fail 'nothing was changed'
	NAME=round$round
	undo || {
		head -20 "$T/undo.out"
		fail "$NAME: undo says so"
	}
	take undone
	same_but_times_of_directories before undone undo
	undo --redo || {
		head -20 "$T/undo.out"
		fail "$NAME: redo says so"
	}
	take redone
	same_but_times_of_directories after redone redo
done
finish

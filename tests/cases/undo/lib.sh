# SPDX-License-Identifier: MIT
# lib.sh - undo scenarios: what a command did, undone and done again, compared
# with full snapshots (tests/lib/snapshot.py)
#
#	. "$(dirname "$0")/lib.sh"
#	begin
#	scenario NAME 'set-up outside' 'command in the session'
#
# Both run with the directory $WS/NAME as the working directory. A line of a
# session script may fail (its status is not looked at) unless it says so.

. "$(dirname "${BASH_SOURCE[0]}")/../lib/case.sh"
# AGENTSH_FUSE=1: the same through the mount.
CONFIG_EXTRA=${CONFIG_EXTRA:-}
if [ -n "${AGENTSH_FUSE:-}" ]; then
	case $CONFIG_EXTRA in
	*'fuse: {'*) CONFIG_EXTRA=${CONFIG_EXTRA/fuse: \{/fuse: \{enabled: true, } ;;
	*sandbox:*) skip 'a configuration that the mount cannot be added to' ;;
	*) CONFIG_EXTRA="sandbox: {fuse: {enabled: true}}
$CONFIG_EXTRA" ;;
	esac
fi
SNAPSHOT=$SRC/tests/lib/snapshot.py
POLICY_FILE=${POLICY_FILE:-$SRC/tests/cases/undo/policy.yaml}
FAILED=0
# version managers put slow wrappers around it
PATH=$(dirname "$(python3 -c 'import sys; print(sys.executable)')"):$PATH

# take NAME [DIR]
take() { python3 -S "$SNAPSHOT" take "${2:-$WS}" >"$T/$1.snap" || fail "snapshot $1"; }

same() {
	python3 -S "$SNAPSHOT" compare "$T/$1.snap" "$T/$2.snap" >"$T/diff" && return 0
	echo "FAIL: $NAME: $3"
	cat "$T/diff"
	FAILED=1
}

begin() {
	start_server
	in_session true
	expect_status 0
	[ -d "$WS/.agentsh_trash" ] || fail "nothing is kept here"
}

undo() { (cd "$WS" && agentsh undo "$@") >"$T/undo.out" 2>&1; }

# scenario NAME SETUP COMMAND: undo and redo must give both states again
scenario() {
	NAME=$1
	echo "$NAME"
	mkdir -p "$WS/$NAME"
	(cd "$WS/$NAME" && bash -c "$2") || fail "$NAME: set-up"
	take before "$WS/$NAME"
	in_session bash -c "cd '$WS/$NAME' && { $3
}"
	cp "$T/err" "$T/command.err"
	take after "$WS/$NAME"
	cmp -s "$T/before.snap" "$T/after.snap" && {
		cat "$T/err"
		fail "$NAME: the command changed nothing"
	}
	undo || {
		echo "FAIL: $NAME: undo says $?"
		head -20 "$T/undo.out"
		FAILED=1
	}
	take undone "$WS/$NAME"
	same before undone "undo"
	undo --redo || {
		echo "FAIL: $NAME: redo says $?"
		head -20 "$T/undo.out"
		FAILED=1
	}
	take redone "$WS/$NAME"
	same after redone "redo"
	[ "$FAILED" = 0 ] || head -5 "$T/command.err"
}

finish() { [ "$FAILED" = 0 ] || exit 1; }

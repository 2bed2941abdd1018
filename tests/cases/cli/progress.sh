#!/bin/bash
# SPDX-License-Identifier: MIT
# progress.sh - a bar on a terminal for what takes longer than a second, and
# nothing of it anywhere else
. "$(dirname "$0")/../lib/case.sh"
HERE=$(cd "$(dirname "$0")" && pwd)
export TERM=xterm
BIN=$AGENTSH_BUILD/cli/agentsh
start_server
cd "$WS" || exit 1
in_session true
agentsh checkpoint create --session s --workspace "$WS" >/dev/null ||
	fail "no checkpoint"
in_session bash -c 'mkdir a b; for i in $(seq 2000); do echo $i >a/$i; done'
in_session cp -r a b
in_session rm -rf a
expect_status 0

# How long a thing takes is not ours to say: a bar comes at once, or never.
seen() { run env AGENTSH_PROGRESS_AFTER=0s python3 "$HERE/progress.py" "$@"; }

# bar WORD CMD...: CMD shows a bar of that name, and takes it away.
bar() {
	local word=$1
	shift
	seen "$BIN" "$@"
	grep -q "r$word  .*[0-9]" "$T/out" || fail "no bar: $word: $*"
	grep -qE "\\\\r\\\\x1b\[K[^\\\\]*('|\\\\r\\\\n)" "$T/out" ||
		fail "left on the screen: $*"
	# the same without a terminal, and where it is not wanted
	! grep -q "$word  " "$T/err" || fail "bar beside the terminal: $*"
}
# no_bar CMD...
no_bar() {
	seen "$@"
	! grep -q 'verifying  ' "$T/out" || fail "a bar: $*"
}
DB=$T/data/events.db
bar verifying audit verify "$DB"
grep -q '%  [0-9,]* of [0-9,]* entries' "$T/out" || fail "no gauge"
no_bar "$BIN" --json audit verify "$DB"
no_bar "$BIN" --quiet audit verify "$DB"
no_bar env TERM=dumb "$BIN" audit verify "$DB"
no_bar bash -c "exec '$BIN' audit verify '$DB' 2>'$T/file'"
[ ! -s "$T/file" ] || fail "a bar in a file"
# a short one shows nothing
run env AGENTSH_PROGRESS_AFTER=1h python3 "$HERE/progress.py" \
	"$BIN" audit verify "$DB"
grep -qx "b''" "$T/out" || fail "shown although it was quick"

bar reading report s --level summary --direct-db --db-path "$DB"
bar reading policy generate s --direct-db --db-path "$DB"
bar reading report s --level summary
bar comparing checkpoint show --diff --workspace "$WS" \
	"$(agentsh checkpoint list --json --workspace "$WS" | jq -r '.[0].id')"
bar undoing undo
bar redoing undo --redo
bar restoring trash restore "$(agentsh trash list --json | jq -r 'max_by(.entries).token')"
bar purging trash purge --all
bar packing backup --config "$T/config.yaml" --output "$T/b.tar.gz"
grep -q '%  [0-9.]* of [0-9.]* MB' "$T/out" || fail "no gauge in megabytes"
mkdir "$T/root"
bar unpacking restore --input "$T/b.tar.gz" --root "$T/root"

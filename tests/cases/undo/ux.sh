# SPDX-License-Identifier: MIT
# ux.sh - what a person or a program is told, and how little has to be typed
POLICY_FILE=$(cd "$(dirname "$0")/../../.." && pwd)/data/policies/default.yaml
. "$(dirname "$0")/lib.sh"
begin
cd "$WS" || fail cd
u() { run agentsh undo "$@"; }

# one line after a command that destroyed something
mkdir -p d/e
for i in $(seq 8); do echo "$i" >d/e/$i; done
echo old >keep
in_session bash -c "rm -r $WS/d; echo new >$WS/keep"
expect_status 0
expect_err 'agentsh: 10 files removed, 1 changed; bring back with: agentsh undo --command cmd-'
expect_err 'soft-delete: 5 more; agentsh trash list shows all'
[ "$(grep -c '^soft-delete' "$T/err")" = 6 ] || fail 'token lines'
cmd=$(sed -n 's/.*agentsh undo --command //p' "$T/err")
in_session echo nothing
expect_no_err 'bring back'
in_session bash -c "echo own >$WS/own; rm $WS/own"
expect_no_err 'bring back'

# any directory of the workspace; no server; a prefix of the id; a dry run
mkdir -p "$WS/x/y/.agentsh_trash"
cd "$WS/x/y" || fail cd
AGENTSH_SERVER=http://127.0.0.1:1 u --dry-run
expect_status 0
expect_out "$cmd: bash -c rm -r"
expect_out 'would undo'
[ ! -e "$WS/d" ] || fail 'a dry run did something'
u --command "${cmd:0:12}"
expect_status 0
expect_out 'undone: 1'
expect_out 'agentsh undo --redo takes this back'
[ "$(cat "$WS/keep" "$WS/d/e/8")" = "old
8" ] || fail 'not back'
u --redo --json
expect_status 0
jq -e '.redo and .done > 5 and .conflicts == 0' "$T/out" >/dev/null || fail 'JSON'
[ ! -e "$WS/d" ] || fail 'not redone'
run agentsh undo --root "$WS" "${cmd#cmd-}" 2>/dev/null
cd "$T" || fail cd
u --root "$WS" --command "${cmd#cmd-}"
expect_status 0
[ -f "$WS/d/e/8" ] || fail 'not back (2)'
cd /proc || fail cd
u --trash-path .agentsh_trash # named: / may be somebody's workspace
expect_status 1
expect_err 'no .agentsh_trash in this directory or above it'
cd "$WS" || fail cd
u --command cmd-ffffffff-none
expect_status 1
expect_err 'no command'

# the receipt as data; quiet
run agentsh exec --root="$WS" --output json s -- rm "$WS/keep"
jq -e '.receipt.removed == 1 and (.receipt.undo | startswith("agentsh undo --command cmd-"))' \
	"$T/out" >/dev/null || fail "no receipt in JSON"
u
expect_status 0
run agentsh exec --quiet --root="$WS" s -- rm "$WS/keep"
expect_no_err 'bring back'
u
expect_status 0

# changed since: left alone, said, and forced if wanted
in_session bash -c "echo agent >$WS/keep"
sleep 0.02
echo mine >keep
u
expect_status 2
expect_out 'keep: changed since the command ended'
expect_out '1 changed since (--force'
[ "$(cat keep)" = mine ] || fail 'my change was overwritten'
u --force
expect_status 0
[ "$(cat keep)" = old ] || fail 'not forced'
u --redo
[ "$(cat keep)" = mine ] || fail 'what was forced away is not kept'

# while a command runs
in_session true
agentsh exec --root="$WS" s -- bash -c "rm $WS/d/e/1; until [ -e $WS/x/go ]; do sleep 0.1; done" 2>/dev/null &
CLIENT=$!
eventually test ! -e d/e/1 || fail 'not removed'
u
expect_status 0
[ -e d/e/1 ] || fail 'not back while the command runs'
kill -0 "$CLIENT" || fail 'it does not run'
: >x/go
wait "$CLIENT"

# history and versions
printf 'v1\n' >v
for n in 2 3; do
	in_session bash -c "echo v$n >$WS/v"
	sed -n 's/.*--command //p' "$T/err" >"$T/cmd$n"
done
run agentsh undo history v
[ "$(grep -c truncate "$T/out")" = 2 ] || fail 'history'
run agentsh undo history v --json
jq -e 'length >= 2 and (.[0].command | startswith("cmd-"))' "$T/out" >/dev/null || fail 'history JSON'
run agentsh undo show "v@$(cut -c1-14 "$T/cmd2")"
expect_out v1
run agentsh undo show "v@$(cat "$T/cmd3")"
expect_out v2
run agentsh undo show v
expect_out v2
run agentsh undo status
expect_status 0
expect_out 'Not kept:  0'
expect_out 'Not covered:'
run agentsh undo status --json
jq -e '.not_kept == 0 and (.not_covered | length) > 0 and .commands[0].command' "$T/out" >/dev/null || fail 'status JSON'

# the same as verbs of their own
run agentsh history v
[ "$(grep -c truncate "$T/out")" = 2 ] || fail 'agentsh history'
run agentsh show v
expect_out v2
in_session rm "$WS/v"
u
expect_status 0
run agentsh redo --json
expect_status 0
jq -e '.redo and .done == 1' "$T/out" >/dev/null || fail 'agentsh redo'
[ ! -e v ] || fail 'agentsh redo'
u
[ -e v ] || fail 'undone once more'

# of a path: what happened to it last, whatever came after
in_session rm "$WS/v"
in_session bash -c "echo other >$WS/o; echo changed >$WS/o"
u v
expect_status 0
[ -e v ] && [ "$(cat o)" = changed ] || fail 'undo PATH'

# a session of its own is undone as a whole
run agentsh exec --root="$WS" s2 -- bash -c "rm $WS/v"
run agentsh exec --root="$WS" s2 -- bash -c "rm $WS/d/e/2"
u --session s2
expect_status 0
[ -e v ] && [ -e d/e/2 ] || fail 'session not undone'

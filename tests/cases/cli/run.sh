# SPDX-License-Identifier: MIT
# run.sh - one command without a server: judged, confined, recorded, undoable
. "$(dirname "$0")/../lib/case.sh"
command -v jq >/dev/null || skip "no jq"
PORT=$(free_port)
mkdir -p "$T/home"
export HOME=$T/home AGENTSH_CONFIG=$T/config.yaml
unset XDG_CONFIG_HOME AGENTSH_SERVER
write_config
PATH=$AGENTSH_BUILD/cli:$PATH
cd "$WS" || exit 1
alone() { run agentsh run "${FLAGS[@]}" -- "$@"; }
FLAGS=()

# twice each: from the files, and from the plan made of them
for _ in 1 2; do
	alone /bin/echo out
	expect_status 0
	expect_out out
	alone sh -c 'echo err >&2; exit 3'
	expect_status 3
	expect_err err
done
ls "$HOME"/.config/agentsh/run/*.plan >/dev/null || fail "no plan was kept"
alone sh -c 'kill -9 $$'
expect_status 137
alone nosuchprogram
expect_status 127
alone sudo id
expect_status 126
expect_err 'command denied by policy'
alone sh -c 'cat /etc/shadow'
expect_status 1
expect_err 'Permission denied'
# there is no proxy here that would know names, and it says so
sed '/^network_rules:/,/^[a-z]/{/^network_rules:/d;/^  /d;/^ *#/d}' \
	"$SRC/data/policies/default.yaml" >"$T/policies/names.yaml"
printf 'network_rules:\n  - {name: one, domains: [example.org], decision: allow}\n' \
	>>"$T/policies/names.yaml"
FLAGS=(--policy names)
alone bash -c 'exec 3<>/dev/tcp/192.0.2.1/443'
expect_status 1
expect_err 'rules that name hosts are not applied'
FLAGS=()
FLAGS=(--timeout 300ms)
alone sleep 20
expect_status 124
FLAGS=(--policy nosuch)
alone true
expect_status 127
expect_err nosuch
FLAGS=()
run agentsh run true
expect_status 2

# streams are the command's
echo input | agentsh run -- cat >"$T/cat" || fail "cat"
[ "$(cat "$T/cat")" = input ] || fail "stdin was not the command's"
# no terminal of ours, no privilege, one filter
alone cat /proc/self/status
grep -q '^CapEff:.*0000000000000000$' "$T/out" || fail "capabilities"
grep -q '^NoNewPrivs:.*1' "$T/out" || fail "no_new_privs"
grep -q '^Seccomp:.*2' "$T/out" || fail "no filter"
# nothing is left behind
alone sh -c "setsid sleep 4715$$ & sleep 0.1"
expect_status 0
! pgrep -f "sleep 4715$$" >/dev/null || fail "a process outlived the command"
# a signal for us is one for the command
"$AGENTSH_BUILD/cli/agentsh" run -- sh -c 'trap "echo got; exit 5" TERM; echo ready; while :; do sleep 0.05; done' >"$T/out" &
P=$!
eventually grep -q ready "$T/out"
kill -TERM "$P"
wait "$P"
STATUS=$?
expect_status 5
expect_out got

# what is destroyed is kept
echo precious >"$WS/file"
alone rm file
expect_status 0
[ ! -e "$WS/file" ] || fail "rm did nothing"
expect_err 'agentsh: 1 file removed; bring back with: agentsh undo --command cmd-'
echo other >"$WS/other"
FLAGS=(--quiet)
alone rm other
expect_no_err 'bring back'
agentsh undo >/dev/null || fail "undo of the quiet one"
FLAGS=()
alone true
expect_no_err 'bring back'
run agentsh undo
expect_status 0
[ "$(cat "$WS/file")" = precious ] || fail "not undone"

# a change of the policy counts at once
alone /bin/echo before
expect_status 0
sed -i 's/^command_rules:/command_rules:\n  - {name: no-echo, commands: [echo], decision: deny}/' \
	"$T/policies/default.yaml"
alone /bin/echo after
expect_status 126
expect_err no-echo
# a plan that others may write is not used
chmod 666 "$HOME"/.config/agentsh/run/*.plan
alone true
expect_status 0

# The commands cannot write what decides about the next one, nor the record.
alone sh -c "echo x >>$T/data/oneshot.spool; : >$T/data/oneshot.spool; rm -rf $HOME/.cache/agentsh; echo x >$T/config.yaml"
[ -s "$T/data/oneshot.spool" ] || fail "the record was emptied"
ls "$HOME"/.config/agentsh/run/*.plan >/dev/null || fail "the plans were removed"
grep -q http "$T/config.yaml" || fail "the configuration was changed"

# many at once: one record
PIDS=
for i in $(seq 8); do agentsh run -- /bin/true "$i" & PIDS="$PIDS $!"; done
wait $PIDS

# the next server takes the record over, whole and once
start_server
run agentsh events query --limit 5000
expect_status 0
has() { jq -e "any(.[]; $1)" "$T/out" >/dev/null || fail "no event with: $1"; }
has '.type == "session_created" and .fields.without_server'
has '.type == "command_policy" and .policy.rule == "no-echo"'
has '.type == "execve" and .argv == ["cat", "/etc/shadow"]'
has '.path == "/etc/shadow" and .policy.effective_decision == "deny"'
for i in $(seq 8); do
	[ "$(jq "[.[] | select(.type == \"command_started\" and .fields.args == [\"$i\"])] | length" "$T/out")" = 1 ] ||
		fail "command $i is not on record once"
done
jq -e '[.[] | select(.type == "spool_damaged")] | length == 0' "$T/out" >/dev/null ||
	fail "the spool's chain is broken"
[ ! -s "$T/data/oneshot.spool" ] || fail "the spool was not emptied"
# while it runs, too; and what somebody changed is not believed
alone /bin/true later
run agentsh events query --type command_started --limit 1
expect_out later
alone /bin/true more
printf 'x' | dd of="$T/data/oneshot.spool" bs=1 seek=40 conv=notrunc 2>/dev/null
run agentsh events query --type spool_damaged
expect_out '"offset"'
[ -s "$T/data/oneshot.spool.damaged" ] || fail "what was damaged is gone"
exit 0

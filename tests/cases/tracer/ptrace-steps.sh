# SPDX-License-Identifier: MIT
# ptrace-steps.sh - what happens between the calls that a tracer makes a command
# make: code that goes on elsewhere, other ways into the kernel, stops, ends
. "$(dirname "$0")/lib.sh"
P=$AGENTSH_BUILD/tests/cases/tracer

# outside they win: each takes the file that it may not touch
for word in rseq 'patch 1000000' foreign 'dispatch 1000000'; do
	# shellcheck disable=SC2086
	(cd "$WS" && echo secret >.env &&
		timeout 60 "$P/ptrace-steps" $word) >"$T/out" 2>"$T/err"
	[ "$(uname -m)" != x86_64 ] || grep -q '^taken' "$T/out" ||
		fail "outside, $word took nothing"
	rm -f "$WS/taken"
done

traced true
case ${AGENTSH_LAYERS:-} in
*ptrace*)
	! grep -q '^ready ptrace off' "$T/messages" ||
		skip "no ptrace: $(grep '^ready ptrace off' "$T/messages")"
	expect_message '^ready ptrace on'
	;;
esac

echo secret >"$WS/.env"
for word in rseq patch spin foreign dispatch; do
	traced "$P/ptrace-steps" "$word"
	expect_no_out taken
	expect_status 0
	expect_out "ok $word"
	[ "$(cat "$WS/.env")" = secret ] || fail "$word changed the file"
done

for word in stops kills "orphan $(type -P true)" "siblings $(type -P true)" \
	vfork 'crowd 400'; do
	# shellcheck disable=SC2086
	traced "$P/ptrace-storms" $word
	expect_status 0
	expect_out "ok ${word%% *}"
	[ ! -e "$WS/taken" ] || fail "$word took the file"
	expect_no_event '.type == "ptrace_escape"'
done

# filters of the command's own around those calls: an error, an end, no gain
traced "$P/ptrace-storms" filters
expect_status 0
expect_out 'ok filters'
[ ! -e "$WS/taken" ] || fail "a filter took the file"

# what is denied is denied to a thread without its first one, and beside others
traced "$P/ptrace-storms" orphan "$(type -P id)"
expect_no_out uid=
expect_event '.type == "execve" and .effective_action == "blocked"'
traced "$P/ptrace-storms" siblings "$(type -P id)"
expect_no_out uid=
expect_out 'status d00'
exit 0

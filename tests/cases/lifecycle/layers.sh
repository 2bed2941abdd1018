# SPDX-License-Identifier: MIT
# layers.sh - what holds is in the session's record, in the log and, when
# something is missing, told once; sandbox.require makes it a condition
. "$(dirname "$0")/../lib/case.sh"
jail=$AGENTSH_BUILD/tests/cases/degrade
"$jail" -n -- true || skip "no jail"
AGENTSH_JAIL="$jail -n" # the listener is refused: notify and undo are missing
start_server
in_session true
expect_status 0
agentsh session info s >"$T/out"
jq -e 'any(.protection[]; .name == "notify" and (.active | not))' "$T/out" >/dev/null ||
	fail "session info does not say so"
expect_event '.type == "session_protection" and
	any(.fields.layers[]; .name == "notify" and (.active | not))'
kill "$SERVER_PID"
wait "$SERVER_PID"

# each guarantee as a condition: those that hold here, those that do not
for g in commands files undo network isolation audit limits; do
	sed -i '/^sandbox:/,$d' "$T/config.yaml"
	printf 'sandbox:\n  require: [%s]\n' "$g" >>"$T/config.yaml"
	start_server
	run agentsh exec --root="$WS" "r-$g" -- true
	case $g in
	isolation) expect_status 0 ;; # its layers are the static ones
	*)
		[ "$STATUS" != 0 ] || fail "$g does not hold, and it ran"
		grep -q "sandbox.require: $g does not hold" "$T/err" "$T/out" ||
			fail "$g: not said why"
		;;
	esac
	kill "$SERVER_PID"
	wait "$SERVER_PID"
done
SERVER_PID=
exit 0

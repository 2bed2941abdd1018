# SPDX-License-Identifier: MIT
# signals.sh - a command signals its own processes and nobody else's, with
# Landlock's scope and with notifications
. "$(dirname "$0")/lib.sh"

sleep 3000 &
outside=$!

for SETTINGS in '{}' '{"seccomp": {"notify_signals": true}}' \
	'{"seccomp": {"notify_signals": true}, "cgroups": {"enabled": false}}' \
	'{"seccomp": {"notify_signals": true}, "landlock": {"enabled": false}}'; do
	traced bash -c "
		kill -9 $outside && echo wrong
		kill -9 \$PPID && echo wrong
		kill -9 -- -$outside && echo wrong
		kill -0 1 && echo wrong
		sleep 600 & kill \$! && wait \$!; echo child \$?
		set -m
		true | sleep 600 & sleep 0.1; kill -- -\$(jobs -p) && echo group
		set +m
		(setsid sleep 600 & echo \$! >pid); sleep 0.1
		kill -9 \$(cat pid) && echo daemon
		trap 'echo self' USR1; kill -USR1 \$\$; echo end"
	kill -0 "$outside" 2>/dev/null || fail "outside process was killed"
	expect_no_out wrong
	for w in 'child 143' group daemon self end; do expect_out "$w"; done
	case $SETTINGS in
	*notify_signals*)
		expect_event ".type == \"signal_sent\" and .fields.target_pid == $outside and .effective_action == \"blocked\""
		;;
	esac
done
kill "$outside"

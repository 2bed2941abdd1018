#!/bin/bash
# SPDX-License-Identifier: MIT
# packaged.sh - no configuration anywhere: exec starts a server on the defaults
# that came with the program, says so once, and keeps data where it belongs
. "$(dirname "$0")/../lib/case.sh"
. "$(dirname "$0")/../lib/own_host.sh"
own_host nm "$@"
if [ "${1:-}" = inside ]; then
	mount -t tmpfs tmpfs /var/lib # what a root server writes stays here
	[ ! -d /etc/agentsh ] || mount -t tmpfs tmpfs /etc/agentsh
	[ ! -d /run/agentsh ] || mount -t tmpfs tmpfs /run/agentsh # another server
fi
export HOME=$T/home
unset XDG_CONFIG_HOME XDG_DATA_HOME
mkdir "$HOME"
cd "$WS" || exit 1

as_root() { # where everybody's data is kept
	local ran=0

	[ ! -e /var/lib/agentsh/events.db ] || fail "there is a server's data"
	[ ! -d /run/agentsh ] || ran=1
	run agentsh exec s -- sh -c 'echo governed'
	expect_status 0
	expect_out governed
	[ "$(grep -c 'none is installed' "$T/err")" = 1 ] || fail "not said once"
	[ -f /var/lib/agentsh/events.db ] || fail "no database in /var/lib/agentsh"
	run agentsh exec s -- cat /etc/shadow
	expect_status 1
	expect_err 'blocked by policy'
	expect_no_err 'none is installed'
	run agentsh policy list
	expect_out '"default.yaml"'
	own_host_end
	rm -rf /var/lib/agentsh # a mount of ours, or a container's
	[ $ran = 1 ] || rmdir /run/agentsh # where the packaged socket was
	chmod 755 "$T" "$T/home"
	chown -R 1000:1000 "$T/home"
}
# another user: the XDG directories
USER_ID=$(id -u)
as_user() { run env AGENTSH_RUNTIME_DIR="$T/home/run" "$@"; }
mkdir -m 700 "$T/home/run"
if [ "$USER_ID" = 0 ]; then
	as_root
	USER_ID=1000
	as_user() {
		run setpriv --reuid 1000 --regid 1000 --clear-groups \
			env AGENTSH_RUNTIME_DIR="$T/home/run" "$@"
	}
fi
cd "$T/home" || exit 1
as_user "$AGENTSH_BUILD/cli/agentsh" exec u -- sh -c 'id -u'
[ "$STATUS" != 126 ] || skip "another user may not use the build tree"
expect_status 0
expect_out "$USER_ID"
[ -f "$HOME/.local/share/agentsh/events.db" ] || fail "no database in XDG dir"

#!/bin/bash
# SPDX-License-Identifier: MIT
# packaged.sh - no configuration anywhere: exec starts a server on the defaults
# that came with the program, says so once, and keeps data where it belongs
. "$(dirname "$0")/../lib/case.sh"

if [ "${1:-}" != inside ]; then
	command -v ip >/dev/null || skip "no ip(8)"
	unshare -nmpf --mount-proc true 2>/dev/null ||
		skip "no network, mount and process namespaces"
	unshare -nmpf --mount-proc --kill-child bash "$0" inside
	exit
fi
ip link set lo up
mount -t tmpfs tmpfs /var/lib # what a root server writes stays here
[ ! -d /etc/agentsh ] || mount -t tmpfs tmpfs /etc/agentsh
export HOME=$T/home
unset XDG_CONFIG_HOME XDG_DATA_HOME
mkdir "$HOME"
cd "$WS" || exit 1

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

# another user: the XDG directories
pkill -x agentsh
chmod 755 "$T" "$T/home"
mkdir -m 700 "$T/home/run"
chown -R 1000:1000 "$T/home"
as_user() {
	run setpriv --reuid 1000 --regid 1000 --clear-groups \
		env AGENTSH_RUNTIME_DIR="$T/home/run" "$@"
}
cd "$T/home" || exit 1
as_user "$AGENTSH_BUILD/cli/agentsh" exec u -- sh -c 'id -u'
[ "$STATUS" != 126 ] || skip "another user may not use the build tree"
expect_status 0
expect_out 1000
[ -f "$HOME/.local/share/agentsh/events.db" ] || fail "no database in XDG dir"

#!/bin/bash
# SPDX-License-Identifier: MIT
# chroot.sh - a server in a chroot: commands see the mount over the workspace, and
# the chroot's files, not the host's (entering a mount namespace leaves a chroot)
. "$(dirname "$0")/../lib/case.sh"

if [ "${1:-}" != inside ]; then
	[ "$(id -u)" = 0 ] || skip "no root"
	[ -c /dev/fuse ] || skip "no /dev/fuse"
	unshare -mpf --mount-proc true 2>/dev/null || skip "no namespaces"
	. "$SRC/scripts/overlay-root.sh"
	declare -f overlay_root >"$T/overlay"
	mkdir "$T/over"
	unshare -mpf --mount-proc --kill-child bash -c '. "$1/overlay"
		overlay_root "$1/over" / || exit 77
		echo inside >"$R/which"
		for dir in "$2" "$AGENTSH_BUILD"; do # hidden when below /tmp
			mkdir -p "$R$dir" && mount --bind "$dir" "$R$dir" || exit 77
		done
		exec chroot "$R" bash "$3" inside' bash "$T" "$SRC" "$(realpath "$0")"
	exit
fi

[ "$(cat /which)" = inside ] || fail "no chroot"
CONFIG_EXTRA='sandbox: {fuse: {enabled: true}}'
start_server
in_session sh -c 'cat /which; grep -c " fuse.agentsh " /proc/mounts; echo new >file'
expect_status 0
[ "$(cat "$T/out")" = 'inside
1' ] || fail "$(cat "$T/out")"
[ "$(cat "$WS/file")" = new ] || fail "not in the workspace"
in_session rm file
expect_status 0
run agentsh undo --root "$WS"
[ "$(cat "$WS/file")" = new ] || fail "undo"

#!/bin/bash
# SPDX-License-Identifier: MIT
# rootless.sh - the mount over the workspace for a user who is not root: in a
# user namespace of its own, with undo, and nothing of it outside
if [ "${1:-}" != user ]; then
	skip() { echo "SKIP: $*"; exit 77; }
	[ "$(id -u)" = 0 ] || skip "root: it becomes another user"
	[ -c /dev/fuse ] || skip "no /dev/fuse"
	setpriv --reuid 65534 --regid 65534 --clear-groups \
		unshare -Urm true 2>/dev/null || skip "no user namespaces"
	setpriv --reuid 65534 --regid 65534 --clear-groups \
		test -x "$AGENTSH_BUILD/cli/agentsh" ||
		skip "another user cannot get at the build tree"
	H=$(mktemp -d "${TMPDIR:-/tmp}/agentsh-case.rootless.XXXXXX")
	# what udev makes of it; this machine may have none
	mknod "$H/fuse" c 10 229 && chmod 666 "$H/fuse" || skip "no mknod"
	mkdir "$H/tmp"
	chown 65534:65534 "$H/tmp"
	chmod 711 "$H"
	unshare -m sh -c 'mount --bind "$1" /dev/fuse && shift && exec "$@"' sh "$H/fuse" \
		setpriv --reuid 65534 --regid 65534 --clear-groups \
		env HOME="$H/tmp" TMPDIR="$H/tmp" bash "$0" user
	status=$?
	rm -rf --one-file-system "$H"
	exit $status
fi
CONFIG_EXTRA='sandbox:
  fuse:
    enabled: true'
. "$(dirname "$0")/../lib/case.sh"
start_server
cd "$WS" || exit 1
mkdir -p src/deep
for i in 1 2 3; do echo "file $i" >"src/deep/$i"; done
chmod 640 src/deep/2
(cd src && find . -type f -exec stat -c '%n %a %s %Y' {} + | sort) >"$T/before"

in_session sh -c 'rm -rf src; echo new >a; cat a; id -u'
expect_status 0
expect_out new
expect_out 65534
agentsh session info s | jq -e '.protection[] |
	select(.name == "fuse") | .active' >/dev/null || fail "no mount"
expect_event '.type == "fuse_mounted" and (.fields.mount_point // "" | test("user namespace"))'
grep -q agentsh /proc/self/mounts && fail "the mount shows outside"
[ ! -e src ] || fail "it was not removed"
run agentsh undo
expect_status 0
(cd src && find . -type f -exec stat -c '%n %a %s %Y' {} + | sort) >"$T/after"
diff "$T/before" "$T/after" || fail "not as it was"
in_session cat /etc/shadow
[ "$STATUS" != 0 ] || fail "shadow"

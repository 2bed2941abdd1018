#!/bin/bash
# SPDX-License-Identifier: MIT
# broken.sh - a disk that fails under the workspace: a file that cannot be read
# any more (EIO), and a file system that goes read-only in the middle. Commands
# are told so, nothing hangs, nothing is destroyed that is not kept, and what was
# kept comes back when the disk is mounted again.
#
# In a mount namespace of its own: no other process's copy of all mounts keeps
# the disk busy.
[ -n "${BROKEN_ALONE:-}" ] || ! unshare -m true 2>/dev/null ||
	BROKEN_ALONE=1 exec unshare -m bash "$0" "$@"
. "$(dirname "$0")/lib.sh"
[ -n "${BROKEN_ALONE:-}" ] || skip 'no mount namespace'
[ "$(id -u)" = 0 ] || skip 'mounting needs root'
for tool in mkfs.ext4 debugfs losetup; do
	command -v "$tool" >/dev/null || skip "no $tool"
done
LOOP=
unmount() {
	local st=$?

	agentsh session destroy s >/dev/null 2>&1
	umount -l "$WS" 2>/dev/null
	[ -z "$LOOP" ] || losetup -d "$LOOP" 2>/dev/null
	(exit "$st")
	case_cleanup
}
trap unmount EXIT
attach() { # a loop device that is gone when it is unmounted
	LOOP=$(losetup -f --show "$T/img" 2>/dev/null) || skip 'no loop device'
	mount "$LOOP" "$WS" || skip 'no loop device can be mounted'
}
stop_server() { # it may see the mount in a namespace of its own
	agentsh session destroy s >/dev/null 2>&1
	kill "$SERVER_PID"
	wait "$SERVER_PID"
	SERVER_PID=
}
detach() { # the session's processes may hold it for a moment
	for _ in $(seq 600); do umount "$WS" 2>/dev/null && break; sleep 0.1; done
	losetup -d "$LOOP"
	for _ in $(seq 600); do losetup "$LOOP" >/dev/null 2>&1 || break; sleep 0.1; done
}

# one block of `bad` is where the image has ended since
truncate -s 32M "$T/img"
seq 7000 8191 >"$T/blocks"
mkfs.ext4 -q -F -b 4096 -O '^has_journal,^extent,^64bit' -l "$T/blocks" "$T/img" 2>/dev/null ||
	skip 'no ext4'
attach
mkdir "$WS/d"
for i in $(seq 30); do seq "$i" 200 >"$WS/d/$i"; done
head -c 40000 /dev/urandom >"$WS/bad"
detach
cp "$T/img" "$T/whole"
debugfs -w -R 'sif /bad block[2] 7100' "$T/img" >/dev/null 2>&1
attach
truncate -s $((7000 * 4096)) "$T/img"
if cat "$WS/bad" >/dev/null 2>&1; then skip 'the loop device reads what is not there'; fi
start_server

in_session bash -c 'cat bad >/dev/null; echo "read $?"
	cat d/1 | wc -l; echo more >>d/2; mv bad worse && mv worse bad; echo "moved $?"'
expect_status 0
expect_err 'Input/output error'
expect_out 'read 1'
expect_out 'moved 0'
# writing into it: what cannot be read cannot be kept, and is not destroyed
in_session bash -c 'printf x | dd of=bad bs=1 seek=5 conv=notrunc 2>&1; echo "written ${PIPESTATUS[1]}"'
expect_status 0
expect_out 'written 1'
# it can be removed, and comes back, no better
in_session bash -c 'rm bad d/3 && echo gone'
expect_out gone
undo || fail "undo: $(cat "$T/undo.out")"
[ -s "$WS/bad" ] && [ "$(stat -c %s "$WS/bad")" = 40000 ] || fail 'the file is lost'
[ "$(head -1 "$WS/d/3")" = 3 ] || fail 'another file is lost'

# the same disk whole, that goes read-only while a command deletes
stop_server
detach
mv "$T/whole" "$T/img"
tune2fs -e remount-ro "$T/img" >/dev/null
attach
error=/sys/fs/ext4/$(basename "$LOOP")/trigger_fs_error
[ -w "$error" ] || { finish; exit 0; }
start_server
in_session true
take before
mkfifo "$T/go"
agentsh exec --root="$WS" s -- bash -c 'for i in $(seq 10); do rm d/$i || exit 3; done
	echo half; read -r _ || true
	rm d/11; echo "removed $?"; echo x >d/12; echo "written $?"; touch d/new; echo "made $?"
	cat d/13 | wc -l' <"$T/go" >"$T/o" 2>"$T/e" &
client=$!
exec 9>"$T/go"
for _ in $(seq 600); do grep -q half "$T/o" && break; sleep 0.1; done
grep -q half "$T/o" || fail "nothing was removed: $(cat "$T/o" "$T/e")"
sync -f "$WS" # what is in memory alone is lost with any file system
echo test >"$error"
exec 9>&-
wait "$client"
for word in 'removed 1' 'written 1' 'made 1' '188'; do
	grep -q "$word" "$T/o" || fail "after the error: no '$word': $(cat "$T/o" "$T/e")"
done
grep -q 'Read-only file system' "$T/e" || fail "not told: $(cat "$T/e")"
in_session cat d/14
expect_status 0
# mounted again
stop_server
detach
e2fsck -fy "$T/img" >/dev/null 2>&1
attach
undo || fail "undo after the repair: $(cat "$T/undo.out")"
take undone
NAME=read-only
same before undone 'undo of what was removed before the error'
finish

# SPDX-License-Identifier: MIT
# deferred.sh - a mount that is put off to the first command, what makes FUSE
# usable before it, and a mount that the host sees, too
. "$(dirname "$0")/../lib/case.sh"
[ "$(id -u)" = 0 ] || skip "needs root"
[ -c /dev/fuse ] || skip "no /dev/fuse"
[ -z "${AGENTSH_JAIL:-}" ] || skip "no mounts in the jail"
if [ "${1:-}" != inner ]; then
	# a /dev/fuse of our own, which cannot be opened at first
	trap - EXIT
	rm -rf "$T"
	exec unshare -m --propagation slave bash "$0" inner
fi
mknod "$T/fuse" c 10 229
: >"$T/broken"
mount --bind "$T/broken" /dev/fuse || skip "no bind mounts"
trap 'st=$?; agentsh session destroy s >/dev/null 2>&1; umount -l /dev/fuse; (exit $st); case_cleanup' EXIT
POLICY_FILE=$SRC/tests/suites/allow.yaml
CONFIG_EXTRA="sandbox:
  fuse:
    enabled: true
    deferred: true
    deferred_marker_file: $T/marker
    deferred_enable_command: [sh, -c, 'echo ran >>$T/ran; mount --bind $T/fuse /dev/fuse']
    mount_base_dir: $T/mounts
    audit:
      max_event_queue: 64"
start_server
run agentsh session create --id s --workspace "$WS"
expect_status 0
grep -q fuse.agentsh /proc/self/mountinfo && fail "mounted before the first command"

# without the marker it is not run: the session goes on without the mount
in_session true
expect_status 0
[ ! -e "$T/ran" ] || fail "run without its marker"
run agentsh session destroy s

: >"$T/marker"
run agentsh session create --id s --workspace "$WS"
[ ! -e "$T/ran" ] || fail "run before the first command"
for i in $(seq 300); do echo $i >"$WS/f$i"; done
in_session bash -c 'grep -c fuse.agentsh /proc/self/mountinfo; rm f1; echo two >f2'
expect_status 0
[ "$(cat "$T/ran")" = ran ] || fail "run $(wc -l <"$T/ran") times"
expect_event '.type == "fuse_mounted"'

# the host's sight of it: judged, recorded, kept
seen=$(agentsh session info s | jq -r .workspace_mount)
[ "$seen" = "$T/mounts/s/workspace-mnt" ] || fail "workspace_mount: $seen"
[ "$(cat "$seen/f2")" = two ] && [ ! -e "$seen/f1" ] || fail "not the workspace"
ls -A "$seen" | grep -q trash && fail "the quarantine shows"
rm "$seen/f3" || fail "cannot remove"
[ ! -e "$WS/f3" ] || fail "not removed"
expect_event '.operation == "delete" and (.path | endswith("/f3"))'
(cd "$WS" && agentsh undo --since 1h) >"$T/undo" 2>&1 || fail "$(cat "$T/undo")"
[ "$(cat "$WS/f1" "$WS/f2" "$WS/f3")" = "$(printf '1\n2\n3')" ] || fail "undo"

# many events, a small queue: each is recorded or counted
in_session bash -c 'rm f[0-9]*'
expect_status 0
counted() {
	agentsh events query --session s --limit 5000 >"$T/events.json"
	n=$(jq '[.[] | select(.operation == "delete" and .type != "file_soft_deleted") | .path] |
		unique | length' "$T/events.json")
	lost=$(jq '[.[] | select(.type == "events_dropped") | .fields.count] | add // 0' "$T/events.json")
	[ "$((n + lost))" -ge 300 ]
}
eventually counted || fail "$n recorded and $lost counted of 300"

# a worker that is killed leaves no dead mount to the host
for p in $(pgrep -P "$SERVER_PID" -x agentsh-vfs); do kill -9 "$p"; done
no_mount() { ! grep -q "$seen" /proc/self/mountinfo; }
eventually no_mount || fail "a dead mount is left"
in_session cat /proc/self/mountinfo
expect_out "$seen"
run agentsh session destroy s
eventually no_mount || fail "a mount is left"
eventually test ! -e "$T/mounts/s" || fail "its directory is left"
exit 0

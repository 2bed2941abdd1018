#!/bin/bash
# SPDX-License-Identifier: MIT
# switched.sh - commands that are left capabilities and switch users: they get
# no nearer to what governs them, to devices, to limits, to the quarantine; a
# rule holds for whoever they are; what they destroy comes back as it was
CONFIG_EXTRA="sandbox: {fuse: {enabled: ${SWITCHED_FUSE:-false}}}
capabilities: {allow: [cap_chown, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETUID, SETGID, SETPCAP, MKNOD, IPC_LOCK, NET_BIND_SERVICE]}"
. "$(dirname "$0")/../lib/case.sh"
[ "$(id -u)" = 0 ] || skip 'not root: there are no capabilities to leave'
may_switch_users || skip 'no SYS_PTRACE: commands cannot switch users'
command -v setpriv >/dev/null || skip 'no setpriv (util-linux)'
[ "${SWITCHED_FUSE:-false}" = false ] || [ -w /dev/fuse ] || skip 'no /dev/fuse'
cat >"$T/policy.yaml" <<-'YAML'
	version: 1
	name: default
	file_rules:
	  - {name: closed, paths: ["${PROJECT_ROOT}/closed/**"], operations: ["*"], decision: deny}
	  - {name: all, paths: ["/**"], operations: ["*"], decision: allow}
	command_rules:
	  - {name: all, commands: ["*"], decision: allow}
YAML
POLICY_FILE=$T/policy.yaml
as_other="setpriv --reuid=65533 --regid=65533 --clear-groups"

mkdir "$WS/closed" "$WS/open"
chmod 755 "$T" "$WS"
chmod 777 "$WS/open" "$WS/closed"
echo secret >"$WS/closed/s"
echo root >"$WS/private"
chmod 600 "$WS/private"
echo mine >"$WS/open/mine"
chown 65533:65531 "$WS/open/mine"
chmod 2640 "$WS/open/mine"
printf '#!/bin/sh\n' >"$WS/open/prog"
chown 65534:65531 "$WS/open/prog"
chmod 6755 "$WS/open/prog"
start_server

# ---- what there is ----
in_session sh -c 'grep -E "^Cap(Prm|Bnd)" /proc/self/status'
expect_out Cap
# shellcheck disable=SC2013
for set in $(awk '{print $2}' "$T/out"); do
	[ "$set" = 00000000080045fb ] || fail "capabilities $set"
done
in_session $as_other grep -E '^Cap(Prm|Eff)' /proc/self/status
expect_no_out 45fb

# ---- whoever they are, the policy ----
for who in '' "$as_other"; do
	in_session $who cat closed/s
	[ "$STATUS" != 0 ] || fail "a denied file was read (${who:-root})"
	in_session $who sh -c 'echo x >closed/s'
	[ "$STATUS" != 0 ] || fail "a denied file was written (${who:-root})"
	in_session $who sh -c 'ls .agentsh_trash/store; cat .agentsh_trash/store/lock'
	[ "$STATUS" != 0 ] || fail "the quarantine was read (${who:-root})"
done
[ "$(cat "$WS/closed/s")" = secret ] || fail 'a denied file is another one'
# and the kernel
in_session $as_other cat private
[ "$STATUS" != 0 ] || fail "root's file was read by another user"
in_session $as_other sh -c 'echo x >private'
[ "$STATUS" != 0 ] || fail "root's file was written by another user"
in_session $as_other sh -c 'exec 3<open/mine; chmod 777 /proc/self/fd/3; cat <&3'
expect_status 0
expect_out mine
in_session sh -c 'chmod 2640 open/mine'

# ---- supervisors ----
ours() { # PID: it and its descendants
	echo "$1"
	local p
	for p in $(pgrep -P "$1"); do ours "$p"; done
}
others=$(ours "$SERVER_PID" | tr '\n' ' ')
[ "$(wc -w <<<"$others")" -gt 2 ] || fail "no workers: $others"
for who in '' "$as_other"; do
	in_session $who sh -c "for p in $others; do
		kill -STOP \$p && echo stopped \$p
		kill -9 \$p && echo killed \$p
		tr -d "\\\\0" </proc/\$p/environ | grep -q . && echo environ of \$p
		head -c1 /proc/\$p/mem >/dev/null && echo memory of \$p
		ls /proc/\$p/fd/ >/dev/null && echo descriptors of \$p
	done; true"
	grep -E '^(stopped|killed|environ|memory) ' "$T/out" &&
		fail "supervisors are in reach (${who:-root})"
done
kill -0 "$SERVER_PID" || fail 'the server is gone'
in_session true
expect_status 0

# ---- devices ----
disk=$(awk '$4 ~ /^(sd|vd|nvme|xvd|loop|ram)/ {print $1, $2; exit}' /proc/partitions)
in_session sh -c "mknod open/disk b ${disk:-7 0} && mknod open/mem c 1 1 && mknod open/null c 1 3"
expect_status 0
for n in disk mem; do
	in_session dd if=open/$n of=/dev/null count=1
	[ "$STATUS" != 0 ] || fail "the device $n was read"
	in_session sh -c ": 3<>open/$n"
	[ "$STATUS" != 0 ] || fail "the device $n was opened"
	in_session sh -c "ln open/$n open/l; mv open/l open/m; exec 3<open/m"
	[ "$STATUS" != 0 ] || fail "the device $n was opened by another name"
	in_session rm -f open/m
done

# ---- limits ----
in_session sh -c 'ulimit -Sn 64; ulimit -Hn 64 && ulimit -Hn 128'
[ "$STATUS" != 0 ] || fail 'a limit was raised'

# ---- undo ----
stat -c '%n %a %u:%g' "$WS"/open/mine "$WS"/open/prog >"$T/before"
in_session $as_other sh -c 'rm open/mine; echo other >open/mine'
expect_status 0
in_session sh -c 'rm -f open/prog; echo x >open/prog; chown 7:8 open/prog open/mine; chmod 0 open/mine'
expect_status 0
run agentsh undo --root="$WS" --session s
expect_status 0
stat -c '%n %a %u:%g' "$WS"/open/mine "$WS"/open/prog >"$T/after"
diff "$T/before" "$T/after" || fail 'undo gave other owners or modes'
[ "$(cat "$WS/open/mine")" = mine ] || fail 'undo gave another content'

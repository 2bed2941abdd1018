# SPDX-License-Identifier: MIT
# seccomp-keys.sh - keys of sandbox.seccomp and security that change what runs
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3"
cat >"$T/keys-policy.yaml" <<-YAML
	version: 1
	name: keys
	file_rules:
	  - {name: all, paths: ["/**", "/"], operations: ["*"], decision: allow}
	command_rules:
	  - {name: no-wipe, commands: [ls], args_patterns: ["--wipe"], decision: deny}
	  - {name: rest, commands: ["*"], decision: allow}
YAML
POLICY_FILE=$T/keys-policy.yaml
again() { # CONFIG: a server of its own for each
	if [ -n "$SERVER_PID" ]; then
		kill "$SERVER_PID"
		wait "$SERVER_PID" 2>/dev/null
	fi
	rm -f "$T/config.yaml"
	CONFIG_EXTRA=$1
	PORT=
	start_server
	new_session s
}
python() { sh_exec "exec python3 x.py"; }
blocked() { jq -e "any(.events.blocked_operations[]?; $1)" "$T/out" >/dev/null || fail "not on record: $1"; }

again "sandbox:
  seccomp:
    wait_killable: false
    blocked_socket_families: [{family: AF_NETLINK, action: errno}, {family: 10, action: log_and_kill}]
    socket_rules: [{name: no-udp, family: AF_INET, type: SOCK_DGRAM, action: errno}]
    shellc: {opaque: deny}
    execve: {max_argv_bytes: 64, on_truncated: allow}"
cat >"$WS/x.py" <<-PY
	import errno, socket, sys
	for f, t in ((socket.AF_NETLINK, socket.SOCK_RAW), (socket.AF_INET, socket.SOCK_DGRAM), (socket.AF_INET, socket.SOCK_STREAM)):
	    try:
	        socket.socket(f, t).close()
	        print("made", int(f), int(t), flush=True)
	    except OSError as e:
	        print(errno.errorcode[e.errno], int(f), int(t), flush=True)
	socket.socket(socket.AF_INET6)
	print("went on")
PY
python
expect_json '.result.stdout == "EAFNOSUPPORT 16 3\nEAFNOSUPPORT 2 2\nmade 2 1\n"'
expect_json '.result.exit_code != 0'
blocked '.type == "seccomp_socket_family_blocked" and .fields.family == "AF_NETLINK" and .fields.outcome == "denied"'
blocked '.type == "seccomp_socket_rule_blocked" and .fields.rule == "no-udp"'
blocked '.type == "seccomp_socket_family_blocked" and .fields.family == "AF_INET6" and .fields.outcome == "killed"'
# a script that cannot be read ahead, although what it runs is judged
sh_exec 'echo x >$HOME/y; ls'
expect_json '.result.error.policy_rule == "shellc-opaque-script"'
# a longer list: what was read is all that counts
LONG=$(printf 'a%.0s' $(seq 200))
printf 'ls . %s --wipe 2>&1 | grep -v "cannot access"; echo "status ${PIPESTATUS[0]}"\n' "$LONG" >"$WS/long.sh"
sh_exec '. ./long.sh'
! grep -q 'Permission denied' "$T/out" || fail "on_truncated: allow"

for word in deny approval; do
	again "sandbox: {seccomp: {execve: {max_argv_bytes: 64, on_truncated: $word}}}"
	sh_exec '. ./long.sh'
	expect_json '.result.stdout | contains("status 126")'
	blocked '.type == "execve"'
done
# and a short one is what it was
sh_exec 'ls .'
expect_json '.result.exit_code == 0'

again 'security: {minimum_mode: landlock-only, strict: true}'
sh_exec true
if jq -e '.result.exit_code == 0' "$T/out" >/dev/null; then
	again 'security: {minimum_mode: full}'
	sh_exec true
	expect_json '.result.exit_code != 0 and (.result.stderr | contains("fuse"))'
	again 'security: {mode: landlock, strict: true}'
	sh_exec true
	expect_json '.result.exit_code != 0 and (.result.stderr | contains("fuse"))'
fi

sed -i '/^security/d' "$T/config.yaml"
printf 'sandbox: {seccomp: {socket_rules: [{name: x, family: AF_NONSENSE}]}}\n' >>"$T/config.yaml"
run agentsh server --config "$T/config.yaml"
[ "$STATUS" != 0 ] || fail "a family that is none"
expect_err AF_NONSENSE
exit 0

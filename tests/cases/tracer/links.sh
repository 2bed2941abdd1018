# SPDX-License-Identifier: MIT
# links.sh - policies.symlink_escape: deny, whatever the policy says of the target
. "$(dirname "$0")/../lib/case.sh"
OUT=$T/outside
mkdir -p "$OUT/dir" "$WS/own"
echo content | tee "$OUT/dir/file" >"$WS/own/file"
ln -s "$OUT/dir" "$WS/dir"
ln -s "$OUT/dir/file" "$WS/file"
ln -s "$OUT/new" "$WS/dangling"
ln -s ../own/file "$WS/own/inside"
ln -s own "$WS/near"
cat >"$T/links.yaml" <<END
version: 1
name: links
file_rules:
  - {name: all, paths: ["/**"], operations: ["*"], decision: allow}
command_rules:
  - {name: all, commands: ["*"], decision: allow}
END
POLICY_FILE=$T/links.yaml

# serve MODE: a fresh server, session s made
serve() {
	if [ -n "$SERVER_PID" ]; then
		kill "$SERVER_PID"
		wait "$SERVER_PID" 2>/dev/null
	fi
	rm -rf "$T/config.yaml" "$T/data"
	mkdir "$T/data"
	# reads left to the kernel where they can be: this must see them all
	CONFIG_EXTRA='sandbox: {seccomp: {file_monitor: {write_only_opens: true}}}'
	PORT=$(free_port) SERVER_PID=
	write_config
	sed -i "s/^policies:/policies:\\n  symlink_escape: $1/" "$T/config.yaml"
	start_server
}
attempts() {
	in_session bash -c '
		try() { if "$@" >/dev/null 2>&1; then echo "$* works"; fi; }
		try cat file
		try cat dir/file
		try ls dir
		try bash -c "echo made >dangling"
		try rm dir/file
		try mv own/file dir/moved
		try bash -c "echo more >>file"
		try ln dir/file own/hard
		try chmod 600 file'
}

serve evaluate
attempts
[ "$(wc -l <"$T/out")" = 9 ] || fail "not all work when links are followed"
rm -f "$OUT/new" "$OUT/dir/moved" "$WS/own/hard"
echo content | tee "$OUT/dir/file" >"$WS/own/file"

serve deny
attempts
[ ! -s "$T/out" ] || fail "a link leads out"
[ ! -e "$OUT/new" ] || fail "made outside"
[ "$(cat "$OUT/dir/file")" = content ] || fail "changed outside"
expect_event '.policy.rule == "symlink-escape" and .policy.decision == "deny"'
# the same files by their own names, and links that stay
in_session cat "$OUT/dir/file" near/file own/inside
expect_status 0
# a link itself may be read, made and taken away
in_session bash -c 'readlink file && ln -s /etc/passwd other && rm other file dir'
expect_status 0

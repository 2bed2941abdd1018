# SPDX-License-Identifier: MIT
# reads.sh - reads that are left to Landlock: what the policy denies stays closed,
# and nothing is left to it that it cannot hold
. "$(dirname "$0")/../lib/case.sh"
RACE=$AGENTSH_BUILD/tests/cases/tracer/race-open
FAST='sandbox: {seccomp: {file_monitor: {write_only_opens: true}}}'

# policy FILE WRITABLE DENIED
policy() {
	cat >"$1" <<-END
	version: 1
	name: reads
	file_rules:
	  - {name: vault, paths: ["$3"], operations: ["*"], decision: deny}
	  - {name: work, paths: ["\${PROJECT_ROOT}/**", "/dev/null", $2], operations: ["*"], decision: allow}
	  - {name: kept, paths: ["\${PROJECT_ROOT}/**"], operations: [delete], decision: soft_delete}
	command_rules:
	  - {name: all, commands: ["*"], decision: allow}
	END
}

# serve POLICY [CONFIG]: a fresh server, session s made
serve() {
	if [ -n "$SERVER_PID" ]; then
		kill "$SERVER_PID"
		wait "$SERVER_PID" 2>/dev/null
	fi
	rm -rf "$T/config.yaml" "$T/data"
	mkdir "$T/data"
	PORT= POLICY_FILE=$1 CONFIG_EXTRA=${2:-} SERVER_PID=
	start_server
	in_session true
	expect_status 0
}

refused() {
	in_session cat "$1"
	expect_status 1
	expect_no_out secret
}

# in_time: nothing is won in two seconds of tries
raced() {
	in_session "$RACE" "$1" "$2" 2
	[ "$STATUS" != 1 ] || fail "$(cat "$T/out")"
}

reads_recorded() {
	agentsh events query --session s --type file_open --limit 5000 |
		jq -e "any(.[]; .path == \"$1\")" >/dev/null
}

mkdir -p "$T/vault/a" "$T/vault/b"
echo secret >"$T/vault/a/key1"
echo fine >"$T/vault/a/file"
echo fine >"$T/vault/b/file"
policy "$T/exact.yaml" '"/dev/zero"' "$T/vault/*/key*"
policy "$T/wide.yaml" '"/tmp/**", "/var/tmp/**", "'"$T"'/**"' "/nothing/*/key"

for mode in recorded fast; do
	serve "$T/exact.yaml" "$([ $mode = recorded ] || echo "$FAST")"
	in_session cat "$T/vault/a/file" "$T/vault/b/file"
	expect_status 0
	if [ $mode = recorded ]; then
		eventually reads_recorded "$T/vault/a/file" || fail "no record of a read"
	elif reads_recorded "$T/vault/a/file"; then
		[ -n "${AGENTSH_JAIL:-}" ] || fail "fast mode sees reads"
	fi
	refused "$T/vault/a/key1"
	ln -sfn "$T/vault/a/key1" "$WS/link"
	refused "$WS/link"
	# what appears while the session runs is denied as well
	mkdir -p "$T/vault/new-$mode"
	echo secret >"$T/vault/new-$mode/key2"
	echo secret >"$T/vault/b/key2"
	refused "$T/vault/new-$mode/key2"
	refused "$T/vault/b/key2"
	raced "$T/vault/a/file" "$T/vault/a/key1"
done

# The server's own files lie where commands may write: not Landlock's to hold.
for extra in '' "$FAST"; do
	serve "$T/wide.yaml" "$extra"
	in_session head -c 16 "$T/data/events.db"
	expect_status 1
	expect_no_out SQLite
	echo fine >"$T/data-events.d"
	raced "$T/data-events.d" "$T/data/events.db"
done
exit 0

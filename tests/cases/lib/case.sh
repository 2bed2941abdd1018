# SPDX-License-Identifier: MIT
# case.sh - sourced by every scenario script: a private directory, a private
# server on a free port, assertions, and clean-up on every way out.
#
#	. "$(dirname "$0")/../lib/case.sh"
#	start_server            # config, policy and workspace made below $T
#	run agentsh exec s -- true
#	expect_status 0
#
# AGENTSH_BUILD names the build tree (meson sets it). Variables a script may set
# before start_server: POLICY_FILE (default: the shipped default policy) and
# CONFIG_EXTRA (lines appended to the configuration). AGENTSH_PTRACE and
# AGENTSH_JAIL choose the layers of a variant of the case.

set -u
umask 022 # modes that are compared do not depend on the caller's

: "${AGENTSH_BUILD:?run through meson test, or set AGENTSH_BUILD to a build tree}"
SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
T=$(mktemp -d "${TMPDIR:-/tmp}/agentsh-case.$(basename "$0" .sh).XXXXXX")
WS=$T/ws
SERVER_PID=
PORT=
export AGENTSH_RUNTIME_DIR=$T/run
unset AGENTSH_NO_AUTO AGENTSH_SESSION_ID AGENTSH_SERVER AGENTSH_CONFIG AGENTSH_IN_SESSION
unset http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY
mkdir -p "$WS" "$T/run" "$T/data"
chmod 700 "$T/run"

agentsh() { "$AGENTSH_BUILD/cli/agentsh" "$@"; }

case_cleanup() {
	local status=$?
	if [ -n "$SERVER_PID" ]; then
		kill "$SERVER_PID" 2>/dev/null
		for _ in $(seq 1200); do
			kill -0 "$SERVER_PID" 2>/dev/null || break
			sleep 0.05
		done
		kill -9 "$SERVER_PID" 2>/dev/null
	fi
	if [ "$status" != 0 ] && [ "$status" != 77 ] && [ -f "$T/server.log" ]; then
		echo "--- server log"
		tail -40 "$T/server.log"
	fi
	# A worker that a sanitizer ended as it exited changes no result.
	if grep -sqE 'Sanitizer: |runtime error: ' "$T/server.log" "$T/err"; then
		grep -sE -A 20 'Sanitizer: |runtime error: ' \
			"$T/server.log" "$T/err" | head -60
		status=1
	fi
	# A test may have left something mounted below: not ours to empty.
	rm -rf --one-file-system "$T"
	exit "$status"
}
trap case_cleanup EXIT
trap 'exit 143' TERM INT

skip() {
	echo "SKIP: $*"
	exit 77
}

fail() {
	echo "FAIL: $*"
	if [ -f "$T/out" ]; then
		echo "--- last command: ${LAST:-} (status ${STATUS:-})"
		echo "--- stdout"
		head -c 4000 "$T/out"
		echo "--- stderr"
		head -c 4000 "$T/err"
	fi
	exit 1
}

# eventually CMD...: until it succeeds; a minute is for a machine that is very busy
eventually() {
	local end=$((SECONDS + 60))
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# may_switch_users: commands can be left SETUID and SETGID, for which the
# supervisor needs CAP_SYS_PTRACE
may_switch_users() {
	local caps
	caps=$(awk '$1 == "CapEff:" { print $2 }' /proc/self/status)
	[ $((0x$caps >> 19 & 1)) = 1 ]
}

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

write_config() {
	mkdir -p "$T/policies"
	cp "${POLICY_FILE:-$SRC/data/policies/default.yaml}" "$T/policies/default.yaml"
	cat >"$T/config.yaml" <<-EOF
	server:
	  http:
	    addr: 127.0.0.1:$PORT
	auth:
	  type: none
	audit:
	  storage:
	    sqlite_path: $T/data/events.db
	sessions:
	  base_dir: $T/data/sessions
	policies:
	  dir: $T/policies
	  default: default
	EOF
	printf '%s\n' "${CONFIG_EXTRA:-}" >>"$T/config.yaml"
	[ -z "${AGENTSH_PTRACE:-}" ] || add_ptrace
}

# AGENTSH_PTRACE=1: the second layer too, whatever else the case configures
add_ptrace() {
	local indent

	grep -q '[[:space:]{]ptrace:' "$T/config.yaml" && return
	if grep -q '^sandbox: {' "$T/config.yaml"; then
		sed -i 's/^sandbox: {/sandbox: {ptrace: {enabled: true}, /' \
			"$T/config.yaml"
		return
	fi
	grep -q '^sandbox:' "$T/config.yaml" ||
		printf 'sandbox:\n  enabled: true\n' >>"$T/config.yaml"
	indent=$(sed -n '/^sandbox:/{n;s/[^ ].*//p}' "$T/config.yaml")
	sed -i "/^sandbox:/a\\${indent}ptrace: {enabled: true}" "$T/config.yaml"
}

start_server() {
	local i

	PORT=${PORT:-$(free_port)}
	export AGENTSH_SERVER=http://127.0.0.1:$PORT
	[ -f "$T/config.yaml" ] || write_config
	# the jail's arguments: AGENTSH_JAIL="path [options]"
	${AGENTSH_JAIL:+$AGENTSH_JAIL --} \
		"$AGENTSH_BUILD/cli/agentsh" server --config "$T/config.yaml" \
		>"$T/server.log" 2>&1 </dev/null &
	SERVER_PID=$!
	for i in $(seq 600); do
		if curl -fsS -o /dev/null "$AGENTSH_SERVER/health" 2>/dev/null; then
			return 0
		fi
		kill -0 "$SERVER_PID" 2>/dev/null || fail "server did not start"
		sleep 0.02
		[ "$i" -lt 100 ] || sleep 0.1
	done
	fail "server not healthy after 60 s"
}

# run CMD...: keep its status and output for the expectations below
run() {
	LAST="$*"
	"$@" >"$T/out" 2>"$T/err" </dev/null
	STATUS=$?
}

expect_status() { [ "$STATUS" = "$1" ] || fail "status $STATUS, expected $1"; }
expect_out() { grep -qF -- "$1" "$T/out" || fail "stdout lacks: $1"; }
expect_err() { grep -qF -- "$1" "$T/err" || fail "stderr lacks: $1"; }
expect_no_out() { ! grep -qF -- "$1" "$T/out" || fail "stdout has: $1"; }
expect_no_err() { ! grep -qF -- "$1" "$T/err" || fail "stderr has: $1"; }

# in_session CMD...: through a session named s on the case's workspace
in_session() { run agentsh exec --root="$WS" s -- "$@"; }

# expect_event JQ-FILTER: some event of session s satisfies it
expect_event() {
	local i

	# what a worker sees after the command has ended comes a little later
	for i in 1 2 3 4 5 6 7 8 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9; do
		agentsh events query --session s --limit 5000 >"$T/events.json" ||
			fail "events query failed"
		jq -e "any(.[]; $1)" "$T/events.json" >/dev/null && return 0
		sleep "0.$i"
	done
	jq -c '.[] | {type, operation, path, filename, policy}' \
		"$T/events.json" | head -30
	fail "no event with: $1"
}

#!/bin/bash
# SPDX-License-Identifier: MIT
# modes.sh - the installed shim with a terminal, as a login shell, without a
# server (it starts one), for each scope of sessions, and with BASH_ENV
. "$(dirname "$0")/lib.sh"

. "$(dirname "$0")/../lib/own_host.sh"
command -v script >/dev/null || skip "no script(1)"
own_host n "$@"
make_root
install_shim || fail install
B=$R/bin/bash
PORT=18080
BASH_ENV_FILE=$SRC/data/bash_startup.sh
CONFIG_EXTRA="sandbox: {env_inject: {BASH_ENV: $BASH_ENV_FILE}}"
write_config
# what script runs its command with
export SHELL=/bin/bash
export AGENTSH_CONFIG=$T/config.yaml AGENTSH_BIN=$AGENTSH_BUILD/cli/agentsh
unset AGENTSH_SERVER
mkdir -p "$WS/.git" "$WS/deep/er" "$T/other"
cd "$WS/deep/er" || exit 1

# with_terminal COMMAND: its output without the terminal's carriage returns
with_terminal() {
	run timeout 120 script -qec "$1" /dev/null
	tr -d '\r' <"$T/out" >"$T/o" && mv "$T/o" "$T/out"
}
# no server runs: the shim's session starts it
with_terminal "$B -c 'echo in=\$AGENTSH_IN_SESSION; test -t 0 && test -t 1 && echo terminal; exit 3'"
expect_status 3
expect_out in=1
expect_out terminal
pgrep -xc agentsh >/dev/null || fail "no server was started"
# a login shell at a terminal, and what the policy says to it
with_terminal "exec -a -bash $B -c 'shopt -q login_shell && echo login; echo \$0; cat /etc/shadow'"
expect_out login
expect_out -bash
expect_out 'Permission denied'
# typed commands
printf 'echo typed in=$AGENTSH_IN_SESSION\nexit 4\n' |
	timeout 120 script -qec "$B --norc" /dev/null >"$T/out" 2>&1
STATUS=$?
expect_out 'typed in=1'
expect_status 4
# kill is no builtin any more, in a script of the session
with_terminal "$B -c 'type -t kill; $R/bin/sh -c \"echo inner \\\$AGENTSH_IN_SESSION\"'"
expect_out file
expect_out 'inner 1'

# one session for the workspace; another for AGENTSH_WORKSPACE; one for all
count() { agentsh session list | jq length; }
[ "$(count)" = 1 ] || fail "$(count) sessions of one workspace"
AGENTSH_SHIM_FORCE=1 AGENTSH_WORKSPACE=$T/other run "$B" -c pwd
expect_out "$T/other" # from outside it: in the workspace
[ "$(count)" = 2 ] || fail "AGENTSH_WORKSPACE: $(count) sessions"
for dir in "$WS" "$T/other"; do
	(cd "$dir" && AGENTSH_SHIM_FORCE=1 AGENTSH_SESSION_SCOPE=global \
		"$B" -c true) || fail "scope global in $dir"
done
[ "$(count)" = 3 ] || fail "scope global: $(count) sessions"

# a script whose shebang is the shim, its arguments, and binary standard input
printf '#!%s\ncat; echo "[$#:$2]"\n' "$B" >"$T/s"
chmod +x "$T/s"
head -c 200000 /dev/urandom >"$T/in"
AGENTSH_SHIM_FORCE=1 "$T/s" one 'two words' <"$T/in" >"$T/o" || fail "script"
head -c 200000 "$T/o" | cmp - "$T/in" || fail "binary standard input"
tail -c +200001 "$T/o" | grep -qx '\[2:two words\]' || fail "arguments"
# both ends closed early: nobody waits for ever
AGENTSH_SHIM_FORCE=1 timeout 90 "$B" -c 'yes' | head -1 >"$T/o"
[ "${PIPESTATUS[0]}" != 124 ] || fail "yes | head did not end"

#!/bin/bash
# SPDX-License-Identifier: MIT
# What the installed shim does: names, login shells, scripts, binary pipes, the
# guard in a session, force, ready_gate, calls of agentsh, session files.
. "$(dirname "$0")/lib.sh"

make_root
install_shim || fail install
B=$R/bin/bash

# no terminal, not forced: the shell itself, exact in every respect
run "$B" -c 'echo "$0 $# $*"; exit 7' me 'a b' c
expect_status 7
expect_out 'me 2 a b c'
run "$R/bin/sh" -c 'echo $0'
expect_out "$R/bin/sh"
run bash -c "exec -a -bash $B -c 'shopt -q login_shell && echo login \$0'"
expect_out 'login -bash'
printf '#!%s\necho "script $1"\n' "$B" >"$T/s"
chmod +x "$T/s"
run "$T/s" one
expect_out 'script one'
head -c 300000 /dev/urandom >"$T/bin.in"
"$B" -c cat <"$T/bin.in" | cmp - "$T/bin.in" || fail "binary pipe"
run bash -c "echo 'echo from stdin; cat' | cat - <(echo rest) | $B"
expect_out 'from stdin'
expect_out rest
run bash -c "$B -c 'kill -TERM \$\$'"
expect_status 143
run bash -c "cd / && PATH=$R/bin bash -c 'echo by path'"
expect_out 'by path'

# a shell whose real one is gone says so
mv "$R/bin/bash.real" "$T/bash.real"
cp "$SHIM" "$R/bin/bash.real" # and a copy of the shim is not a shell
if [ ! -e /bin/bash.real ]; then
	run "$B" -c true
	expect_status 127
	expect_err 'the real shell is missing'
	expect_err 'Hint: '
fi
rm "$R/bin/bash.real"
run env PATH=/usr/bin:/bin AGENTSH_IN_SESSION=1 "$B" -c 'echo fallback'
expect_out fallback
mv "$T/bash.real" "$R/bin/bash.real"

# forced: through a session
mkdir -p "$R/etc/agentsh"
echo force=true >"$R/etc/agentsh/shim.conf"
start_server
export AGENTSH_BIN=$AGENTSH_BUILD/cli/agentsh
mkdir -p "$WS/.git" "$WS/sub"
cd "$WS/sub" || exit 1
run "$B" -c 'echo "in=$AGENTSH_IN_SESSION dir=$PWD name=$0"; exit 5'
expect_status 5
expect_out 'in=1'
expect_out '/sub name='
run "$B" -c 'cat /etc/shadow'
expect_status 1
expect_err 'blocked by policy'
head -c 300000 /dev/urandom >"$T/bin.in"
"$B" -c cat <"$T/bin.in" | cmp - "$T/bin.in" || fail "binary pipe in a session"
run bash -c "echo 'echo script from stdin' | $B"
expect_out 'script from stdin'
# the same session for every shell of the workspace
run agentsh session list
[ "$(jq length "$T/out")" = 1 ] || fail "sessions: $(jq -c . "$T/out")"
id=$(jq -r '.[0].id' "$T/out")
[[ $id = session-????????-* ]] || fail "id $id"
# ...which is made again when the server forgot it
run agentsh session destroy "$id"
run "$B" -c 'echo again'
expect_out again
AGENTSH_SESSION_ID=named run "$B" -c 'echo hi'
expect_out hi
run agentsh session info named
expect_status 0
AGENTSH_SESSION_FILE=$T/sid run "$B" -c true
expect_status 0
grep -qx 'session-[0-9a-f-]\{36\}' "$T/sid" || fail "session file"
[ "$(stat -c %a "$T/sid")" = 600 ] || fail "mode of the session file"

# the guard is only a convenience: inside a session it is the real shell, and
# the policy holds all the same; so does it when the guard is set by hand
run agentsh exec --root="$WS" s -- "$B" -c 'echo "$BASH"; cat /etc/shadow'
expect_out "$B"
expect_err 'Permission denied'
run env AGENTSH_IN_SESSION=1 "$B" -c 'echo by hand'
expect_out 'by hand'

# a plain call of agentsh is not sent through agentsh
run "$B" -c "$AGENTSH_BIN --version"
expect_out 'agentsh '
AGENTSH_SHIM_DEBUG=1 run "$B" -c "exec $AGENTSH_BIN session list"
expect_err 'a call of agentsh'
AGENTSH_SHIM_DEBUG=1 run "$B" -c "$AGENTSH_BIN --version; echo more"
expect_no_err 'a call of agentsh'

# ready_gate: no server, so the real shell; configuration errors are fatal
printf 'force=true\nready_gate=true\n' >"$R/etc/agentsh/shim.conf"
AGENTSH_SERVER=http://127.0.0.1:1 AGENTSH_RUNTIME_DIR=$T/none \
	run "$B" -c 'echo "ungoverned $AGENTSH_IN_SESSION"'
expect_out 'ungoverned '
expect_no_out 'ungoverned 1'
AGENTSH_SERVER=http://192.0.2.1:1 run "$B" -c true
expect_status 127
expect_err 'Hint: '
run "$B" -c 'echo in=$AGENTSH_IN_SESSION'
expect_out in=1
echo force=maybe >"$R/etc/agentsh/shim.conf"
run "$B" -c true
expect_status 127
expect_err 'shim.conf: force="maybe"'
rm "$R/etc/agentsh/shim.conf"
mkdir "$R/etc/agentsh/shim.conf" # unreadable: as if forced
run "$B" -c 'echo in=$AGENTSH_IN_SESSION'
expect_out in=1
rmdir "$R/etc/agentsh/shim.conf"
echo 'shim_install=on' >"$R/etc/agentsh/shim.conf"
AGENTSH_BIN=$T/nothing run "$B" -c true
expect_status 126
rm "$R/etc/agentsh/shim.conf"
AGENTSH_SHIM_FORCE=1 run "$B" -c 'echo in=$AGENTSH_IN_SESSION'
expect_out in=1

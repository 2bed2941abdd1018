#!/bin/bash
# SPDX-License-Identifier: MIT
# BASH_ENV: builtins that no rule sees become programs, and cannot be switched
# on again; what scripts need (command -v, builtin, umask) stays.
. "$(dirname "$0")/lib.sh"

export BASH_ENV=$SRC/data/bash_startup.sh
run bash -c 'type -t kill; command -v grep && umask 022 && builtin echo fine'
expect_status 0
expect_out file
expect_out fine
[ ! -s "$T/err" ] || fail "noise"
run bash -c 'enable kill; builtin enable kill; command enable kill; type -t kill'
expect_no_out builtin
for c in 'ulimit -c 0' 'builtin kill -0 $$' 'builtin ulimit -a' 'enable -n echo'; do
	run bash -c "$c"
	[ "$STATUS" != 0 ] || fail "works: $c"
done
# inherited, and without effect on a script's own functions and status
run bash -c 'bash -c "type -t kill"; f() { return 3; }; f'
expect_status 3
expect_out file

CONFIG_EXTRA="sandbox: {env_inject: {BASH_ENV: $BASH_ENV}}"
unset BASH_ENV
start_server
in_session bash -c 'type -t kill; command -v bash'
expect_status 0
expect_out file
in_session bash -c 'kill -0 1' # the program, which rules judge
[ "$STATUS" != 0 ] || fail "kill 1"

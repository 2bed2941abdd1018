#!/bin/bash
# SPDX-License-Identifier: MIT
# refused.sh - what the kernel does not let a command do changes nothing, is in
# no journal, and an undo of what the command did besides has nothing to fail on
. "$(dirname "$0")/../lib/case.sh"
start_server
cd "$WS" || exit 1
head -c 8M /dev/urandom >big
echo small >small
echo mine >mine
cp big "$T/big"
chmod 444 big small
if [ "$(id -u)" = 0 ]; then
	echo theirs >theirs
	chown 12345:12345 theirs
fi
in_session bash -c ': >big; echo x >>small; echo x >small
	truncate -s 1 big
	python3 -c "open(\"big\", \"r+\")"
	[ ! -e theirs ] || {
		chmod 600 theirs; chown 0 theirs; touch -d 2001-01-01 theirs
	}
	echo changed >mine'
cmp big "$T/big" || fail "a refused call changed the file"
[ "$(cat small mine)" = 'small
changed' ] || fail "small, mine"
for f in big small theirs; do
	run agentsh history "$f"
	[ ! -s "$T/out" ] || fail "$f has a history"
done
run agentsh undo
expect_status 0
[ "$(cat mine)" = mine ] || fail "mine is not back"

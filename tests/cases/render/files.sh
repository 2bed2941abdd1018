#!/bin/bash
# SPDX-License-Identifier: MIT
# The seed's file lists: workspace and /tmp are writable, the system is
# read-only, secrets are closed, links do not help.
. "$(dirname "$0")/lib.sh"
render_server
[ "$(id -u)" = 0 ] || skip "uid 0: the seed's server and commands run as root"

allowed 'echo data > test.txt && cat test.txt'
expect_out data
allowed 'mkdir -p a/b && mv test.txt a/b/ && ls a/b && rm -r a'
allowed 'f=$(mktemp /tmp/agentsh-case-XXXXXX) && echo y > "$f" && cat "$f" && rm "$f"'
allowed 'cat /etc/hostname'
[ -s "$T/out" ] || fail "empty /etc/hostname"

blocked 'cat /etc/shadow'
blocked 'echo test >> /etc/sudoers'
for c in 'echo test > /etc/agentsh-case.txt' 'echo test > /usr/bin/agentsh-case' \
	'mkdir /etc/agentsh-case' 'cp /etc/hostname /etc/hostname.agentsh' \
	'rm -f shadow-link; ln -s /etc/shadow shadow-link && cat shadow-link' \
	'cat /proc/self/root/etc/shadow' 'cd /etc && cat /proc/self/cwd/shadow' \
	'exec 3</etc/shadow; cat <&3'; do
	blocked "$c"
	[ "$STATUS" != 0 ] || fail "exit 0 for: $c"
done
for f in /etc/agentsh-case.txt /usr/bin/agentsh-case /etc/agentsh-case \
	/etc/hostname.agentsh; do
	[ ! -e "$f" ] || { rm -rf "$f"; fail "$f was made"; }
done

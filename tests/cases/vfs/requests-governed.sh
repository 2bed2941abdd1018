# SPDX-License-Identifier: MIT
# requests-governed.sh - what a governed command's operations cost at the mount:
# the supervisor, who acts for it there, asks little that the command would not
#
# As requests.sh, for whole sessions: their start is a few requests more. What the
# kernel was told is asked for anew after 10 s: where that time passes, on a very
# busy machine, more is allowed.
. "$(dirname "$0")/../server/lib.sh"

CONFIG_EXTRA=$(printf 'sandbox: {fuse: {enabled: true}}\nlogging: {level: debug}')
POLICY_FILE=$(dirname "$0")/../../suites/allow.yaml
start_server
mkdir "$T/src"
for d in $(seq 10); do
	mkdir "$T/src/d$d"
	for f in $(seq 50); do echo "$d $f" >"$T/src/d$d/f$f"; done
done
tar -C "$T" -cf "$WS/src.tar" src

measure() { # NAME BOUND(hundredths per file, of 500) SHELL-COMMAND
	local before waited start=$SECONDS bound
	before=$(grep -c 'requests:' "$T/server.log")
	agentsh exec --root="$WS" "$1" -- sh -c "$3" >"$T/out" 2>"$T/err" </dev/null ||
		fail "$1: $? $(cat "$T/err")"
	agentsh session destroy "$1" >/dev/null
	figures() { [ "$(grep -c 'requests:' "$T/server.log")" -gt "$before" ]; }
	eventually figures || fail "$1: no figures"
	waited=$(grep 'requests:' "$T/server.log" | tail -1 | sed 's/.*requests://' | tr ' ' '\n' |
		awk -F= '$1 != "" && $1 != 2 && $1 != 18 && $1 != 29 && $1 != 42 &&
			$1 != 26 && $1 != 15 && $1 != 16 { n += $2 } END { print n + 0 }')
	bound=$(($2 * 5 * (1 + (SECONDS - start) / 5)))
	printf '%-12s %6d requests, bound %d\n' "$1" "$waited" $bound
	[ "$waited" -gt 0 ] || fail "$1: nothing was counted"
	[ "$waited" -le $bound ] || {
		grep 'requests:' "$T/server.log" | tail -1
		fail "$1 takes more requests than it did"
	}
}
in_session grep -c fuse.agentsh /proc/self/mountinfo
[ "$STATUS" = 0 ] || skip "no mount here"
# LOOKUP CREATE GETATTR(dir) GETXATTR SETATTR, as without the supervisor
measure untar 530 'tar xf src.tar --no-same-owner'
measure find-cold 30 'find src -newer src.tar -size +1M'
measure grep 130 'grep -rq nosuchtext src; :'
# GETATTR(dir) LOOKUP(new) twice RENAME; the old one again after a second
measure rename 530 'cd src && for d in *; do for f in $d/*; do echo "$f"; done; done |
	python3 -c "
import os, sys
for l in sys.stdin:
    os.rename(l[:-1], l[:-1] + \".x\")"'
measure rm 240 'rm -rf src'

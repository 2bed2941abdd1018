# SPDX-License-Identifier: MIT
# data.sh - what is written is what is read, passed through or not
. "$(dirname "$0")/lib.sh"

probe=$AGENTSH_BUILD/tests/cases/vfs/data-probe
"$probe" "$T/plain" 2000 1 || fail 'the plain directory differs'
for SETTINGS in '{}' '{"vfs.passthrough": false}'; do
	mounted bash -c "set -e
		$probe f1 1500 1 & a=\$!
		$probe f2 1500 2 & b=\$!
		$probe f3 1500 3
		wait \$a; wait \$b"
	[ "$STATUS" = 0 ] || fail "differs with $SETTINGS: $(cat "$T/out")"
done

# the last block of what is written with O_DIRECT: dd switches it off for that
SETTINGS='{}'
head -c 10005 /dev/urandom >"$WS/odd"
if dd if="$WS/odd" of="$T/odd" bs=4096 iflag=direct oflag=direct 2>/dev/null; then
	mounted dd if=odd of=odd.copy bs=4096 iflag=direct oflag=direct
	expect_status 0
	cmp "$WS/odd" "$WS/odd.copy" || fail 'O_DIRECT: not what was written'
fi

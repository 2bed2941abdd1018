# SPDX-License-Identifier: MIT
# data.sh - what is written is what is read, passed through or not
. "$(dirname "$0")/lib.sh"

probe=$AGENTSH_BUILD/tests/cases/vfs/data-probe
"$probe" "$T/plain" 2000 1 || fail 'the plain directory differs'
for SETTINGS in '{}' '{"vfs.passthrough": false}'; do
	mounted bash -c "for s in 1 2 3; do $probe f\$s 1500 \$s & done
		wait -n && wait -n && wait -n"
	[ "$STATUS" = 0 ] || fail "differs with $SETTINGS: $(cat "$T/out")"
done

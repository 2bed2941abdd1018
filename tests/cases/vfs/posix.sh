# SPDX-License-Identifier: MIT
# posix.sh - the mount answers what the plain directory answers
. "$(dirname "$0")/lib.sh"

probe=$AGENTSH_BUILD/tests/cases/vfs/posix-probe
mkdir -p "$T/plain" "$WS/w"
"$probe" "$T/plain" >"$T/expected" 2>&1
for SETTINGS in '{}' '{"vfs.passthrough": false}' '{"vfs.cache_ms": 0}'; do
	rm -rf "$WS/w"
	mkdir "$WS/w"
	mounted "$probe" "$WS/w"
	diff "$T/expected" "$T/out" || fail "differs with $SETTINGS"
done

#!/bin/bash
# SPDX-License-Identifier: MIT
# Our own Render service (deploy/render): its integration tests, against a
# service and a server started without a container or a network.
. "$(dirname "$0")/../lib/case.sh"

command -v node >/dev/null || skip "no node"
command -v ip >/dev/null || skip "no ip(8)"
[ -d "$SRC/deploy/render/node_modules/express" ] ||
	skip "npm install has not been run in deploy/render"
if [ "${1:-}" != inside ]; then
	unshare -npf --mount-proc true 2>/dev/null ||
		skip "no network and process namespaces"
	unshare -npf --mount-proc --kill-child bash "$0" inside
	exit
fi
ip link set lo up
cd "$SRC/deploy/render" || exit 1
unset AGENTSH_RUNTIME_DIR
export AGENTSH_BIN=$AGENTSH_BUILD/cli/agentsh TMPDIR=$T
run node --test test/
grep -E '^# (tests|pass|fail)' "$T/out"
[ "$STATUS" = 0 ] || { grep -A12 'not ok' "$T/out" | head -60; exit 1; }

#!/bin/bash
# SPDX-License-Identifier: MIT
# Our own Render service (deploy/render): its integration tests, its page in a
# browser included, against a service and a server started without a container
# or a network.
. "$(dirname "$0")/../lib/case.sh"

command -v node >/dev/null || skip "no node"
command -v ip >/dev/null || skip "no ip(8)"
# a container has a network of its own; packages were brought into it
if [ -n "${AGENTSH_CONTAINER:-}" ]; then
	[ -d "$SRC/deploy/render/node_modules/express" ] || skip "no express"
	export SERVICE_SRC=$SRC
elif [ "${1:-}" != inside ]; then
	unshare -npf --mount-proc true 2>/dev/null ||
		skip "no network and process namespaces"
	# a copy, so that nothing is installed into the source tree
	export SERVICE_SRC=$T/src
	mkdir -p "$SERVICE_SRC/deploy"
	cp -r "$SRC/deploy/render" "$SERVICE_SRC/deploy/"
	cp -r "$SRC/data" "$SERVICE_SRC/"
	if [ ! -d "$SERVICE_SRC/deploy/render/node_modules/express" ]; then
		command -v npm >/dev/null || skip "no npm"
		(cd "$SERVICE_SRC/deploy/render" &&
			timeout 120 npm install --no-audit --no-fund >"$T/npm.log" 2>&1) ||
			skip "npm install got no packages: $(tail -1 "$T/npm.log")"
	fi
	unshare -npf --mount-proc --kill-child bash "$0" inside
	exit
fi
[ -n "${AGENTSH_CONTAINER:-}" ] || ip link set lo up
cd "$SERVICE_SRC/deploy/render" || exit 1
unset AGENTSH_RUNTIME_DIR
export AGENTSH_BIN=$AGENTSH_BUILD/cli/agentsh TMPDIR=$T
# it takes ten seconds; what hangs is tried again, as any failure is
run timeout 240 node --test test/
grep -E '^# (tests|pass|fail|skipped)|# SKIP|median' "$T/out"
[ "$STATUS" = 0 ] || { grep -A12 'not ok' "$T/out" | head -80; exit 1; }

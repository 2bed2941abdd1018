#!/bin/bash
# SPDX-License-Identifier: MIT
# quickstart.sh - install what the build needs, build, and run a governed
# session on a real workspace: a clone of this repository in a temporary
# directory. Shows what is allowed, denied, recorded and brought back.
set -eu
cd "$(dirname "$0")"

sh scripts/deps.sh build
quietly() { # output only when it fails
	local log
	log=$(mktemp)
	if "$@" >"$log" 2>&1; then
		rm -f "$log"
		return
	fi
	tail -30 "$log" >&2
	echo "quickstart.sh: failed: $* (all of it: $log)" >&2
	exit 1
}

[ -f build/build.ninja ] ||
	quietly meson setup build -Dbuildtype=release -Dtests=false
quietly ninja -C build
echo "built: build/cli/agentsh ($(build/cli/agentsh --version))"

exec bash scripts/demo.sh build

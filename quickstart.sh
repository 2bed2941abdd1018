#!/bin/bash
# SPDX-License-Identifier: MIT
# quickstart.sh - install what the build needs, build, and run a governed
# session on a real workspace: a clone of this repository in a temporary
# directory. Shows what is allowed, denied, recorded and brought back.
set -eu
cd "$(dirname "$0")"

sh scripts/deps.sh build
[ -f build/build.ninja ] || meson setup build -Dbuildtype=release -Dtests=false >/dev/null
ninja -C build >/dev/null
echo "built: build/cli/agentsh ($(build/cli/agentsh --version))"

exec bash scripts/demo.sh build

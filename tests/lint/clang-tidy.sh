#!/bin/sh
# SPDX-License-Identifier: MIT
# clang-tidy.sh [BUILD_DIR] [FILE...] - clang-tidy over the tree, or over FILEs
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${1:-$root/build}
[ $# -gt 0 ] && shift
[ -f "$build/compile_commands.json" ] || {
	echo "$build: no compile_commands.json; run: meson setup $build"
	exit 1
}
exec nice python3 "$here/tidy.py" "$root" "$build" "$@"

#!/bin/bash
# SPDX-License-Identifier: MIT
# test.sh - install what the tests need, build, run every suite, count.
#
#   ./test.sh            everything (what CI runs)
#   ./test.sh quick      one build, unit + golden + corpus + lint
#
# Ends with the plain line "N passed, N failed, N skipped"; exit 1 on a failure.
set -u
cd "$(dirname "$0")" || exit 1
mode=${1:-full}
start=$SECONDS

sh scripts/deps.sh test || exit 1

export LC_ALL=C.UTF-8
jobs=$(nproc)
logs=()
broken=0

say() { printf '\n== %s (%d s)\n' "$*" "$((SECONDS - start))"; }

# build DIR MESON-ARGS...: set up and compile with warnings as errors
build() {
	local dir=$1
	shift
	say "build $dir: $*"
	if [ ! -f "$dir/build.ninja" ]; then
		meson setup "$dir" -Dwerror=true "$@" >"$dir.setup.log" 2>&1 || {
			tail -30 "$dir.setup.log"
			broken=$((broken + 1))
			return 1
		}
	fi
	ninja -C "$dir" -j "$jobs" >"$dir.ninja.log" 2>&1 || {
		grep -E 'error|warning|FAILED' "$dir.ninja.log" | head -40
		echo "build of $dir failed"
		broken=$((broken + 1))
		return 1
	}
}

# run DIR NAME SUITE-ARGS...: run suites, keep the log for the count
run() {
	local dir=$1 name=$2
	shift 2
	say "$name"
	meson test -C "$dir" --no-rebuild --print-errorlogs \
		--logbase "log-$name" "$@" 2>&1 |
		grep -vE '^(ninja|Ok:|Expected Fail|Unexpected Pass|Timeout|$|Full log)'
	logs+=("$dir/meson-logs/log-$name.json")
}

fast=(--suite unit --suite golden --suite corpus --suite lint)
build build-test -Dbuildtype=debugoptimized || true
if [ -f build-test/build.ninja ]; then
	run build-test fast "${fast[@]}"
	if [ "$mode" = full ]; then
		run build-test cases --suite cases --num-processes 1
		run build-test escape --suite escape --num-processes 1
	fi
fi
if [ "$mode" = full ]; then
	if build build-asan -Db_sanitize=address,undefined \
		-Dbuildtype=debug -Db_lundef=false; then
		run build-asan asan --suite unit --suite golden --suite corpus
	fi
	if command -v clang >/dev/null; then
		CC=clang build build-clang -Dbuildtype=debugoptimized || true
		run build-test tidy --suite tidy
	fi
fi

say "count"
python3 scripts/count-tests.py "$broken" "${logs[@]}"

#!/bin/bash
# SPDX-License-Identifier: MIT
# test.sh - install what the tests need, build, run every suite, count.
#
#   ./test.sh            what CI runs: every suite on the ordinary build; unit,
#                        golden and corpus under ASan and UBSan, and with clang
#   ./test.sh quick      one build, unit + golden + corpus + lint
#   ./test.sh full       also: scenarios under the sanitizers, the dynamic
#                        build, clang-tidy, a short run of each fuzzer
#
# Ends with the plain line "N passed, N failed, N skipped"; exit 1 on a failure.
# A test that hangs is ended and named; so is what tests leave behind
# (scripts/guard-tests.py). With CI=true build trees are made anew. What each
# stage is for, and how to add a test: docs/TESTING.md
set -u
cd "$(dirname "$0")" || exit 1
mode=${1:-ci}
case $mode in full | ci | quick) ;; *)
	sed -n '4,10s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac
start=$SECONDS

sh scripts/deps.sh test || exit 1

export LC_ALL=C.UTF-8
jobs=$(nproc)
logs=()
stages=()
broken=0

# stage NAME: say what begins, and how long the one before took
stage() {
	end_stage
	stage=$1 stage_start=$SECONDS
	printf '\n== %s (%d s)\n' "$1" "$((SECONDS - start))"
}
stage=
end_stage() {
	[ -z "$stage" ] ||
		stages+=("$(printf '%6d s  %s' "$((SECONDS - stage_start))" "$stage")")
	stage=
}

# build DIR MESON-ARGS...: set up and compile with warnings as errors
build() {
	local dir=$1
	shift
	stage "build $dir: $*"
	[ "${CI:-}" = true ] && rm -rf "$dir"
	if [ ! -f "$dir/build.ninja" ]; then
		meson setup "$dir" -Dwerror=true "$@" >"$dir.setup.log" 2>&1 || {
			tail -30 "$dir.setup.log"
			broken=$((broken + 1))
			return 1
		}
	fi
	# a newer meson than that of Ubuntu 22.04 says what the older would refuse
	if grep -sF 'uses feature introduced in' "$dir.setup.log"; then
		echo "$dir wants a newer meson than meson.build says"
		broken=$((broken + 1))
	fi
	timeout 1800 ninja -C "$dir" -j "$jobs" >"$dir.ninja.log" 2>&1 || {
		grep -E 'error|warning|FAILED' "$dir.ninja.log" | head -40
		echo "build of $dir failed"
		broken=$((broken + 1))
		return 1
	}
	# -Dwerror does not reach the linker
	if grep -E '(^|: )warning: ' "$dir.ninja.log"; then
		echo "build of $dir is not free of warnings"
		broken=$((broken + 1))
	fi
}

# run DIR NAME SECONDS ARGS...: run suites, keep the log for the count
run() {
	local dir=$1 name=$2 seconds=$3
	shift 3
	stage "test $dir: $name"
	rm -f "$dir/meson-logs/log-$name.json"
	python3 scripts/guard-tests.py "$dir/meson-logs/left-$name.json" "$seconds" \
		meson test -C "$dir" --no-rebuild --print-errorlogs \
		--logbase "log-$name" "$@" 2>&1 | grep --line-buffered -vE \
		'^(ninja|Ok:|Expected Fail|Unexpected Pass|Timeout|$|Full log)'
	logs+=("$dir/meson-logs/log-$name.json" "$dir/meson-logs/left-$name.json")
}

# again DIR NAME: what failed runs twice more at most, by itself; the count names
# what passed on a later try only as unsteady, and the rest as failures
again() {
	local names log="$1/meson-logs/log-$2" try
	rm -f "$log"-again*.json
	for try in 1 2; do
		[ -f "$log.json" ] || return 0
		names=$(python3 scripts/count-tests.py --failed "$log.json")
		[ -n "$names" ] || return 0
		stage "test $1: $2, the failed ones again ($try)"
		# shellcheck disable=SC2086
		timeout 1200 meson test -C "$1" --no-rebuild --print-errorlogs -t 3 \
			"${serial[@]}" --logbase "log-$2-again$try" $names 2>&1 |
			grep --line-buffered -vE \
				'^(ninja|Ok:|Expected Fail|Unexpected Pass|Timeout|$|Full log)'
	done
}

fast=(--suite unit --suite golden --suite corpus)
serial=(--num-processes 1)
if build build-test -Dbuildtype=debugoptimized; then
	run build-test fast 900 "${fast[@]}" --suite lint -t 5
	again build-test fast
	[ "$mode" = quick ] || {
		run build-test cases 5400 --suite cases "${serial[@]}" -t 3
		again build-test cases
		[ -n "${AGENTSH_KERNELS:-}" ] ||
			AGENTSH_KERNEL_SERIES="6.1 6.12" \
				bash scripts/kernels-fetch.sh build-test/kernels 120
		run build-test escape 1500 --suite escape "${serial[@]}" -t 2
		again build-test escape
	}
fi
if [ "$mode" != quick ]; then
	build build-asan -Db_sanitize=address,undefined -Dbuildtype=debug \
		-Db_lundef=false -Doptimization=1 &&
		run build-asan asan 900 "${fast[@]}" -t 5 &&
		again build-asan asan
fi
if [ "$mode" = full ]; then
	[ -f build-asan/build.ninja ] &&
		run build-asan asan-cases 2400 --suite cases "${serial[@]}" -t 3
	build build-dynamic -Dstatic=disabled -Dbuildtype=release &&
		run build-dynamic dynamic 600 "${fast[@]}" -t 5
fi
if [ "$mode" != quick ] && command -v clang >/dev/null; then
	CC=clang build build-clang -Dbuildtype=debugoptimized &&
		run build-clang clang 900 "${fast[@]}" -t 5 &&
		again build-clang clang
fi
if [ "$mode" = full ] && command -v clang >/dev/null; then
	[ -f build-clang/build.ninja ] &&
		run build-clang tidy 1800 --suite tidy
	if sh scripts/fuzz.sh -p; then
		stage "fuzz: 2 s each"
		[ "${CI:-}" = true ] && rm -rf build-fuzz
		sh scripts/fuzz.sh -t 2 -l build-test/fuzz.json
		logs+=(build-test/fuzz.json)
	fi
fi

end_stage
printf '\n== %d s in all\n' "$((SECONDS - start))"
printf '%s\n' "${stages[@]}"
python3 scripts/count-tests.py "$broken" "${logs[@]}"

#!/bin/sh
# SPDX-License-Identifier: MIT
# fuzz.sh [-t SECONDS] [-l LOG] [-p] [TARGET...] - run the fuzz targets, all or those named
#
#   -t SECONDS   how long each one runs (default 10)
#   -l LOG       also write the results in the form of meson's JSON logs
#   -p           only say whether clang can build them here (exit status)
#
# Built in build-fuzz with ASan and UBSan. What is new is kept in
# build-fuzz/found/TARGET, what fails in build-fuzz/crash-TARGET-*: mend it, and
# add the input to tests/fuzz/corpus/TARGET under a name that says what it shows.
set -eu
cd "$(dirname "$0")/.."
seconds=10
probe=
log=/dev/null

while getopts t:l:p option; do
	case $option in
	t) seconds=$OPTARG ;;
	l) log=$OPTARG ;;
	p) probe=1 ;;
	*) sed -n '3,7s/^# \{0,1\}//p' "$0" && exit 2 ;;
	esac
done
shift $((OPTIND - 1))

# result NAME OK|FAIL TEXT
result() {
	echo "$2 fuzz $1: $3"
	printf '{"name": "fuzz %s", "result": "%s", "stdout": ""}\n' "$1" "$2" >>"$log"
	[ "$2" = OK ] || failed=$((failed + 1))
}

can_fuzz() {
	dir=$(mktemp -d)
	echo 'int LLVMFuzzerTestOneInput(const char *p, long n) {return !p && n;}' \
		>"$dir/a.c"
	clang -fsanitize=fuzzer,address,undefined -o "$dir/a" "$dir/a.c" \
		2>"$dir/log" && status=0 || status=1
	[ "$status" = 0 ] || echo "no fuzzing here: $(head -1 "$dir/log")"
	rm -rf "$dir"
	return "$status"
}

if [ -n "$probe" ]; then
	can_fuzz
	exit
fi
can_fuzz || exit 77

[ -f build-fuzz/build.ninja ] ||
	CC=clang meson setup build-fuzz -Dfuzz=true -Db_lundef=false \
		-Db_sanitize=address,undefined -Dbuildtype=debug -Doptimization=1 \
		-Dwerror=true >build-fuzz.setup.log
failed=0
ran=0
[ "$log" = /dev/null ] || : >"$log"
for source in tests/fuzz/fuzz_*.c; do
	name=$(basename "$source" .c)
	what=${name#fuzz_}
	if [ $# -gt 0 ]; then
		case " $* " in *" $what "*) ;; *) continue ;; esac
	fi
	ninja -C build-fuzz "tests/fuzz/$name" >build-fuzz.ninja.log || {
		grep -E 'error|FAILED' build-fuzz.ninja.log
		result "$what" FAIL 'does not build'
		continue
	}
	mkdir -p "build-fuzz/found/$what"
	ran=$((ran + 1))
	if build-fuzz/tests/fuzz/"$name" -max_total_time="$seconds" -timeout=10 \
		-rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="build-fuzz/crash-$what-" \
		"build-fuzz/found/$what" "tests/fuzz/corpus/$what" \
		>"build-fuzz/$what.log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' \
			"build-fuzz/$what.log")
		result "$what" OK "$runs runs"
	else
		tail -40 "build-fuzz/$what.log"
		result "$what" FAIL "see build-fuzz/crash-$what-*"
	fi
done
echo "$ran targets, $failed failed"
[ "$failed" = 0 ] && [ "$ran" -gt 0 ]

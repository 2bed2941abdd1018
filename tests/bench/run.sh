#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh - all measurements, each as a ratio to native in the same run
#
#	AGENTSH_BUILD=build bash tests/bench/run.sh [ROUNDS]
#
# Prints tables and writes nothing outside its own temporary directory. Every
# table comes from compare.c, which runs its rows in turn, so that what else the
# machine does hits all alike; medians are what counts, and p99 only on a quiet
# machine. Peers that are not installed are left out.
N=${1:-100}
export AGENTSH_BUILD=${AGENTSH_BUILD:-$PWD/build}
. "$(dirname "$0")/../cases/lib/case.sh"

PATH=$AGENTSH_BUILD/cli:$PATH
for p in compare spawn opens; do
	cc -O2 -D_GNU_SOURCE -o "$T/$p" "$SRC/tests/bench/$p.c" ||
		fail "cannot build $p.c"
done
have() { command -v "$1" >/dev/null; }
compare() { "$T/compare" "$@"; }

# rows of the peers for a command, appended to ROWS
peers() {
	have bwrap && ROWS+=(:: bwrap bwrap --bind / / --dev /dev --proc /proc -- "$@")
	have firejail && ROWS+=(:: firejail firejail --quiet --noprofile -- "$@")
	have proot && ROWS+=(:: proot proot "$@")
	have strace && ROWS+=(:: strace strace -f -qq -o "$T/strace.out" -- "$@")
}

title() { printf '\n== %s\n' "$*"; }

rss() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }

# server [CONFIG LINES]: a fresh one, and session s warm
server() {
	if [ -n "$SERVER_PID" ]; then
		kill "$SERVER_PID"
		wait "$SERVER_PID" 2>/dev/null
	fi
	rm -f "$T/config.yaml"
	PORT=
	CONFIG_EXTRA=${1:-}
	start_server
	for _ in 1 2 3; do
		in_session /bin/true
		expect_status 0
	done
}

# a git repository of 2,000 files in 100 directories
make_tree() {
	local i
	(
		cd "$WS" || exit 1
		for i in $(seq 100); do
			mkdir "d$i"
			for j in $(seq 20); do echo "$i $j" >"d$i/f$j"; done
		done
		git init -q . && git add . &&
			git -c user.name=b -c user.email=b@example.org \
				commit -qm one
	) || fail "cannot make the tree"
}

make_project() {
	local i
	mkdir "$WS/project"
	for i in $(seq 12); do
		printf '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\nint f%d(int x) { return x + %d; }\n' \
			"$i" "$i" >"$WS/project/f$i.c"
	done
	printf 'OBJS = %s\nall: $(OBJS)\n%%.o: %%.c\n\tcc -O1 -c -o $@ $<\nclean:\n\trm -f *.o\n' \
		"$(seq -f 'f%g.o' -s ' ' 12)" >"$WS/project/Makefile"
}

# file- and exec-heavy work; $1 names the mode
work() {
	local n=$((N / 10 + 3)) storm='i=0; while [ $i -lt 100 ]; do /bin/true; i=$((i+1)); done'
	cd "$WS" || fail "no workspace"
	title "$1: git status, 2,000 files"
	compare -n "$n" native git status --short :: \
		agentsh agentsh exec s -- git status --short
	title "$1: reading 2,000 files"
	compare -n "$n" native sh -c 'cat d*/*' :: \
		agentsh agentsh exec s -- sh -c 'cat d*/*'
	title "$1: make of 12 files"
	compare -n 3 native make -s -C project clean all :: \
		agentsh agentsh exec s -- make -s -C project clean all
	title "$1: exec storm, 100 programs of a shell"
	ROWS=(native sh -c "$storm" :: agentsh agentsh exec s -- sh -c "$storm")
	peers sh -c "$storm"
	compare -n "$n" "${ROWS[@]}"
	title "$1: one open for reading, us (median, p90): native, agentsh"
	cp "$T/opens" "$WS/opens"
	"$T/opens" "$WS/d1/f1"
	agentsh exec s -- ./opens "$WS/d1/f1"
	cd / || exit 1
}

server
title "a warm command"
cd "$WS" || exit 1
ROWS=(native /bin/true :: agentsh "$AGENTSH_BUILD/cli/agentsh" exec s -- /bin/true)
peers /bin/true
compare -n "$N" "${ROWS[@]}"
title "the same, 20 ms between two"
compare -n "$((N / 2 + 1))" -p 20 native /bin/true :: \
	agentsh "$AGENTSH_BUILD/cli/agentsh" exec s -- /bin/true
cd / || exit 1

# The environment is exported: an env(1) in front would be one more program. The
# third row has limits and cgroups on, as far as the host has them.
title "one command without a server: agentsh run"
cp "$SRC/tests/bench/fast.yaml" "$T/policies/fast.yaml"
mkdir -p "$T/home"
{ cat "$T/config.yaml"; echo 'sandbox: {cgroups: {enabled: true}}'; } >"$T/limits.yaml"
alone() { echo "$1" "$AGENTSH_BUILD/cli/agentsh" run --root "$WS" "${@:2}" -- /bin/true; }
ROWS=(native /bin/true :: env env /bin/true)
ROWS+=(:: $(alone run,fast --policy fast) :: $(alone run,default))
ROWS+=(:: $(alone run,default,limits --config "$T/limits.yaml"))
peers /bin/true
(
	export HOME=$T/home AGENTSH_CONFIG=$T/config.yaml
	compare -n "$((N / 2 + 1))" "${ROWS[@]}"
)

title "size, KiB"
echo "server $(rss "$SERVER_PID")"
for p in $(pgrep -P "$SERVER_PID"); do
	echo "$(cat "/proc/$p/comm") $(rss "$p")"
done

# Without server and client: what the supervisor costs a spawn. The difference
# of two runs, so that its own start does not count; native and each mode in
# turn, and the medians of the ratios of each round.
TRACER_RUN=$AGENTSH_BUILD/tests/cases/tracer/tracer-run
if [ -x "$TRACER_RUN" ]; then
	title "a spawn at the supervisor, ratio to native: wall, CPU (median, least)"
	TIMEFORMAT='%R %U %S'
	spent() { { time "$@" >/dev/null 2>&1; } 2>&1; }
	# NAME WALL CPU of one round, from two times of N = 20 and 220
	apart() { echo "$2 $3" | awk -v n="$1" '{ print n, $4 - $1, $5 + $6 - $2 - $3 }'; }
	storm() {
		spent "$TRACER_RUN" -p "$1" -s "$2" -w "$WS" -n "$3" \
			"$AGENTSH_BUILD/tracer/agentsh-tracer" -- /bin/true
	}
	mode() { apart "$1" "$(storm "$2" "$3" 20)" "$(storm "$2" "$3" 220)"; }
	echo '{}' >"$T/recorded.json"
	echo '{"file_monitor": {"write_only_opens": true}}' >"$T/fast.json"
	sed "s|\${PROJECT_ROOT}|$WS|" "$SRC/tests/bench/fast.yaml" >"$T/spawn.yaml"
	for _ in 1 2 3 4 5 6 7; do
		apart native "$(spent "$T/spawn" 20 /bin/true)" \
			"$(spent "$T/spawn" 220 /bin/true)"
		mode recorded "$SRC/tests/cases/tracer/policy.yaml" "$T/recorded.json"
		mode fast "$T/spawn.yaml" "$T/fast.json"
	done | awk '$1 == "native" { w = $2; c = $3; next }
		w > 0 && c > 0 { print $1, $2 / w, $3 / c }' >"$T/ratios"
	for m in recorded fast; do
		for column in 2 3; do
			awk -v m="$m" -v c="$column" '$1 == m { print $c }' "$T/ratios" |
				sort -n | awk '{ v[NR] = $1 } END {
					printf "%.2f (%.2f) ", v[int((NR + 1) / 2)], v[1] }'
		done
		echo "$m"
	done
fi
BENCH_AUDIT=$AGENTSH_BUILD/tests/bench/bench_audit
if [ -x "$BENCH_AUDIT" ]; then
	title "audit: four writers, 100,000 events per second"
	mkdir "$T/audit"
	"$BENCH_AUDIT" "$T/audit" "$((N * 2000))"
fi

make_tree
make_project
work recorded
# With a denial inside what Landlock grants (the default policy has some) reads
# are judged in this mode, too; hence a policy without.
POLICY_FILE=$SRC/tests/bench/fast.yaml
server "sandbox:
  seccomp:
    file_monitor:
      write_only_opens: true"
work fast
exit 0

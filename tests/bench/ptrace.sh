#!/bin/bash
# SPDX-License-Identifier: MIT
# ptrace.sh - what the second layer costs: spawns, a build, git, by layers
#
#	AGENTSH_BUILD=build bash tests/bench/ptrace.sh [ROUNDS [WORK...]]
#
# Rows: a tracer that does nothing (bare_tracer.c); the static floor;
# notifications; both (ptrace beside notifications); ptrace alone. One command
# does the work of each row, under a policy that Landlock expresses and with reads
# left to it. Look at the CPU ratio.
ROUNDS=${1:-5}
WORKS=" ${*:2} "
[ $# -gt 1 ] || WORKS=" spawn shell make git "
. "$(dirname "$0")/../cases/lib/case.sh"
for p in compare spawn bare_tracer; do
	cc -O2 -D_GNU_SOURCE -o "$T/$p" "$SRC/tests/bench/$p.c" ||
		fail "cannot build $p.c"
done
cat >"$T/exact.yaml" <<END
version: 1
name: exact
file_rules:
  - {name: own, paths: ["$T", "$T/**", "/tmp/**", /dev/null, /dev/zero, /dev/urandom, /dev/tty], operations: ["*"], decision: allow}
  - {name: rest, paths: ["/", "/**"], operations: [read, open, stat, list, readlink], decision: allow}
command_rules:
  - {name: all, commands: ["*"], decision: allow}
END
for i in $(seq 30); do
	printf '#include <stdio.h>\n#include <stdlib.h>\nint f%d(int x) { return x + %d; }\n' \
		"$i" "$i" >"$WS/f$i.c"
done
printf 'OBJS = %s\nall: $(OBJS)\n%%.o: %%.c\n\tcc -O1 -c -o $@ $<\nclean:\n\trm -f *.o\n' \
	"$(seq -f 'f%g.o' -s ' ' 30)" >"$WS/Makefile"

layers() { # NAME JSON
	printf '{"file_monitor": {"write_only_opens": true}%s}' "$2" >"$T/$1.json"
	ROWS+=(:: "$1" "$AGENTSH_BUILD/tests/cases/tracer/tracer-run" \
		-p "$T/exact.yaml" -s "$T/$1.json" -w "$WS" \
		"$AGENTSH_BUILD/tracer/agentsh-tracer" -- "${WORK[@]}")
}
measure() {
	printf '\n== %s\n' "$*"
	WORK=("$@")
	ROWS=(native "$@" :: bare "$T/bare_tracer" "$@")
	layers floor ', "seccomp": {"notify": false}'
	layers notify ''
	layers both ', "ptrace": {"enabled": true}'
	layers alone ', "ptrace": {"enabled": true}, "seccomp": {"notify": false}'
	"$T/compare" -n "$ROUNDS" "${ROWS[@]}"
}
git -C "$WS" init -q .
for i in $(seq 40); do
	mkdir "$WS/d$i"
	for j in $(seq 25); do echo "$i $j" >"$WS/d$i/f$j"; done
done
git -C "$WS" add . && git -C "$WS" -c user.name=b -c user.email=b@example.org \
	commit -qm one
cd "$WS" || exit 1
export TMPDIR=$T # the policy lets the compiler write there
wanted() { [[ $WORKS == *" $1 "* ]]; }
wanted spawn && measure "$T/spawn" "${AGENTSH_SPAWNS:-600}" /bin/true
# 240 spawns of small commands: what starting costs is then a few percent
wanted shell && measure bash -c 'for i in {1..30}; do ls >/dev/null; expr $i + 1 >/dev/null; cat Makefile >/dev/null
	sed -n 1p Makefile >/dev/null; date >/dev/null; true | wc -l >/dev/null; done'
wanted make && measure sh -c 'make -s clean && make -s -j2'
wanted git && measure sh -c 'for i in $(seq 60); do git status --short >/dev/null; done'
exit 0

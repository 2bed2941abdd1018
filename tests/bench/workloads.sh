#!/bin/bash
# SPDX-License-Identifier: MIT
# workloads.sh - work of several seconds, in all modes and peers in one run
#
#	AGENTSH_BUILD=build bash tests/bench/workloads.sh [ROUNDS [WORKLOAD...]]
#
# Modes: `recorded` has the shipped policy, which Landlock can express, so that
# reads are recorded and continue; `behalf` one that it cannot (a name denied
# anywhere), where each open is made for the caller; `fast` is the shipped
# policy with write_only_opens. Each workload is repeated inside of one command,
# so that the start of a command counts little. The last two columns are the
# ones for a loaded machine: the shortest runs, and CPU time with that of the
# server and its workers.
#
# The directory of it all (TMPDIR, by default /srv) must not be one that the
# policy lets commands write to: the server's own data lie there.
ROUNDS=${1:-5}
shift
export AGENTSH_BUILD=${AGENTSH_BUILD:-$PWD/build}
export TMPDIR=${TMPDIR:-/srv}
. "$(dirname "$0")/../cases/lib/case.sh"
unset TMPDIR
WORKLOADS=${*:-open write git find storm make conf}
SERVERS=()

stop_all() {
	[ ${#SERVERS[@]} = 0 ] || kill "${SERVERS[@]}" 2>/dev/null
	case_cleanup
}
trap stop_all EXIT

behalf_policy() {
	cat <<-END
	version: 1
	name: behalf
	file_rules:
	  - name: anywhere
	    paths: ["**/.never-there"]
	    operations: ["*"]
	    decision: deny
	  - name: workspace
	    paths: ["\${PROJECT_ROOT}", "\${PROJECT_ROOT}/**", "/tmp/**", "/dev/**"]
	    operations: ["*"]
	    decision: allow
	  - name: rest
	    paths: ["/", "/**"]
	    operations: [read, open, stat, list, readlink]
	    decision: allow
	command_rules:
	  - name: all
	    commands: ["*"]
	    decision: allow
	END
}

# mode NAME [CONFIG LINES]: a server with everything of its own (a policy that
# another one changes is loaded again); command in MODE_NAME
mode() {
	local T=$T/$1
	mkdir -p "$T/run" "$T/data" && chmod 700 "$T/run"
	PORT= CONFIG_EXTRA=${2:-} AGENTSH_RUNTIME_DIR=$T/run
	export AGENTSH_RUNTIME_DIR
	start_server
	SERVERS+=("$SERVER_PID")
	SERVER_PID=
	in_session true
	expect_status 0
	declare -g "MODE_$1=env AGENTSH_SERVER=$AGENTSH_SERVER AGENTSH_RUNTIME_DIR=$T/run $AGENTSH_BUILD/cli/agentsh exec s --"
}

make_tree() (
	cd "$WS" || exit 1
	for i in $(seq 100); do
		mkdir -p "tree/d$i"
		for j in $(seq 20); do echo "$i $j" >"tree/d$i/f$j"; done
	done
	cd tree && git init -q . && git add . && git -c user.name=b \
		-c user.email=b@example.org commit -qm one
	mkdir ../make
	for i in $(seq 40); do
		printf '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\nint f%d(int x) { return x + %d; }\n' \
			"$i" "$i" >"../make/f$i.c"
	done
	printf 'OBJS = %s\nall: $(OBJS)\n%%.o: %%.c\n\tcc -O1 -c -o $@ $<\nclean:\n\trm -f *.o\n' \
		"$(seq -f 'f%g.o' -s ' ' 40)" >../make/Makefile
)

# Checks as a ./configure makes them: many short programs, few long ones.
make_configure() {
	cat >"$WS/conf.sh" <<-'END'
	cd make || exit 1
	for i in 1 2 3 4 5 6 7 8 9 10; do
		echo "int main(void) { return $i; }" >conftest$i.c
		cc -c conftest$i.c -o conftest$i.o || exit 1
		for j in 1 2 3 4 5; do
			x=$(echo "a $j" | sed 's/a/b/')
			expr "x$x" : 'xb' >/dev/null
			cat conftest$i.c | grep -c main >/dev/null
		done
		rm -f conftest$i.c conftest$i.o
	done
	END
}

rows() {
	ROWS=(native "$@")
	for m in ${MODES:-recorded behalf fast}; do
		local v=MODE_$m
		# shellcheck disable=SC2206
		ROWS+=(:: "$m" ${!v} "$@")
	done
	[ -n "${PEERS-1}" ] && command -v bwrap >/dev/null &&
		ROWS+=(:: bwrap bwrap --dev-bind / / -- "$@")
	[ -n "${PEERS-1}" ] && command -v proot >/dev/null &&
		ROWS+=(:: proot proot "$@")
	[ -n "${PEERS-1}" ] && command -v strace >/dev/null &&
		ROWS+=(:: strace strace -f -qq --seccomp-bpf -e \
			trace=execve,openat -o "$T/trace" -- "$@")
	return 0
}

workload() {
	case $1 in
	open) rows ./bench_open -n 2000 -r 5 tree/d1/f1 ;;
	write) rows ./bench_open -w -n 2000 -r 5 tree/d1/f1 ;;
	git) rows sh -c 'for i in 1 2 3 4 5; do git -C tree status --short; done' ;;
	find) rows sh -c 'for i in 1 2 3; do find tree -path tree/.git -prune -o -type f -print0 | xargs -0 cat; done' ;;
	storm) rows sh -c 'i=0; while [ $i -lt 300 ]; do /bin/true; i=$((i+1)); done' ;;
	make) rows sh -c 'make -s -C make clean && make -s -j2 -C make all' ;;
	conf) rows sh conf.sh ;;
	esac
	printf '\n== %s\n' "$1"
	"$T/compare" -n "$ROUNDS" -s "$(IFS=,; echo "${SERVERS[*]}")" \
		"${ROWS[@]}"
}

for p in compare bench_open; do
	cc -O2 -D_GNU_SOURCE -o "$T/$p" "$SRC/tests/bench/$p.c" ||
		fail "cannot build $p.c"
done
cp "$T/bench_open" "$WS/"
make_tree
make_configure
cd "$WS" || exit 1
mode recorded
behalf_policy >"$T/behalf.yaml"
POLICY_FILE=$T/behalf.yaml
mode behalf
POLICY_FILE=
mode fast "sandbox:
  seccomp:
    file_monitor:
      write_only_opens: true"
for w in $WORKLOADS; do
	workload "$w"
done
exit 0

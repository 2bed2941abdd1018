# SPDX-License-Identifier: MIT
# large.sh - a store of 1,000,000 entries: a listing reads summaries, an undo its
# own records. Limits are CPU time (user and system), which load changes little.
. "$(dirname "$0")/../lib/case.sh"
FILL=$AGENTSH_BUILD/tests/cases/undo/bench_trash
[ -x "$FILL" ] || fail "no $FILL"

# cpu LIMIT_MS CMD...: the status is that of CMD
cpu() {
	python3 - "$@" >"$T/cpu" <<-'EOF'
	import resource, subprocess, sys
	limit, cmd = int(sys.argv[1]), sys.argv[2:]
	with open("out", "wb") as out:
	    r = subprocess.run(cmd, stdout=out, stderr=out).returncode
	u = resource.getrusage(resource.RUSAGE_CHILDREN)
	ms = round((u.ru_utime + u.ru_stime) * 1000)
	print("%d ms of %d: %s" % (ms, limit, " ".join(cmd[1:])))
	sys.exit(r if ms <= limit else 99)
	EOF
	local status=$?
	cat "$T/cpu"
	[ "$status" != 99 ] || fail "took too long: $*"
	return "$status"
}
cd "$WS" || fail cd
A=$AGENTSH_BUILD/cli/agentsh
for shape in '50000 tree' '1000'; do
	rm -rf "$WS/.agentsh_trash"
	# shellcheck disable=SC2086 # two words
	"$FILL" "$WS" 1000000 $shape || fail 'set-up'
	cpu 300 "$A" trash list || fail 'list'
	head -1 "$WS/out" | grep -q /small || fail 'the newest is not first'
	[ "$(wc -l <"$WS/out")" -ge 20 ] || fail 'lines are missing'
	cpu 500 "$A" undo --dry-run || fail 'dry run'
	cpu 500 "$A" undo || fail "undo: $(cat "$WS/out")"
	[ -f small ] || fail 'not back'
	cpu 300 "$A" undo status || fail 'status'
	cpu 500 "$A" undo --redo || fail 'redo'
	[ ! -e small ] || fail 'not redone'
	# the oldest go: only their groups are counted anew
	run "$A" trash purge --quota 3850MB
	expect_out 'removed'
	expect_no_out 'removed 0'
	cpu 600 "$A" trash list || fail 'list after a purge'
done

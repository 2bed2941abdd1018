# SPDX-License-Identifier: MIT
# run-limits.sh - `agentsh run` holds the policy's limits, also where the cgroup
# comes after the start (tracer/late.c)
. "$(dirname "$0")/../lib/case.sh"
PORT=$(free_port)
mkdir -p "$T/home" "$T/policies"
export HOME=$T/home AGENTSH_CONFIG=$T/config.yaml
unset XDG_CONFIG_HOME AGENTSH_SERVER
limited() {
	sed '/^resource_limits:/,/^[a-z]/{/^resource_limits:/d;/^  /d}' \
		"$SRC/data/policies/default.yaml"
	printf 'resource_limits:\n  max_memory_mb: 64\n  pids_max: %s\n' "$1"
}
limited 300 >"$T/own.yaml"
POLICY_FILE=$T/own.yaml
CONFIG_EXTRA='sandbox: {cgroups: {enabled: true}}'
write_config
limited 20 >"$T/policies/few.yaml"
cd "$WS" || exit 1
alone() { run "$AGENTSH_BUILD/cli/agentsh" run "${FLAGS[@]}" -- "$@"; }
# the cgroup of a command that runs for a while comes after its start
UNTIL='i=0; until grep -q agentsh /proc/self/cgroup || [ $i = 900 ]; do i=$((i + 1)); sleep 0.1; done'
FLAGS=()

FLAGS=(--policy few) # a low limit is there from the start
alone cat /proc/self/cgroup
expect_status 0
grep -q agentsh "$T/out" || skip "no cgroup here"
FLAGS=()
alone sh -c "$UNTIL; cat /proc/self/cgroup"
expect_out agentsh
# what is short, and what is not, at once and after a while
alone python3 -c 'x = bytearray(200 << 20); print(len(x))'
[ "$STATUS" != 0 ] || fail "200 MiB at once under a limit of 64"
alone sh -c "$UNTIL; python3 -c 'x = bytearray(200 << 20); print(len(x))'"
[ "$STATUS" != 0 ] || fail "200 MiB under a limit of 64"
alone python3 -c 'x = bytearray(20 << 20); print(len(x))'
expect_status 0
expect_out 20971520
# what stood in for the cgroup is gone
alone sh -c "$UNTIL; sleep 0.2; ulimit -Sd; ulimit -Hd"
[ "$(uniq "$T/out" | wc -l)" = 1 ] || fail "a soft limit was left behind"

# processes: refused, or killed with the command when they were too fast
cat >"$WS/many$$.py" <<-'PY'
	import os, sys, time
	n = 0
	try:
	    while n < 1200:
	        if os.fork() == 0:
	            time.sleep(100) # ended with the command
	            os._exit(0)
	        n += 1
	except OSError:
	    pass
	print(n)
	sys.exit(n >= 1000)
PY
alone python3 "many$$.py"
[ "$STATUS" != 0 ] || [ "$(cat "$T/out")" -le 300 ] ||
	fail "$(cat "$T/out") processes under a limit of 300"
# and each of them starts two more
cat >"$WS/bomb.py" <<-'PY'
	import os, time
	first = os.getpid()
	for _ in range(10):
	    try:
	        os.fork()
	    except OSError:
	        pass
	open('seen.%d' % os.getpid(), 'w').close()
	while os.getpid() != first:
	    time.sleep(100) # ended with the first one
	before, n = 0, 1
	while before != n:
	    time.sleep(1.5)
	    before, n = n, sum(f.startswith('seen') for f in os.listdir())
PY
alone python3 bomb.py
[ "$(ls "$WS" | grep -c ^seen)" -le 300 ] || fail "a bomb of 1024 went off"
FLAGS=(--policy few)
alone python3 "many$$.py"
[ "$STATUS" = 0 ] || fail "status $STATUS"
[ "$(cat "$T/out")" -le 20 ] || fail "$(cat "$T/out") processes under a limit of 20"
! pgrep -f "many$$.py" >/dev/null || fail "processes outlived the command"
ls -d /sys/fs/cgroup/*/agentsh/agentsh-run-* /sys/fs/cgroup/*/*/*/agentsh/agentsh-run-* 2>/dev/null |
	while read -r d; do
		p=${d##*@}
		[ -e "/proc/${p%%.*}" ] || exit 1
	done || fail "a cgroup was left behind"
exit 0

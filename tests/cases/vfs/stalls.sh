# SPDX-License-Identifier: MIT
# stalls.sh - work as developers do it with all layers on, while the host edits,
# looks and reloads the policy: nothing stands still for a second
#
# AGENTSH_STALL_SECONDS: how long (8). A loop clones, changes, commits, checks
# out and removes a repository; beside it a probe makes, reads, renames and
# removes a file and keeps its worst time. The same probe runs natively
# meanwhile: what it had to wait for, the machine is to blame for. The aim is a
# second (AGENTSH_STALL_MS=1000, on a machine that is still); whoever shares the
# processors with us must not decide about this.
SECONDS_WANTED=${AGENTSH_STALL_SECONDS:-8}
POLICY_FILE=$(dirname "$0")/../../suites/allow.yaml
CONFIG_EXTRA='sandbox: {fuse: {enabled: true}}'
. "$(dirname "$0")/../lib/case.sh"
command -v git >/dev/null || skip 'no git'
start_server

cat >"$T/probe.py" <<'END2'
import os, sys, time
end, worst, n = time.monotonic() + float(sys.argv[2]), [0.0, ''], 0
os.makedirs(sys.argv[1], exist_ok=True)
p = sys.argv[1] + '/probe'
def timed(what, f, *a):
    t = time.monotonic()
    f(*a)
    t = time.monotonic() - t
    if t > worst[0]:
        worst[:] = [t, what]
def write():
    with open(p, 'w') as f:
        f.write('x' * 5000)
def read():
    with open(p) as f:
        f.read()
while time.monotonic() < end:
    timed('write', write)
    timed('stat', os.stat, p)
    timed('read', read)
    timed('rename', os.rename, p, p + '2')
    timed('unlink', os.unlink, p + '2')
    timed('list', os.listdir, sys.argv[1])
    n += 1
    time.sleep(0.002)
print('rounds', n, 'worst', int(worst[0] * 1000), worst[1])
END2
cat >"$T/loop.sh" <<'END2'
end=$(($(date +%s) + $1)) n=0
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
g() { git -c user.name=a -c user.email=a@b -c safe.directory='*' "$@"; }
while [ "$(date +%s)" -lt "$end" ]; do
	g clone -q --no-hardlinks repo clone$n && cd clone$n && g checkout -q -b side &&
		rm -rf d1 && echo x >>d2/f2 && g commit -qam change && g checkout -q main &&
		g gc -q && g status -s && cd .. && rm -rf clone$n || exit 3
	n=$((n + 1))
done
echo "clones $n"
END2
mkdir "$WS/repo"
(cd "$WS/repo" && export GIT_CONFIG_GLOBAL=/dev/null && git init -q -b main &&
	for d in 1 2 3 4 5 6; do
		mkdir d$d
		for f in $(seq 40); do echo "$d $f" >d$d/f$f; done
	done && git add -A && git -c user.name=a -c user.email=a@b commit -qm one)
in_session true
cp "$T/probe.py" "$T/loop.sh" "$WS/"
python3 "$T/probe.py" "$T/native" "$SECONDS_WANTED" >"$T/native.out" &
native=$!
(
	trap 'exit 0' TERM
	n=0
	while sleep 0.3; do
		n=$((n + 1))
		echo "# $n" >>"$T/policies/default.yaml"
		agentsh policy reload >/dev/null 2>&1
		echo "$n" >"$WS/repo/host-$((n % 5))"
		rm -f "$WS/repo/host-$(((n + 2) % 5))"
		find "$WS" >/dev/null 2>&1
	done
) &
host=$!
timeout $((SECONDS_WANTED + 300)) "$AGENTSH_BUILD/cli/agentsh" exec --timeout 30m --root="$WS" s -- \
	python3 probe.py probe "$SECONDS_WANTED" >"$T/probe.out" 2>&1 &
probe=$!
LAST=loop
timeout $((SECONDS_WANTED + 300)) "$AGENTSH_BUILD/cli/agentsh" exec --timeout 30m --root="$WS" s -- \
	bash loop.sh "$SECONDS_WANTED" >"$T/out" 2>"$T/err"
STATUS=$?
wait $probe
st=$?
kill $host
wait $host $native 2>/dev/null
cat "$T/probe.out" "$T/native.out" "$T/out"
[ "$STATUS" = 0 ] || fail "the loop ended with $STATUS"
[ "$st" = 0 ] || fail "the probe ended with $st"
worst=$(sed -n 's/.*worst \([0-9]*\).*/\1/p' "$T/probe.out")
floor=$(sed -n 's/.*worst \([0-9]*\).*/\1/p' "$T/native.out")
[ "${worst:-99999}" -lt $((${AGENTSH_STALL_MS:-20000} + 3 * floor)) ] || fail "a stall of $worst ms"

# SPDX-License-Identifier: MIT
# signal-rules.sh - every target and decision of signal_rules, tried and on record
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3"
sleep 3000 &
outside=$!
cat >"$T/policy.yaml" <<Y
version: 1
name: signals
file_rules: [{name: all, paths: ["/**"], operations: ["*"], decision: allow}]
command_rules: [{name: all, commands: ["*"], decision: allow}]
signal_rules:
  - {name: self, signals: [SIGUSR1], target: {type: self}, decision: allow}
  - {name: sibling, signals: ["@reload"], target: {type: siblings}, decision: deny}
  - {name: soft, signals: [SIGKILL], target: {type: children}, decision: redirect, redirect_to: SIGTERM}
  - {name: swallow, signals: [15, "INT"], target: {type: process, pattern: "python*"}, decision: absorb}
  - {name: shy, signals: [SIGTERM], target: {type: pid_range, min: 1, max: 10}, decision: absorb}
  - {name: system, signals: ["@all"], target: {type: system}, decision: deny}
  - {name: above, signals: [HUP], target: {type: parent}, decision: deny}
  - {name: below, signals: ["@fatal", "@job", USR2], target: {type: descendants}, decision: audit}
  - {name: others, signals: ["@all"], target: {type: external}, decision: allow}
  - {name: same-user, signals: ["@all"], target: {type: user}, decision: deny}
  - {name: ignored, signals: ["@ignore", ALRM], target: {type: session}, decision: allow}
Y
POLICY=$T/policy.yaml
cat >"$WS/sig.py" <<'PY'
import ctypes, os, signal as S, subprocess, sys, time
libc = ctypes.CDLL(None, use_errno=True)
outside = int(sys.argv[1])
def tried(name, f, *a):
    try:
        f(*a)
        print(name, "ok")
    except OSError as e:
        print(name, "errno", e.errno)
def child(code="import time; time.sleep(600)", name=None, **k):
    p = subprocess.Popen(["sleep", "600"] if name is None else ["python3", "-c", code], **k)
    time.sleep(0.2)
    return p
S.signal(S.SIGUSR1, lambda *a: print("got usr1"))
S.signal(S.SIGUSR2, lambda *a: print("got usr2"))
tried("self", os.kill, os.getpid(), S.SIGUSR1)
tried("self-other", os.kill, os.getpid(), S.SIGUSR2)
tried("self-pidfd", S.pidfd_send_signal, -10001, S.SIGUSR1) # PIDFD_SELF: 6.14
tried("self-pidfd-other", S.pidfd_send_signal, -10001, S.SIGUSR2)
a = child(); tried("child-kill", os.kill, a.pid, S.SIGKILL); print("child ended by", a.wait(60))
a = child(); fd = os.pidfd_open(a.pid)
tried("child-pidfd", S.pidfd_send_signal, fd, S.SIGKILL); print("pidfd ended by", a.wait(60))
a = child(start_new_session=True)
tried("child-group", os.killpg, a.pid, S.SIGKILL); print("group ended by", a.wait(60))
a = child(name="python"); tried("absorb", os.kill, a.pid, S.SIGTERM); time.sleep(0.2)
print("absorbed, lives", a.poll() is None)
tried("absorb-int", os.kill, a.pid, S.SIGINT); time.sleep(0.2)
print("absorbed too", a.poll() is None)
tried("absorb-thread", libc.tgkill, a.pid, a.pid, 15); time.sleep(0.2)
print("absorbed by thread", a.poll() is None)
tried("kill-python", os.kill, a.pid, S.SIGKILL); print("python ended by", a.wait(60))
pid = os.fork()
if pid == 0:
    held, end = os.pipe()
    other = os.fork()
    if other == 0:
        os.close(end); os.read(held, 1); os._exit(0)
    me = os.fork()
    if me == 0:
        tried("sibling", os.kill, other, S.SIGHUP)
        tried("sibling-other", os.kill, other, S.SIGALRM)
        tried("parent", os.kill, os.getppid(), S.SIGHUP)
        sys.stdout.flush(); os._exit(0)
    os.waitpid(me, 0); os.close(end); os.waitpid(other, 0); os._exit(0)
os.waitpid(pid, 0)
a = child(); tried("below", os.kill, a.pid, S.SIGCONT); a.kill(); a.wait(60)
tried("init-absorbed", os.kill, 1, S.SIGTERM)
tried("init", os.kill, 1, S.SIGHUP)
try: group = os.getpgid(outside)
except ProcessLookupError: group = outside # gone after the first round
tried("outside", os.kill, outside, S.SIGTERM)
tried("outside-group", os.killpg, group, S.SIGWINCH)
tried("supervision", os.kill, os.getppid(), S.SIGKILL)
tried("supervision-stop", os.kill, os.getppid(), S.SIGSTOP)
def pidfd_group(fd, sig):
    if libc.syscall(424, fd, sig, None, 4) < 0: raise OSError(ctypes.get_errno(), "")
a = child(start_new_session=True); fd = os.pidfd_open(a.pid)
tried("pidfd-group", pidfd_group, fd, 9)
time.sleep(0.2); print("last ended by", a.wait(60))
sys.stdout.flush()
PY
native=$(python3 -c 'import signal
try: signal.pidfd_send_signal(-10001, 0); print("ok")
except OSError as e: print("errno", e.errno)')
for SETTINGS in '{}' '{"cgroups": {"enabled": false}}' '{"landlock": {"enabled": false}}'; do
	traced python3 sig.py "$outside"
	for w in 'self ok' 'got usr1' 'self-other errno 1' 'child-kill ok' \
		'child ended by -15' 'child-pidfd ok' 'pidfd ended by -15' \
		'child-group ok' 'group ended by -15' 'absorb ok' \
		'absorbed, lives True' 'absorb-int ok' 'absorbed too True' \
		'absorbed by thread True' 'kill-python ok' 'python ended by -15' \
		'sibling errno 1' 'sibling-other ok' 'parent errno 1' 'init errno 1' \
		'last ended by -15'; do
		expect_out "$w"
	done
	expect_no_out usr2
	expect_out "self-pidfd $native" # as without us
	expect_out 'self-pidfd-other errno 1'
	expect_no_out 'supervision ok'
	expect_no_out 'supervision-stop ok'
	expect_out 'init-absorbed ok'
	expect_event '.type == "signal_sent" and .policy.rule == "soft" and .policy.decision == "redirect"'
	expect_event '.type == "signal_sent" and .policy.rule == "swallow" and .effective_action == "blocked"'
	expect_event '.type == "signal_sent" and .policy.rule == "sibling" and .effective_action == "blocked"'
	expect_event '.type == "signal_sent" and .policy.rule == "system" and .effective_action == "blocked"'
	expect_event '.type == "signal_sent" and .policy.rule == "above" and .effective_action == "blocked"'
	expect_event '.type == "signal_sent" and .policy.rule == "below" and .effective_action != "blocked"'
done
kill "$outside" 2>/dev/null

# what a pidfd's number means changes while it is judged
cat >"$T/policy.yaml" <<'Y'
version: 1
name: race
file_rules: [{name: all, paths: ["/**"], operations: ["*"], decision: allow}]
command_rules: [{name: all, commands: ["*"], decision: allow}]
signal_rules:
  - {name: victim, signals: [SIGUSR1], target: {type: process, pattern: "victim*"}, decision: deny}
  - {name: rest, signals: ["@all"], target: {type: descendants}, decision: allow}
Y
race=$AGENTSH_BUILD/tests/cases/tracer/race-signal
timeout 60 "$race" 100000000 >"$T/out"
grep -q '^won' "$T/out" || fail "outside the race is not won"
for SETTINGS in '{}' '{"landlock": {"enabled": false}}'; do
	traced "$race" "${AGENTSH_RACE_TRIES:-500}"
	expect_status 0
	expect_out lost
	expect_event '.type == "signal_sent" and .policy.rule == "victim" and .effective_action == "blocked"'
	expect_event '.type == "signal_sent" and .policy.rule == "rest" and .effective_action != "blocked"'
done
exit 0

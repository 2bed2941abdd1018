# SPDX-License-Identifier: MIT
# ptrace.sh - what a tracer trips over: job control, threads, ends, tricks
. "$(dirname "$0")/lib.sh"
# a sanitizer's look for leaks is a tracer itself
trick() {
	traced env ASAN_OPTIONS=detect_leaks=0 \
		"$AGENTSH_BUILD/tests/cases/tracer/ptrace-tricks" "$@"
}

traced true
! grep -q '^ready ptrace off' "$T/messages" ||
	skip "no ptrace: $(grep '^ready ptrace off' "$T/messages")"
expect_message '^ready ptrace on'

for word in untraced traceme vfork threads exits self stop alarm; do
	trick "$word"
	expect_status 0
	expect_out "ok $word"
done
expect_no_event '.type == "ptrace_escape"'

# a filter of one's own outranks a tracer's, and hides nothing
trick filter "$(type -P id)"
expect_status 0
expect_no_out uid=
expect_out "ok filter"

trick leader "$(type -P echo)" not the leader
expect_status 0
expect_out "not the leader"
trick leader "$(type -P id)"
expect_status 5
expect_out "errno 13"
expect_no_out uid=

# replaced descriptors win nothing: ends well, or recorded and killed
trick swap "${RACE_SECONDS:-2}"
expect_no_out failed
[ "$STATUS" = 0 ] || expect_event '.type == "ptrace_escape" and .fields.outcome == "killed"'

# the process that lends descriptors is not theirs to end, or to look into
case ${AGENTSH_LAYERS:-} in
*'"notify": false'*)
	# The supervision shows no name in procfs: whose is refused is one of it
	# (also others', when tests run side by side: as little to be ended).
	traced bash -c 'seen=0
	for p in $(printf "%s\n" /proc/[0-9]* | sort -rV); do
		err=$( (cat $p/comm) 2>&1 >/dev/null)
		case $err in *"Permission denied"*) ;; *) continue ;; esac
		seen=$((seen + 1))
		kill -9 ${p#/proc/} && echo killed; kill -STOP ${p#/proc/} && echo stopped
		ls $p/fd >/dev/null && echo looked
	done; [ $seen -lt 3 ] || echo "three seen"; echo over >still; cat still'
	expect_out 'three seen'
	expect_no_out looked
	expect_no_out killed
	expect_no_out stopped
	expect_out over
	expect_err 'Operation not permitted'
	;;
esac

# job control: ^Z and fg of a job in an interactive shell on a terminal
cat >"$WS/job.py" <<'PY'
import os, pty, re, select, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.environ["PS1"] = "$ "
    os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
seen = b""
def until(what, seconds=60):
    global seen
    end = time.time() + seconds
    while time.time() < end:
        m = re.search(what, seen)
        if m:
            seen = seen[m.end():]
            return
        if not select.select([fd], [], [], 0.2)[0]:
            continue
        try:
            seen += os.read(fd, 4096)
        except OSError:
            break
    sys.exit("no %r in %r" % (what, seen))
until(rb"\$ $")
os.write(fd, b"sh -c 'echo ready; exec cat'\n")
until(rb"ready\r\n")
os.write(fd, b"\x1a")
until(rb"Stopped[^$]*\$ $")
os.write(fd, b"jobs; fg\n")
until(rb"Stopped[^\n]*\n[^\n]*exec cat'\r\n")
os.write(fd, b"two\n")
until(rb"two\r\n.*two\r\n") # the terminal's, and then cat's: it has the foreground
os.write(fd, b"\x03")
until(rb"\$ $")
os.write(fd, b"echo $((40 + 2))\n")
until(rb"42\r\n")
until(rb"\$ $")
os.write(fd, b"exit 9\n")
print("job", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
traced python3 "$WS/job.py"
expect_out 'job 9'

# who made whom, also when the maker is gone: a daemon's depth and parent
traced bash -c '(sh -c "sleep 0.3; cat /dev/null; : >seen" & exit); until [ -e seen ]; do sleep 0.1; done'
expect_event '.type == "execve" and .argv[0] == "cat" and .depth == 2'

# more than may be traced: left to the layer beneath, or killed
case ${AGENTSH_LAYERS:-} in
*'"notify": false'*) ;;
*)
	SETTINGS='{"ptrace": {"max_tracees": 6}}'
	traced bash -c 'p=; for i in 1 2 3 4 5 6 7 8; do sleep 600 & p="$p $!"; done; kill $p; wait; id; echo end'
	expect_out end
	expect_no_out uid=
	expect_event '.type == "ptrace_limit" and .fields.outcome == "not traced"'
	;;
esac
SETTINGS='{"ptrace": {"max_tracees": 6, "fail_closed": true}}'
traced bash -c 'p=; for i in 1 2 3 4 5 6 7 8; do sleep 600 & p="$p $!"; done; kill $p; wait; echo end'
expect_event '.type == "ptrace_limit" and .fields.outcome == "killed"'
exit 0

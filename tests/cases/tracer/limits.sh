# SPDX-License-Identifier: MIT
# limits.sh - memory is bounded, by a cgroup or by an rlimit; a terminal works
. "$(dirname "$0")/lib.sh"

hog='import sys
try: b = bytearray(400 << 20); print("got it")
except MemoryError: print("refused"); sys.exit(9)'
for SETTINGS in '{}' '{"cgroups": {"enabled": false}}'; do
	TRACED_ARGS="-l $((100 << 20))"
	traced python3 -c "$hog"
	expect_no_out 'got it'
	[ "$STATUS" = 9 ] || [ "$STATUS" = 137 ] || fail "status $STATUS"
	[ "$STATUS" = 9 ] || expect_message 'oom=1'
done
SETTINGS='{}'
TRACED_ARGS=-T

# job control needs a controlling terminal and groups in the foreground
printf '{}' >"$T/settings.json"
cd "$WS" || exit 1
run ${AGENTSH_JAIL:+$AGENTSH_JAIL --} python3 -c "
import os, pty, subprocess, sys
master, slave = pty.openpty()
p = subprocess.Popen(['$AGENTSH_BUILD/tests/cases/tracer/tracer-run',
    '-p', '$POLICY', '-s', '$T/settings.json', '-w', '$WS', '-e',
    '$T/events', '-m', '$T/messages', '-T',
    '$AGENTSH_BUILD/tracer/agentsh-tracer', '--', 'bash', '-c',
    'set -m; sleep 600 & j=\$!; (until [ \$(ps -o tpgid= -p \$j) = \$j ]; do sleep 0.1; done; kill \$j) & fg %1; tty; echo x >/dev/tty; ps -o tpgid= -p \$\$; stty size'],
    stdin=slave, stdout=slave, stderr=slave)
os.close(slave)
out = b''
try:
    while True:
        b = os.read(master, 4096)
        if not b: break
        out += b
except OSError: pass
print(out.decode(), p.wait())
"
expect_out 'sleep 600'
expect_out /dev/pts/
expect_no_out 'not a tty'
expect_no_out 'no job control'

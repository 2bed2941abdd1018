# SPDX-License-Identifier: MIT
# deep.sh - paths of 4,095 bytes below a long directory, and directories that are
# further away than any path: as without the sandbox, and undoable
POLICY_FILE=$(dirname "$0")/../../suites/allow.yaml
. "$(dirname "$0")/../lib/case.sh"

cat >"$WS/deep.py" <<'END2'
import os, sys
d = 'w'
os.mkdir(d)
while len(d) + 251 < 4095:
    d += '/' + 'd' * 250
    os.mkdir(d)
def all_of(p):
    os.close(os.open(p, os.O_CREAT | os.O_WRONLY, 0o600))
    os.stat(p)
    os.chmod(p, 0o640)
    with open(p, 'r+') as f:
        f.write('text')
    os.utime(p, (1, 2))
    os.truncate(p, 2)
    os.link(p, 'l')
    os.rename(p, 'r')
    os.rename('r', p)
    with open(p) as f:
        assert f.read() == 'te'
    os.unlink(p)
    os.unlink('l')
    os.symlink(p, 's')
    os.unlink('s')
    os.mkdir(p)
    os.rmdir(p)
for total in (4040, 4094, 4095):
    all_of(d + '/' + 'f' * (total - len(d) - 1))
try:
    all_of(d + '/' + 'f' * (4096 - len(d) - 1))
    sys.exit('4096 bytes')
except OSError as e:
    assert e.errno == 36, e
os.chdir(d)
for i in range(20):
    os.mkdir('d' * 250)
    os.chdir('d' * 250)
all_of('file')
with open('keep', 'w') as f:
    f.write('precious' * 1000)
print('deep')
END2
cat >"$WS/end.py" <<'END2'
import os, sys
d = 'w'
while d or os.path.isdir('d' * 250):
    os.chdir(d or 'd' * 250)
    d = ''
if len(sys.argv) > 1:
    os.unlink('keep')
else:
    print(len(open('keep').read()))
END2
for fuse in true false; do
	rm -rf "${WS:?}/w"
	rm -f "$T/config.yaml"
	CONFIG_EXTRA="sandbox: {fuse: {enabled: $fuse}}"
	PORT=
	start_server
	in_session python3 deep.py
	expect_status 0
	expect_out deep
	in_session python3 end.py remove
	expect_status 0
	(cd "$WS" && ! python3 end.py 2>/dev/null) || fail 'not removed'
	(cd "$WS" && agentsh undo) >"$T/undo" 2>&1 || fail "undo: $(cut -c1-200 "$T/undo")"
	[ "$(cd "$WS" && python3 end.py)" = 8000 ] || fail 'not brought back'
	agentsh session destroy s >/dev/null 2>&1
	kill "$SERVER_PID"
	wait "$SERVER_PID" 2>/dev/null
	SERVER_PID=
done
(cd "$WS" && find w -depth -delete)

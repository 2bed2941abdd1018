#!/bin/bash
# SPDX-License-Identifier: MIT
# The seed's command lists: safe ones run, dangerous ones are stopped, installed
# or not, however the shell gets to them.
. "$(dirname "$0")/lib.sh"
render_server

allowed whoami
allowed pwd
expect_out "$WS"
allowed "ls $WS"
allowed 'echo "hello world"'
expect_out "hello world"
allowed 'echo some text | grep text'
allowed 'true && echo "$((6 * 7))"'
expect_out 42
for tool in python3 node git curl; do
	command -v "$tool" >/dev/null && allowed "$tool --version"
done

for c in 'nc -h' 'nmap --version' 'sudo whoami' 'su -c whoami' 'ssh -V' \
	'scp --help' 'mount /dev/sda1 /mnt' 'pkill -9 bash' \
	'su - root -c whoami' 'chroot / /bin/bash' \
	'nsenter -t 1 -m -- /bin/bash' 'env nc -h' 'env -i nc -h'; do
	blocked "$c"
	[ "$STATUS" = 126 ] || fail "exit $STATUS for: $c"
done

# the shell's own ways around a look at the command line
# (nc is a copy of true here: what counts is that it never runs)
cp /bin/true "$WS/nc"
nc=$WS/nc
PATH_NC='export PATH="$PWD:$PATH";'
blocked 'true; ./nc -h'
blocked "$PATH_NC true; nc -h"
blocked "$PATH_NC echo -h | xargs nc"
blocked 'ln -s nc y && ./y -h'
printf '#!/bin/sh\nexec ./nc -h\n' >"$WS/script"
chmod +x "$WS/script"
blocked ./script
blocked "$PATH_NC env -u FOO nice nc -h; true; nc || exit 126"
real=$(command -v nc || true)
if [ -n "$real" ]; then
	blocked "cp $real x && ./x -h"
else
	echo "note: nc is not installed: the copied-program check did not run"
fi

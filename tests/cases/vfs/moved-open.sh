# SPDX-License-Identifier: MIT
# moved-open.sh - an open file that the host moves is judged by its new name,
# although its name may be kept for ten minutes
. "$(dirname "$0")/lib.sh"

cat >"$T/policy.yaml" <<'END'
version: 1
name: moved
file_rules:
  - {name: no, paths: ["**/no/**"], operations: [chmod], decision: deny}
  - {name: rest, paths: ["/**", "/"], operations: ["*"], decision: allow}
END
POLICY=$T/policy.yaml
SETTINGS='{"vfs.cache_ms": 600000}'
mounted true # or it is skipped here
mkdir "$WS/no"
echo x >"$WS/f"
cat >"$T/work.py" <<'END'
import os, time
fd = os.open('f', os.O_RDONLY)
os.fchmod(fd, 0o600)
open('turn', 'w').close()
end = time.time() + 40
# told of: the name is gone
while os.path.exists('f') and time.time() < end:
    time.sleep(0.02)
try:
    os.fchmod(fd, 0o640)
    print('changed')
except PermissionError:
    print('denied')
END
(trap - EXIT
	eventually test -e "$WS/turn"
	sleep 0.4 # what was changed by the command a moment ago passes for its own
	mv "$WS/f" "$WS/no/f") &
host=$!
mounted python3 "$T/work.py"
kill $host 2>/dev/null # over, unless the command ended before its time
wait $host 2>/dev/null
expect_status 0
expect_out denied
[ "$(stat -c %a "$WS/no/f")" = 600 ] || fail 'changed under its old name'

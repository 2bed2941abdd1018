#!/bin/bash
# SPDX-License-Identifier: MIT
# logging.sh - logging.*: where the daemon's log goes, in which form, how long
# it is kept; and server.http.read_timeout
. "$(dirname "$0")/../lib/case.sh"
mkdir "$T/log"
# 1.5 MB that an earlier server wrote: a look has to rotate it
touch -d '10 days ago' "$T/log/server.log.2"
head -c 1500000 /dev/zero | tr '\0' 'x' >"$T/log/server.log"
CONFIG_EXTRA="logging:
  level: info
  format: json
  output: $T/log/server.log
  rotation: {max_size_mb: 1, max_backups: 2, max_age_days: 7}
sandbox:
  seccomp:
    syscalls:
      block: [no_such_call]"
PORT=$(free_port)
write_config
sed -i "s/^    addr: .*/&\n    read_timeout: 1s/" "$T/config.yaml"
start_server
in_session true
expect_status 0

# a request that drips in is given up after its time, not after each byte's:
# there are bytes for half a minute
python3 - "$PORT" <<'END' || fail "a dripping request was not ended in time"
import socket, sys, time
start = time.monotonic()
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
ended = False
try:
    for b in b"GET /health HTTP/1.1\r\nX-Slow: " + b"a" * 170:
        s.settimeout(60)
        s.sendall(bytes([b]))
        time.sleep(0.15)
        s.settimeout(0.001)
        try:
            if s.recv(1) == b"":
                ended = True
                break
        except TimeoutError:
            pass
except OSError:
    ended = True
sys.exit(0 if ended and time.monotonic() - start > 0.8 else 1)
END

# the supervisor warned of a call that is none, the server of a signal
kill -HUP "$SERVER_PID"
eventually grep -q 'reading policies' "$T/log/server.log"
for f in "$T/log/server.log" "$T/log/server.log.1"; do
	[ ! -e "$f" ] || grep '^{' "$f" || sed 's/^x*//' "$f" | grep '^{'
done >"$T/lines"
while read -r line; do
	jq -e '.time and .level and .program and .msg' <<<"$line" >/dev/null ||
		fail "not an object with time, level, program, msg: $line"
done <"$T/lines"
for who in agentsh-server agentsh-tracer; do
	grep -q "\"program\":\"$who\"" "$T/lines" || fail "no line of $who"
done

eventually test -s "$T/log/server.log.1"
[ "$(stat -c %s "$T/log/server.log.1")" -ge 1500000 ] || fail "not rotated"
[ "$(stat -c %s "$T/log/server.log")" -lt 100000 ] || fail "not cut"
[ ! -e "$T/log/server.log.2" ] || fail "a backup of ten days ago is kept"

# text of a file has times; a word that is none is an error that names the key
sed -i 's/format: json/format: text/' "$T/config.yaml"
kill "$SERVER_PID"
wait "$SERVER_PID" 2>/dev/null
SERVER_PID=
start_server
in_session true
grep -qE '^20[0-9-]+T[0-9:.]+Z agentsh-tracer: warn: ' "$T/log/server.log" ||
	fail "no stamped line"
sed -i 's/format: text/format: yaml/' "$T/config.yaml"
run agentsh config validate --path "$T/config.yaml"
expect_status 1
cat "$T/out" "$T/err" | grep -q 'logging.format' || fail "key not named"

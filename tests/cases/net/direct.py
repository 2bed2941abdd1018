# SPDX-License-Identifier: MIT
"""What a command may do without proxy variables; runs inside a session.

usage: direct.py [kernel]

With "kernel" it is the namespace that catches connections and not the
supervisor: connect() succeeds, and what is refused is reset at once.
"""
import errno
import socket
import ssl
import struct
import sys
import time

PATIENCE = 40  # seconds
KERNEL = "kernel" in sys.argv
WEB, EVIL, META = "93.184.216.34", "45.33.32.156", "169.254.169.254"


def attempt(what, function, *wanted):
    start = time.monotonic()
    try:
        result = function()
    except OSError as e:
        result = errno.errorcode.get(e.errno, e.errno) \
            if not isinstance(e, socket.gaierror) else "gaierror"
    took = time.monotonic() - start
    if KERNEL and "EACCES" in wanted:
        wanted += "ECONNRESET", "EPIPE"
    ok = result in wanted and took < 2 * PATIENCE
    print(what, "ok" if ok else f"FAILED {result!r} after {took:.3f} s")


def tcp(addr, family=socket.AF_INET, blocking=True, refused=False):
    """What becomes of a connection; "refused": it is to be ended, by and by."""
    s = socket.socket(family)
    s.settimeout(PATIENCE) if blocking else s.setblocking(False)
    try:
        s.connect(addr)
    except BlockingIOError:
        if not KERNEL:
            return "EINPROGRESS"
        s.settimeout(PATIENCE)
    if KERNEL:
        s.settimeout(PATIENCE if refused else 0.3)
        try:
            if s.recv(1) == b"":
                return "closed"
        except socket.timeout:
            pass
    s.close()
    return "connected"


def query(server, name, kind=1, transport="udp", connected=True,
          message=False):
    """The answer's code, or None if nothing came from that server."""
    q = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0)
    for label in name.split("."):
        q += bytes([len(label)]) + label.encode()
    q += b"\0" + struct.pack(">HH", kind, 1)
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    if transport == "tcp":
        s = socket.create_connection((server, 53), PATIENCE)
        s.sendall(struct.pack(">H", len(q)) + q)
        a = s.recv(4096)[2:]
    else:
        s = socket.socket(family, socket.SOCK_DGRAM)
        s.settimeout(PATIENCE)
        if connected:
            s.connect((server, 53))
            s.send(q)
        else:
            s.sendto(q, (server, 53))
        if message:  # as musl and dig do
            head = bytearray(12)
            n, _, _, source = s.recvmsg_into([head, bytearray(4096)])
            a = bytes(head) + b"\0" * (n - 12)
        else:
            a, source = s.recvfrom(4096)
        if source[0] != server or source[1] != 53:
            return f"from {source}"
    return a[3] & 15, struct.unpack(">H", a[6:8])[0]


# names: through the stub, whatever server is asked
attempt("lookup", lambda: socket.gethostbyname("good.test"), WEB)
attempt("lookup denied", lambda: socket.gethostbyname("evil.test"), "gaierror")
attempt("lookup metadata", lambda: socket.gethostbyname("metadata.google.internal"), "gaierror")
attempt("lookup pointed at metadata", lambda: socket.gethostbyname("rebind.test"), "gaierror")
attempt("ask 8.8.8.8", lambda: query("8.8.8.8", "good.test"), (0, 1))
attempt("ask unconnected", lambda: query("8.8.8.8", "good.test", connected=False), (0, 1))
attempt("ask 2001:4860:4860::8888", lambda: query("2001:4860:4860::8888", "good.test"), (0, 1))
attempt("ask by recvmsg", lambda: query("8.8.8.8", "good.test", connected=False, message=True), (0, 1))
attempt("ask by recvmsg connected", lambda: query("8.8.8.8", "good.test", message=True), (0, 1))
attempt("ask six by recvmsg", lambda: query("2001:4860:4860::8888", "good.test", connected=False, message=True), (0, 1))
attempt("ask by tcp", lambda: query("8.8.4.4", "good.test", transport="tcp"), (0, 1))
attempt("ask denied", lambda: query("8.8.8.8", "evil.test"), (5, 0))
attempt("ask AAAA", lambda: query("8.8.8.8", "six.test", 28), (0, 1))
attempt("ask HTTPS", lambda: query("8.8.8.8", "good.test", 65), (0, 0))
attempt("ask TXT", lambda: query("8.8.8.8", "good.test", 16), (4, 0))
attempt("ask hex", lambda: query("8.8.8.8", "0123456789abcdef0123456789abcdef.good.test"), (5, 0))
attempt("ask long", lambda: query("8.8.8.8", "a" * 60 + ".good.test"), (5, 0))

# addresses that were looked up; others
attempt("known address", lambda: tcp((WEB, 443)), "connected")
attempt("known, not waiting", lambda: tcp((WEB, 443), blocking=False), "connected", "EINPROGRESS")
attempt("known, closed port", lambda: tcp((WEB, 8443), refused=True), "EACCES")
attempt("known, denied port", lambda: tcp((WEB, 25), refused=True), "EACCES")
attempt("unknown address", lambda: tcp((EVIL, 443), refused=True), "EACCES")
attempt("unknown, not waiting", lambda: tcp((EVIL, 443), blocking=False, refused=True), "EACCES")
attempt("metadata", lambda: tcp((META, 80), refused=True), "EACCES")
attempt("private", lambda: tcp(("10.1.2.3", 80), refused=True), "EACCES")
attempt("mapped metadata", lambda: tcp(("::ffff:169.254.169.254", 80, 0, 3), socket.AF_INET6, refused=True), "EACCES")
attempt("nat64 metadata", lambda: tcp(("64:ff9b::a9fe:a9fe", 80), socket.AF_INET6, refused=True), "EACCES")
attempt("mapped known", lambda: tcp(("::ffff:" + WEB, 443), socket.AF_INET6), "connected")
attempt("six", lambda: socket.create_connection(("six.test", 80), PATIENCE) and "connected", "connected")


# server names on addresses that were looked up
def tls(name, to=WEB):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    s = socket.create_connection((to, 443), PATIENCE)
    try:
        context.wrap_socket(s, server_hostname=name)
    except ssl.SSLError as e:
        return "alert" if "ALERT" in str(e).upper() else str(e)
    return "tls"


attempt("tls", lambda: tls("good.test"), "tls")
attempt("tls other name", lambda: tls("evil.test"), "alert")
attempt("tls no name", lambda: tls(None), "alert")
attempt("tls sibling not looked up", lambda: tls("www.good.test"), "alert")
socket.gethostbyname("www.good.test")
attempt("tls sibling", lambda: tls("www.good.test"), "tls")

# the socket survives a refusal
s = socket.socket()
if not KERNEL:
    attempt("refused", lambda: s.connect((EVIL, 443)), "EACCES")
attempt("used again", lambda: s.connect((WEB, 22)), None)
print("banner", "ok" if s.recv(20).startswith(b"SSH-2.0") else "FAILED")


# datagrams
def udp(to, family=socket.AF_INET, how="sendto"):
    u = socket.socket(family, socket.SOCK_DGRAM)
    if how == "connect":
        u.connect(to)
        u.send(b"x")
    elif how == "sendmsg":
        u.sendmsg([b"x"], [], 0, to)
    else:
        u.sendto(b"x", to)
    return "sent"


for how in "sendto", "connect", "sendmsg":
    attempt("quic " + how, lambda: udp((EVIL, 443), how=how), "EACCES")
    attempt("quic to a known address " + how, lambda: udp((WEB, 443), how=how), "EACCES")
attempt("multicast", lambda: udp(("224.0.0.251", 5353)), "EACCES")
attempt("mdns v6", lambda: udp(("ff02::fb", 5353), socket.AF_INET6), "EACCES")
for what, args in {
        "raw": (socket.AF_INET, socket.SOCK_RAW, 1),
        "icmp": (socket.AF_INET, socket.SOCK_DGRAM, 1),
        "packet": (socket.AF_PACKET, socket.SOCK_DGRAM, 3),
        "mptcp": (socket.AF_INET, socket.SOCK_STREAM, 262),
        "sctp": (socket.AF_INET, socket.SOCK_STREAM, 132),
        "vsock": (socket.AF_VSOCK, socket.SOCK_STREAM, 0)}.items():
    attempt(what, lambda: socket.socket(*args), "EPERM", "EACCES",
            "EPROTONOSUPPORT", "ESOCKTNOSUPPORT", "EAFNOSUPPORT")


def fast_open():
    s = socket.socket()
    s.sendto(b"GET / HTTP/1.0\r\n\r\n", 0x20000000, (EVIL, 80))


attempt("fast open", fast_open, "ENOTSUP", "EOPNOTSUPP", "EACCES", "EPERM")

# loopback works
l = socket.socket()
l.bind(("127.0.0.1", 0))
l.listen()
attempt("loopback", lambda: tcp(l.getsockname()), "connected")

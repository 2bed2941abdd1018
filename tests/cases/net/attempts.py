# SPDX-License-Identifier: MIT
"""What the three bypass programs have in common; runs inside a session.

One line per attempt: "CLASS/ATTEMPT ok", or what went wrong. None may end with
data from where the policy does not lead, and each must be answered before
PATIENCE is at its end. That nothing was sent is shown by the capture outside
(bypass.sh).
Classes after "open" are left out: the mode does not close them, or does not
let them work ("names", "loopback"), and says so.
"""
import ctypes
import os
import socket
import ssl
import struct
import sys
import time
import urllib.parse

CA, WORKSPACE = sys.argv[1:3]
OPEN = set(sys.argv[4:])
WEB, EVIL, META, PRIVATE = ("93.184.216.34", "45.33.32.156",
                            "169.254.169.254", "10.1.2.3")
EVIL6 = "2600:3c01::f03c:91ff:fe18:bb2f"
proxy = urllib.parse.urlsplit(os.environ.get("HTTP_PROXY", ""))
PROXY = (proxy.hostname, proxy.port)
libc = ctypes.CDLL(None, use_errno=True)
failed = 0
PATIENCE = 40  # seconds; nothing takes one where the machine is free
# numbers of system calls, on x86-64 and on arm64
CALLS = {"socket": (41, 198), "connect": (42, 203), "sendto": (44, 206),
         "setsockopt": (54, 208), "clone": (56, 220), "mount": (165, 40),
         "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
         "unshare": (272, 97), "setns": (308, 268), "bpf": (321, 280),
         "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
         "io_uring_register": (427, 427), "fsopen": (430, 430),
         "pidfd_open": (434, 434), "clone3": (435, 435),
         "pidfd_getfd": (438, 438)}
ARM64 = os.uname().machine == "aarch64"


def system_call(name, *args):
    return libc.syscall(CALLS[name][ARM64], *args)


def everything(*parts, shut=True):
    """All that comes back for these bytes, said to the proxy."""
    s = socket.create_connection(PROXY, PATIENCE)
    s.settimeout(PATIENCE)
    data = b""
    try:
        for part in parts:
            s.sendall(part)
        if shut:
            s.shutdown(socket.SHUT_WR)
        while part := s.recv(65536):
            data += part
    except OSError:
        pass
    return data


def attempt(name, function):
    """function returns what it got from the forbidden place; nothing is good."""
    global failed
    if name.split("/")[0] in OPEN:
        return
    start, got = time.monotonic(), None
    try:
        got = function()
    except (OSError, ssl.SSLError) as e:
        if isinstance(e, TimeoutError):
            got = "no answer"
    took = time.monotonic() - start
    if got or took > PATIENCE:
        failed += 1
        print(name, "FAILED", repr(got)[:100], f"{took:.2f} s")
    else:
        print(name, "ok")


def talk(s, to=None, data=b"GET / HTTP/1.0\r\n\r\n"):
    """What a stream gives after a request, if it can be connected."""
    s.settimeout(PATIENCE)
    if to:
        s.connect(to)
    s.sendall(data)
    return s.recv(200)


def tcp(host, port=80, family=socket.AF_INET):
    return lambda: talk(socket.socket(family), (host, port))


def via_proxy(request):
    """What comes back, unless the proxy says no."""
    s = socket.create_connection(PROXY, PATIENCE)
    s.sendall(request)
    s.settimeout(PATIENCE)
    data = b""
    while part := s.recv(65536):
        data += part
        if b"\r\n\r\n" in data or data[:1] == b"\5":
            break
    if data.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")) or data == b"":
        return None
    return data


def hello(name, extra=b""):
    """A ClientHello whose server name is exactly these bytes."""
    sni = struct.pack(">HBH", len(name) + 3, 0, len(name)) + name
    ext = (struct.pack(">HH", 0, len(sni)) + sni if name else b"") + extra
    body = (b"\3\3" + b"r" * 32 + b"\0" + b"\0\2\x13\1" + b"\1\0" +
            struct.pack(">H", len(ext)) + ext)
    message = b"\1" + struct.pack(">I", len(body))[1:] + body
    return b"\x16\3\1" + struct.pack(">H", len(message)) + message


def query(name, kind=1, server="8.8.8.8", raw=None, extra=b"", full=False):
    q = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 1 if extra else 0)
    for label in name.split("."):
        q += bytes([len(label)]) + label.encode("latin-1")
    q = raw or q + b"\0" + struct.pack(">HH", kind, 1) + extra
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(1.5 if raw else PATIENCE)
    s.connect((server, 53))
    s.send(q)
    try:
        a = s.recv(4096)
    except TimeoutError:
        return None if raw else "no answer"
    return a if full or a[6:8] != b"\0\0" else None


def udp(to, how="sendto", family=socket.AF_INET):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(0.5)
    if how == "sendto":
        s.sendto(b"x" * 30, to)
    elif how == "sendmsg":
        s.sendmsg([b"x" * 30], [], 0, to)
    elif how == "connect":
        s.connect(to)
        s.send(b"x" * 30)
    elif how == "unspec":
        raw = struct.pack("=HH4s8x", 0, socket.htons(to[1]),
                          socket.inet_aton(to[0]))
        if libc.sendto(s.fileno(), b"x" * 30, 30, 0, raw, 16) < 0:
            return None
    return "sent"

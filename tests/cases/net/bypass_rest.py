# SPDX-License-Identifier: MIT
"""Still more ways around the network policy; runs inside a session.

usage: bypass_rest.py CA_FILE WORKSPACE [open CLASS...]	(see attempts.py)
"""
import ctypes
import fcntl
import os
import socket
import struct
import threading
import time

from attempts import (EVIL, EVIL6, META, OPEN, PATIENCE, PROXY, WEB, attempt,
                      everything, hello, libc, query, system_call, talk, udp,
                      via_proxy)


def connect(host, port):
    host = host if isinstance(host, bytes) else host.encode()
    return b"CONNECT %s:%d HTTP/1.1\r\nHost: %s:%d\r\n\r\n" % (
        host, port, host, port)


INNER = b"GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n"
ORIGIN = b"GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n"

# --- ports of an allowed host that no rule opens ----------------------------

for port in (1, 21, 23, 25, 53, 110, 143, 445, 465, 587, 993, 2375, 3306, 5432,
             6379, 9200, 11211, 27017, 65535):
    attempt(f"ports/connect {port}", lambda: via_proxy(connect("good.test", port)))
    attempt(f"ports/http {port}", lambda: via_proxy(
        b"GET http://good.test:%d/ HTTP/1.1\r\nHost: good.test:%d\r\n\r\n" %
        (port, port)))
    if port != 53:
        attempt(f"ports/own {port}", lambda: talk(socket.socket(), (WEB, port)))

# --- what follows a refusal, or comes before a request ----------------------

PROXY_1 = b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n"
PROXY_2 = (b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack(
    ">H4s4sHH", 12, socket.inet_aton("127.0.0.1"), socket.inet_aton(EVIL), 1, 80))
for name, parts in {
        "refused, then a request": [connect("evil.test", 443) + INNER],
        "refused, then in origin form": [connect("evil.test", 80) + ORIGIN],
        "refused, then one that is allowed": [
            connect("evil.test", 80) + connect("good.test", 80) + ORIGIN],
        "refused, later a request": [connect("evil.test", 443), INNER],
        "refused with a body": [
            b"CONNECT evil.test:80 HTTP/1.1\r\nHost: evil.test\r\n"
            b"Content-Length: %d\r\n\r\n" % len(ORIGIN) + ORIGIN],
        "body of a connect": [
            b"CONNECT good.test:80 HTTP/1.1\r\nHost: good.test:80\r\n"
            b"Content-Length: %d\r\n\r\n" % len(ORIGIN) + ORIGIN],
        "get refused, then a connect": [INNER + connect("evil.test", 80) + ORIGIN],
        "PROXY 1": [PROXY_1 + INNER], "PROXY 2": [PROXY_2 + INNER],
        "PROXY 1 to a good one": [
            PROXY_1 + b"GET http://good.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n"],
        "websocket": [b"GET http://evil.test/ws HTTP/1.1\r\nHost: evil.test\r\n"
                      b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nx"],
        "websocket, then a request": [
            b"GET http://good.test/ HTTP/1.1\r\nHost: good.test\r\n"
            b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + INNER],
        "socks after http": [INNER + b"\5\1\0\5\1\0\3\x09evil.test\0\x50" + ORIGIN],
        "http after socks": [b"\5\1\0", INNER],
        "socks, then socks": [b"\5\1\0\5\1\0\3\x09evil.test\0\x50",
                              b"\5\1\0\3\x09good.test\0\x50" + ORIGIN],
        "tls to the proxy": [hello(b"evil.test") + INNER],
        "supervisor's words, then http": [
            b"\0" + b"\0" * 15 + socket.inet_aton(EVIL) + b"\0\x50" + ORIGIN],
        "te and host in a trailer": [
            b"POST http://good.test/ HTTP/1.1\r\nHost: good.test\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\nHost: evil.test\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" + ORIGIN]}.items():
    def said():
        data = everything(*parts)
        return data if b"host=evil.test path" in data or b"frame:" in data \
            else None

    attempt("order/" + name, said)

for name, head in {"1": PROXY_1, "2": PROXY_2}.items():
    for what, rest in {"hello": hello(b"evil.test"), "request": ORIGIN,
                       "good hello": hello(b"good.test")}.items():
        for port in 443, 80:
            def after_header():
                data = everything(connect("good.test", port), head, rest)
                after = data[data.find(b"\r\n\r\n") + 4:]
                return data if after[:1] not in (b"", b"\x15") else None

            attempt(f"order/PROXY {name} and {what} to {port}", after_header)


def urgent():
    """A byte out of band in the middle of the name."""
    s = socket.create_connection(PROXY, PATIENCE)
    s.settimeout(PATIENCE)
    s.sendall(connect("good.test", 80))
    s.recv(4096)
    s.sendall(b"GET / HTTP/1.1\r\nHost: ")
    s.send(b"x", socket.MSG_OOB)
    s.sendall(b"evil.test\r\n\r\n")
    got = s.recv(1000)
    return got if b"host=evil" in got and b" path=" in got else None


attempt("order/urgent byte", urgent)

# --- this host's loopback, asked of the proxy -------------------------------

listener = socket.socket()
if "loopback" not in OPEN:
    listener.bind(("127.0.0.1", 0))
    listener.listen(200)
    PORT = listener.getsockname()[1]
else:
    PORT = 22
for host in ("127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001",
             "0x7f.1", "0177.0.0.1", "017700000001", "127.000.000.001",
             "127.0.0.53", "127.255.255.254", "0", "0.0.0.0", "00",
             "localhost", "LOCALHOST.", "a.localhost", "localhost.localdomain",
             "ip6-localhost", "ip6-loopback", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]",
             "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
             "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::1%25lo]", "[::1%lo]",
             "[fe80::1%25lo]", "\u0661\u0662\u0667.0.0.1", "127\uff0e0\uff0e0\uff0e1",
             "\uff4c\uff4f\uff43\uff41\uff4chost", "loc\u00adalhost",
             "loop.test", "loop.test."):
    attempt("local/connect " + ascii(host), lambda: via_proxy(
        connect(host.encode(), PORT)))
    attempt("local/http " + ascii(host), lambda: via_proxy(
        b"GET http://%s:%d/ HTTP/1.1\r\nHost: x\r\n\r\n" %
        (host.encode(), PORT)))

# --- names that look like others ---------------------------------------------

for host in ("\uff45vil.test", "evil\u3002test", "evil\uff0etest", "e\u00advil.test",
             "ev\u200bil.test", "\u0435vil.test", "EV\u0130L.test",
             "xn--vil-8cd.test", "xn--evil.test", "xn--good-.test", "evil.test..",
             ".evil.test", "evil..test", "-evil.test", "%65vil.test",
             "evil%2etest", "evil.test%00.good.test", "evil.test%23.good.test",
             "good.test%2eevil.test", "evil.test/.good.test", "evil.test?.good.test",
             "good.test:80@evil.test", "evil.test:80:80", "[evil.test", "evil.test]",
             "'evil.test'", "{evil.test}", "$(evil.test)", "*.test", "*", "**",
             "go\u043ed.test.evil.test"):
    raw = host.encode()
    attempt("looks/http " + ascii(host), lambda: via_proxy(
        b"GET http://%s/ HTTP/1.1\r\nHost: %s\r\n\r\n" % (raw, raw)))
    attempt("looks/connect " + ascii(host), lambda: via_proxy(connect(raw, 80)))
    if "names" not in OPEN:
        # anything but an address is fine: refused, malformed
        attempt("looks/lookup " + ascii(host), lambda: query(
            "", raw=struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"".join(
                bytes([len(l)]) + l for l in raw.split(b".") if 0 < len(l) < 64) +
            b"\0\0\1\0\1") if b"good.test" != raw else None)

# --- what the kernel says by itself -----------------------------------------


def join(family, level, option, data):
    def function():
        s = socket.socket(family, socket.SOCK_DGRAM if "loopback" not in OPEN
                          else socket.SOCK_STREAM)
        s.setsockopt(level, option, data)
        return "joined"
    return function


FOUR = socket.inet_aton("239.1.2.3")
SIX = socket.inet_pton(socket.AF_INET6, "ff15::6869")
REQ4 = struct.pack("=I4xHH4s120x", 1, 2, 0, FOUR)
for name, args in {
        "membership": (2, 0, 35, FOUR + socket.inet_aton("127.0.0.1")),
        "membership by index": (2, 0, 35, struct.pack("=4s4si", FOUR, b"\0" * 4, 1)),
        "source membership": (2, 0, 39, FOUR + socket.inet_aton("127.0.0.1") +
                              socket.inet_aton(EVIL)),
        "group": (2, 0, 42, REQ4), "group of a source": (2, 0, 46, REQ4 + REQ4[8:]),
        "membership six": (10, 41, 20, SIX + struct.pack("=I", 1)),
        "anycast": (10, 41, 27, SIX + struct.pack("=I", 1)),
        "group six": (10, 41, 42, struct.pack("=I4xHHI16sI", 1, 10, 0, 0, SIX, 0) +
                      b"\0" * 100),
        "four on six": (10, 0, 35, FOUR + socket.inet_aton("127.0.0.1"))}.items():
    attempt("groups/" + name, join(*args))


def interface(request, size=40):
    def function():
        s = socket.socket()
        fcntl.ioctl(s, request, struct.pack("16sHH4s16x", b"lo", 2, 0,
                                            socket.inet_aton("10.9.8.7")))
        return f"ioctl {request:#x}"
    return function


for name, request in {"address": 0x8916, "mask": 0x891c, "flags": 0x8914,
                      "mtu": 0x8922, "route": 0x890b, "arp": 0x8955,
                      "hardware": 0x8924, "bridge": 0x89a0, "name": 0x8923}.items():
    attempt("settings/ioctl " + name, interface(request))


def netlink(kind, body, flags=0x605):
    """The kernel's word for a change of the network: 0 is done."""
    def function():
        s = socket.socket(16, socket.SOCK_RAW, 0)
        s.settimeout(PATIENCE)
        s.bind((0, 0))
        s.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body)
        a = s.recv(4096)
        return "done" if struct.unpack_from("=Hxxxxxxxxxxi", a, 4)[0] == 2 and \
            struct.unpack_from("=i", a, 16)[0] == 0 else None
    return function


ADDRESS = struct.pack("=HH4s", 8, 2, socket.inet_aton("10.9.8.7"))
for name, (kind, body) in {
        "address": (20, struct.pack("=BBBBI", 2, 32, 0, 0, 1) + ADDRESS),
        "address gone": (21, struct.pack("=BBBBI", 2, 8, 0, 0, 1) + struct.pack(
            "=HH4s", 8, 2, socket.inet_aton("127.0.0.1"))),
        "route": (24, struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 254, 3, 0, 1, 0) +
                  struct.pack("=HHI", 8, 4, 1)),
        "link down": (16, struct.pack("=BxHiII", 0, 0, 1, 0, 1)),
        "new link": (16, struct.pack("=BxHiII", 0, 0, 0, 0, 0) + struct.pack(
            "=HH6s2x", 10, 3, b"dummy9")),
        "rule": (32, struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 254, 0, 0, 1, 0)),
        "neighbour": (28, struct.pack("=BxxxiHBB", 2, 1, 0x80, 0, 1) + ADDRESS),
}.items():
    attempt("settings/netlink " + name, netlink(kind, body))
for name, protocol in {"sock_diag": 4, "xfrm": 6, "audit": 9, "netfilter": 12,
                       "uevent": 15, "generic": 16, "crypto": 21, "rdma": 20,
                       "fib": 10, "connector": 11}.items():
    attempt("settings/netlink family " + name, lambda: f"socket {protocol}" if
            socket.socket(16, socket.SOCK_RAW, protocol) else None)


def written(path, text):
    def function():
        with open(path, "w") as f:
            f.write(text)
        return path
    return function


for path in ("/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv4/ip_nonlocal_bind",
             "/proc/sys/net/ipv4/conf/all/route_localnet",
             "/proc/sys/net/ipv4/tcp_fastopen", "/proc/sys/kernel/yama/ptrace_scope"):
    attempt("sysctl/" + path, written(path, "1"))


def opened(path, flags=os.O_RDWR):
    return lambda: f"{path} opened {os.open(path, flags)}"


attempt("settings/tun", opened("/dev/net/tun"))
attempt("settings/vhost", opened("/dev/vhost-vsock"))
attempt("settings/ppp", opened("/dev/ppp"))


def reopened():
    s = socket.socket()
    return f"opened {os.open(f'/proc/self/fd/{s.fileno()}', os.O_RDWR)}"


attempt("settings/socket opened again", reopened)

# --- others' sockets ----------------------------------------------------------


def others():
    """Processes that are not below this session's first one."""
    mine = os.getpid()
    return [int(p) for p in os.listdir("/proc")
            if p.isdigit() and int(p) not in (mine, os.getppid())]


def traced():
    for pid in others()[-40:]:
        if libc.ptrace(16, pid, 0, 0) == 0:
            libc.ptrace(17, pid, 0, 0)
            return f"attached to {pid}"
        if libc.ptrace(0x4206, pid, 0, 0) == 0:
            return f"seized {pid}"
    return None


def read_of_another():
    page = ctypes.create_string_buffer(16)
    local = struct.pack("PN", ctypes.addressof(page), 16)
    for pid in others():
        try:
            line = open(f"/proc/{pid}/maps").readline()
        except OSError:
            continue
        if line:
            remote = struct.pack("PN", int(line.split("-")[0], 16), 16)
            if libc.process_vm_readv(pid, local, 1, remote, 1, 0) > 0:
                return f"memory of {pid}"
    return None


def descriptor_of_another():
    for pid in others()[:60]:
        pidfd = system_call("pidfd_open", pid, 0)
        if pidfd < 0:
            continue
        for fd in range(6):
            if system_call("pidfd_getfd", pidfd, fd, 0) >= 0:
                return f"descriptor {fd} of {pid}"
        os.close(pidfd)
    return None


attempt("others/ptrace", traced)
attempt("others/memory", read_of_another)
attempt("others/descriptors", descriptor_of_another)


def dbus(path):
    def function():
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(PATIENCE)
        s.connect(path)
        return "connected"
    return function


for path in ("/run/nscd/socket", "/var/run/nscd/socket", "/run/dbus/system_bus_socket",
             "/run/systemd/private", "/run/systemd/resolve/io.systemd.Resolve",
             "/run/avahi-daemon/socket", "/run/docker.sock", "/run/snapd.socket",
             "\0/org/freedesktop/x", "\0agentsh-case-rest"):
    attempt("others/" + ascii(path), dbus(path))

# --- data in names, one by one ----------------------------------------------


def burst():
    """How many of 600 short names were asked, all at once."""
    asked = 0
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(1.5)
    s.connect(("8.8.8.8", 53))
    start = time.monotonic()
    for i in range(600):
        s.send(struct.pack(">HHHHHH", i, 0x100, 1, 0, 0, 0) +
               b"".join(bytes([len(l)]) + l for l in
                        (b"w%d" % i, b"deep", b"test")) + b"\0\0\1\0\1")
    try:
        for _ in range(600):
            asked += s.recv(512)[3] & 15 != 5
    except TimeoutError:
        pass
    took = time.monotonic() - start
    return f"{asked} of 600" if asked > 210 + 55 * took else None


if "names" not in OPEN:
    burst_result = burst()
    print("rate/burst", "ok" if not burst_result else f"FAILED {burst_result}")


# --- the address changes under many threads ----------------------------------


def flipped_length():
    """The family of what is judged, against what is used."""
    at = ctypes.create_string_buffer(28)
    good = struct.pack("=HH4s8x", 2, socket.htons(80), socket.inet_aton(WEB))
    bad = struct.pack("=HHI16sI", 10, socket.htons(80), 0, socket.inet_pton(
        socket.AF_INET6, "::ffff:" + EVIL), 0)
    stop = threading.Event()

    def flip():
        while not stop.is_set():
            ctypes.memmove(at, good, 16)
            ctypes.memmove(at, bad, 28)

    t = threading.Thread(target=flip)
    t.start()
    got = None
    try:
        for _ in range(40):
            s = socket.socket(socket.AF_INET6)
            s.settimeout(1)
            if libc.connect(s.fileno(), at, 28) == 0 and \
                    EVIL in s.getpeername()[0]:
                s.sendall(b"GET / HTTP/1.1\r\nHost: good.test\r\n\r\n")
                got = s.recv(100) or got
            s.close()
    except OSError:
        pass
    finally:
        stop.set()
        t.join()
    return got


got = flipped_length()
print("race/family", "ok" if not got else f"FAILED {got!r}")

# --- what must work -----------------------------------------------------------

print("works/proxy", "ok" if b"host=good.test path=/z" in everything(
    b"GET http://good.test/z HTTP/1.1\r\nHost: good.test\r\n"
    b"Connection: close\r\n\r\n") else "FAILED")
print("works/tunnel", "ok" if b"host=good.test path=/t" in everything(
    connect("good.test", 80), b"GET /t HTTP/1.1\r\nHost: good.test\r\n"
    b"Connection: close\r\n\r\n") else "FAILED")

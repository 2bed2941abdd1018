#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A small internet on the loopback device of a network namespace of its own.

usage: internet.py DIR [--addresses: add these, no more]

Servers at public, private and metadata addresses; a resolver at 9.9.9.9; and
a capture of every packet that is not between loopback addresses: one line
"PROTOCOL DESTINATION PORT" per packet in DIR/packets. DIR/ready appears when
all listen.
"""

import http.server
import os
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../lib"))
from taken import taken  # noqa: E402

WEB, WEB6, EVIL = "93.184.216.34", "2606:2800:220:1::1", "45.33.32.156"
EVIL6 = "2600:3c01::f03c:91ff:fe18:bb2f"
META, PRIVATE, RESOLVER = "169.254.169.254", "10.1.2.3", "9.9.9.9"
ZONE = {
    "good.test": [WEB], "www.good.test": [WEB], "evil.test": [EVIL],
    "rebind.test": [META], "inside.test": [PRIVATE],
    "mixed.test": [PRIVATE, WEB], "six.test": [WEB6], "ssh.good.test": [WEB],
    "loop.test": ["127.0.0.1"], "long.good.test": [WEB],
    "yes.ask.test": [WEB], "no.ask.test": [WEB],
    "mapped.good.test": ["::ffff:" + PRIVATE], "nat64.good.test":
    ["64:ff9b::a01:203"], "sixto4.good.test": ["2002:a01:203::1"],
    "teredo.good.test": ["2001:0:a01:203::f5fe:fdfc"],
    "zero.good.test": ["0.0.0.0", "::"], "zeronet.good.test": ["0.1.2.3"],
    "local.good.test": ["fe80::1", "169.254.1.1"],
    "unique.good.test": ["fd00::1"], "multi.good.test": ["224.0.0.251", "ff02::fb"],
    "meta.good.test": [META], "azure.good.test": ["168.63.129.16"],
    "meta6.good.test": ["fd00:ec2::254"], "own.good.test": ["127.0.0.1", "::1"],
    "shared.good.test": ["100.64.0.1"],
    "0123456789abcdef0123456789abcdef.exact.test": [WEB],
    "flip.good.test": [WEB], "api.good.test": [WEB], "other.good.test": [WEB],
}
CHAINS = {"chain.good.test": "inside.test"}
directory = sys.argv[1]
seen = open(directory + "/queries", "a", buffering=1)


def qname(packet):
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1"))
        at += packet[at] + 1
    return ".".join(labels), at + 1


def answer(packet):
    name, end = qname(packet)
    kind = struct.unpack(">H", packet[end:end + 2])[0]
    seen.write(f"{name} {kind}\n")  # as it was spelled
    name = name.lower()
    if name == "flip.good.test":  # another address each time
        ZONE[name] = [META if ZONE[name] == [WEB] else WEB]
    if name.startswith("slow"):
        return None
    records = []
    if name in CHAINS:
        raw = b"".join(bytes([len(l)]) + l.encode()
                       for l in CHAINS[name].split(".")) + b"\0"
        records.append(b"\xc0\x0c" + struct.pack(">HHIH", 5, 1, 0, len(raw)) +
                       raw)
    for text in ZONE.get(CHAINS.get(name, name), []):
        v6 = ":" in text
        if kind == (28 if v6 else 1):
            raw = socket.inet_pton(socket.AF_INET6 if v6 else socket.AF_INET,
                                   text)
            owner = b"\xc0\x0c"
            if records and name in CHAINS:
                owner = struct.pack(">H", 0xc000 | end + 4 + 12)
            records.append(owner + struct.pack(
                ">HHIH", kind, 1, 0 if "flip" in name else 3600, len(raw)) +
                raw)
    status = 0x8180 if name in ZONE or name in CHAINS else 0x8183
    return (packet[:2] + struct.pack(">HHHHH", status, 1, len(records), 0, 0)
            + packet[12:end + 4] + b"".join(records))


class Dns(socketserver.BaseRequestHandler):
    def handle(self):
        reply = answer(self.request[0])
        if reply:
            self.request[1].sendto(reply, self.client_address)


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        self.request[1].sendto(self.request[0], self.client_address)


class Udp(socketserver.ThreadingUDPServer):
    max_packet_size = 65536


class Udp6(Udp):
    address_family = socket.AF_INET6


class DnsTcp(socketserver.StreamRequestHandler):
    def handle(self):
        n = struct.unpack(">H", self.rfile.read(2))[0]
        reply = answer(self.rfile.read(n))
        if reply:
            self.wfile.write(struct.pack(">H", len(reply)) + reply)


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def send(self, body, **headers):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        if self.path == "/big":
            self.send(b"x" * (32 << 20))
        elif self.path == "/chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (b"one ", b"two ", b"three"):
                self.wfile.write(b"%x;ext=1\r\n%s\r\n" % (len(part), part))
                self.wfile.flush()
                time.sleep(0.05)
            self.wfile.write(b"0\r\nTrailer: x\r\n\r\n")
        elif self.path == "/close":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"until close")
            self.close_connection = True
        elif self.path.startswith("/idle?"):  # says a line, then another
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write(b"data: one\n\n")
            self.wfile.flush()
            time.sleep(float(self.path[6:]))
            self.wfile.write(b"data: two\n\n")
            self.close_connection = True
        elif self.path == "/late":  # when more was asked, or nothing will be
            self.rfile.peek(1)
            self.send(b"host=%s path=/late" % self.headers["Host"].encode())
        elif self.path == "/port":
            self.send(b"%d" % self.client_address[1])
        elif self.path == "/ws":
            self.send_response(101)
            self.send_header("Connection", "Upgrade")
            self.send_header("Upgrade", "websocket")
            self.end_headers()
            self.wfile.write(b"frame:" + self.rfile.read1(100))
            self.close_connection = True
        else:
            self.send(("host=%s path=%s" % (self.headers["Host"],
                                            self.path)).encode())

    do_HEAD = do_GET

    def do_POST(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while n := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(n)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send(b"got %d" % len(body))


class Sshd(socketserver.StreamRequestHandler):
    """Speaks first; counts what it gets until its client's half-close."""

    def handle(self):
        self.wfile.write(b"SSH-2.0-fake\r\n")
        total = 0
        while data := self.rfile.read1(65536):
            total += len(data)
        self.wfile.write(b"total %d\n" % total)


class Reset(socketserver.StreamRequestHandler):
    def handle(self):
        self.rfile.readline()
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                struct.pack("ii", 1, 0))
        self.wfile.write(b"partial")
        self.wfile.flush()
        taken(self.request)
        # socketserver would send a FIN first
        os.close(os.dup2(os.open("/dev/null", os.O_RDONLY),
                         self.request.fileno()))

    def finish(self):
        pass


class V4(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, request, client):
        pass


class V6(V4):
    address_family = socket.AF_INET6


class Tls(V4):
    context = None

    def get_request(self):
        plain, peer = super().get_request()
        plain.settimeout(60)
        return self.context.wrap_socket(plain, server_side=True,
                                        do_handshake_on_connect=False), peer


def serve(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()


def packets_of(device):
    """Its own socket, or in a container one of witness.py's."""
    if "AGENTSH_WITNESS" in os.environ:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as w:
            w.connect(os.environ["AGENTSH_WITNESS"])
            w.sendall(device.encode())
            return socket.socket(fileno=socket.recv_fds(w, 1, 1)[1][0])
    s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
    s.bind((device, 3))
    try:
        s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # RCVBUFFORCE
    except PermissionError:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
    return s


def capture_outside(s):
    """What would leave by a real device, whatever its destination."""
    out = open(directory + "/outside", "a", buffering=1)
    while True:
        packet, _ = s.recvfrom(128)
        four = packet[0] >> 4 == 4
        protocol = packet[9] if four else packet[6]
        to = socket.inet_ntop(*(socket.AF_INET, packet[16:20]) if four else
                              (socket.AF_INET6, packet[24:40]))
        if protocol in (6, 17, 43, 60, 132):  # the rest is the kernel's own
            out.write(f"{protocol} {to}\n")


def capture(s):
    out = open(directory + "/packets", "a", buffering=1)
    last = None
    while True:
        packet, where = s.recvfrom(128)
        if where[2] != socket.PACKET_OUTGOING:
            continue
        if packet[0] >> 4 == 4:
            head = (packet[0] & 15) * 4
            protocol, to = packet[9], socket.inet_ntoa(packet[16:20])
        else:
            head, protocol = 40, packet[6]
            to = socket.inet_ntop(socket.AF_INET6, packet[24:40])
        port = struct.unpack(">H", packet[head + 2:head + 4])[0]
        line = f"{protocol} {to} {port}\n"
        if not to.startswith("127.") and to != "::1" and line != last:
            out.write(line)
            last = line


def addresses():
    ip = lambda *words: subprocess.run(["ip", *words], check=True)
    ip("link", "set", "lo", "up")
    for a in (WEB, EVIL, META, PRIVATE, RESOLVER):
        ip("addr", "add", a + "/32", "dev", "lo")
    ip("-6", "addr", "add", WEB6 + "/128", "dev", "lo", "nodad")
    if subprocess.run(["ip", "link", "add", "wan0", "type", "veth", "peer",
                       "name", "wan1"], stderr=subprocess.DEVNULL).returncode:
        return
    for device in "wan0", "wan1":
        ip("link", "set", device, "up")
    ip("neigh", "add", "127.0.0.1", "lladdr", "02:00:00:00:00:01", "dev",
       "wan0")
    for to in "::1", EVIL6:
        ip("-6", "neigh", "add", to, "lladdr", "02:00:00:00:00:01", "dev",
           "wan0")
    for net in "::/16", EVIL6 + "/128", "0.0.0.0/8":
        ip("route", "add", net, "dev", "wan0")


def main():
    if "AGENTSH_NET_READY" not in os.environ:
        addresses()
    watched = {"lo": capture, "wan0": capture_outside}
    for _, name in socket.if_nameindex():
        if name in watched:
            threading.Thread(target=watched[name], args=(packets_of(name),),
                             daemon=True).start()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
         "2", "-subj", "/CN=good.test", "-addext",
         "subjectAltName=DNS:good.test,DNS:*.good.test,DNS:evil.test,IP:" + WEB,
         "-keyout", directory + "/key.pem", "-out", directory + "/ca.pem"],
        check=True, stderr=subprocess.DEVNULL)
    Tls.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    Tls.context.load_cert_chain(directory + "/ca.pem", directory + "/key.pem")
    snis = open(directory + "/snis", "a", buffering=1)
    Tls.context.sni_callback = lambda s, name, c: snis.write(f"{name}\n") and \
        None
    socketserver.ThreadingUDPServer.allow_reuse_address = True
    serve(socketserver.ThreadingUDPServer((RESOLVER, 53), Dns))
    serve(V4((RESOLVER, 53), DnsTcp))
    for a in (WEB, EVIL, META, PRIVATE):
        serve(V4((a, 80), Web))
        serve(V4((a, 8080), Web))
        serve(Tls((a, 443), Web))
    serve(V6((WEB6, 80), Web))
    serve(V4((WEB, 22), Sshd))
    serve(V4((WEB, 9999), Reset))
    serve(socketserver.ThreadingUDPServer((EVIL, 443), Dns))
    for port in 7777, 7778:
        serve(Udp((WEB, port), Echo))
    serve(Udp6((WEB6, 7777), Echo))
    serve(Udp((EVIL, 7777), Echo))
    serve(Udp((PRIVATE, 7777), Echo))
    open(directory + "/ready", "w").close()
    threading.Event().wait()


if __name__ == "__main__":
    if sys.argv[2:] == ["--addresses"]:  # for a container, which may not
        addresses()
        sys.exit()
    os.umask(0o022)
    main()

# SPDX-License-Identifier: MIT
"""The client of pty.sh: a websocket by hand, so that it can also misbehave."""
import base64
import json
import os
import socket
import struct
import sys

PORT = int(sys.argv[1])


def frame(opcode, data, mask=True, fin=True):
    head = bytes([(0x80 if fin else 0) | opcode])
    bit = 0x80 if mask else 0
    if len(data) < 126:
        head += bytes([bit | len(data)])
    else:
        head += bytes([bit | 126]) + struct.pack(">H", len(data))
    if not mask:
        return head + data
    key = os.urandom(4)
    return head + key + bytes(b ^ key[i & 3] for i, b in enumerate(data))


class Client:
    def __init__(self, session="s"):
        self.sock = socket.create_connection(("127.0.0.1", PORT), 60)
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall((
            f"GET /api/v1/sessions/{session}/pty HTTP/1.1\r\nHost: localhost\r\n"
            "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        ).encode())
        self.buf = b""
        while b"\r\n\r\n" not in self.buf:
            self.fill()
        head, self.buf = self.buf.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 101"), head

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self.buf += data

    def send(self, obj):
        self.sock.sendall(frame(1, json.dumps(obj).encode()))

    def read(self):
        while len(self.buf) < 2:
            self.fill()
        size, at = self.buf[1] & 0x7F, 2
        if size == 126:
            while len(self.buf) < 4:
                self.fill()
            size, at = struct.unpack(">H", self.buf[2:4])[0], 4
        while len(self.buf) < at + size:
            self.fill()
        opcode, data = self.buf[0] & 15, self.buf[at:at + size]
        self.buf = self.buf[at + size:]
        return opcode, data

    def until(self, text):
        seen = b""
        while text not in seen:
            opcode, data = self.read()
            if opcode == 2:
                seen += data
            elif opcode == 1:
                raise AssertionError((data, seen))
        return seen

    def end(self):
        while True:
            opcode, data = self.read()
            if opcode == 1:
                return json.loads(data)


c = Client()
c.send({"type": "start", "command": "/bin/bash",
        "args": ["-c", "stty size; read x; echo got=$x; read y; exit 7"],
        "rows": 33, "cols": 101})
c.until(b"33 101")
# one message in two frames, with a ping between
c.sock.sendall(frame(2, b"hel", fin=False) + frame(9, b"p") +
               frame(0, b"lo\n"))
c.until(b"got=hello")
c.sock.sendall(frame(2, b"\n"))
end = c.end()
assert end["type"] == "exit" and end["exit_code"] == 7, end

c = Client()
c.send({"type": "start", "command": "/bin/bash",
        "args": ["-c", "trap 'echo INT; exit 3' INT; sleep 60 & echo go; "
                       "wait"]})
c.until(b"go")
c.send({"type": "signal", "name": "SIGINT"})
end = c.end()
assert end["exit_code"] == 3, end

c = Client()
c.send({"type": "start", "command": "nc"})
end = c.end()
assert end == {"type": "error", "code": 403,
               "message": "command denied by policy"}, end

for bad in (frame(2, b"x", mask=False), frame(3, b"x"), frame(0, b"x"),
            frame(9, b"x", fin=False), b"\xf1\x80", frame(1, b"{nope")):
    c = Client()
    c.sock.sendall(bad)
    try:
        while True:
            c.read()
    except (EOFError, ConnectionError):
        pass
print("ok")

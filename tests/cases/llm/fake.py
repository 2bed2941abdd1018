#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Language model services for the tests: Anthropic's and OpenAI's wire formats.

usage: fake.py DIR

Makes a CA (DIR/ca.pem) and a certificate for localhost and 127.0.0.1, listens
with TLS on a free port (DIR/port), and with a certificate of another name on
DIR/badport. Every request is appended to DIR/seen as one JSON line with its
body in base64. The field "x-fake" of a request asks for something special:
error, overloaded, slow (an event when the reader has told by the number in ../ws/ack
that it has the one before; slowN: that it has all but N), reset, reset-early, gzip, echo, close, fields, split.
"""

import base64
import gzip
import http.server
import json
import os
import socket
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

directory = sys.argv[1]
lock = threading.Lock()


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, cwd=directory,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def certificate(name, subject_names):
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out",
            f"{name}.key")
    openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}",
            "-out", f"{name}.csr")
    with open(f"{directory}/{name}.ext", "w") as f:
        f.write(f"subjectAltName={subject_names}\n")
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey",
            "ca.key", "-CAcreateserial", "-days", "2", "-extfile",
            f"{name}.ext", "-out", f"{name}.pem")


def make_certificates():
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out",
            "ca.key")
    openssl("req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=test CA",
            "-days", "2", "-out", "ca.pem")
    certificate("good", "DNS:localhost,IP:127.0.0.1")
    certificate("other", "DNS:other.test")


MESSAGE = {"id": "msg_01", "type": "message", "role": "assistant",
           "model": "fake", "stop_reason": "end_turn", "stop_sequence": None}
USAGE = {"input_tokens": 21, "output_tokens": 1,
         "cache_creation_input_tokens": 5, "cache_read_input_tokens": 7,
         "cache_creation": {"ephemeral_5m_input_tokens": 2,
                            "ephemeral_1h_input_tokens": 3}}


def words():
    """What models say, in pieces: DIR/words, a JSON list, or a greeting."""
    try:
        with open(directory + "/words", encoding="utf-8") as f:
            return json.load(f)
    except FileNotFoundError:
        return ["Hel", "lo ", "wor", "ld"]


def anthropic_events():
    yield "message_start", {"type": "message_start", "message": {
        **MESSAGE, "stop_reason": None, "content": [], "usage": USAGE}}
    yield "content_block_start", {"type": "content_block_start", "index": 0,
                                  "content_block": {"type": "text",
                                                    "text": ""}}
    for word in words():
        yield "content_block_delta", {
            "type": "content_block_delta", "index": 0,
            "delta": {"type": "text_delta", "text": word}}
    yield "content_block_stop", {"type": "content_block_stop", "index": 0}
    if os.path.exists(directory + "/tools"):
        yield from anthropic_tool()
    yield "message_delta", {"type": "message_delta",
                            "delta": {"stop_reason": "end_turn",
                                      "stop_sequence": None},
                            "usage": {"output_tokens": 11}}
    yield "message_stop", {"type": "message_stop"}


def anthropic_tool():
    """A second block of content, and one that is signed."""
    yield "content_block_start", {
        "type": "content_block_start", "index": 1, "content_block": {
            "type": "tool_use", "id": "toolu_1", "name": "run", "input": {}}}
    for part in ['{"command": "', *words(), '"}']:
        yield "content_block_delta", {
            "type": "content_block_delta", "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": part}}
    yield "content_block_stop", {"type": "content_block_stop", "index": 1}
    yield "content_block_start", {
        "type": "content_block_start", "index": 2,
        "content_block": {"type": "thinking", "thinking": "", "signature": ""}}
    for part in ["I ", "think."]:
        yield "content_block_delta", {
            "type": "content_block_delta", "index": 2,
            "delta": {"type": "thinking_delta", "thinking": part}}
    yield "content_block_delta", {
        "type": "content_block_delta", "index": 2,
        "delta": {"type": "signature_delta", "signature": "c2lnbmF0dXJl"}}
    yield "content_block_stop", {"type": "content_block_stop", "index": 2}


CHAT_USAGE = {"prompt_tokens": 30, "completion_tokens": 9, "total_tokens": 39,
              "prompt_tokens_details": {"cached_tokens": 10},
              "completion_tokens_details": {"reasoning_tokens": 4}}


def chat_events():
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk",
            "created": 1, "model": "fake"}
    yield None, {**base, "choices": [{
        "index": 0, "finish_reason": None,
        "delta": {"role": "assistant", "content": ""}}]}
    for word in words():
        yield None, {**base, "choices": [{"index": 0, "finish_reason": None,
                                          "delta": {"content": word}}]}
    if os.path.exists(directory + "/tools"):
        for n, part in enumerate(['{"command": "', *words(), '"}']):
            call = {"index": 0, "function": {"arguments": part}}
            if n == 0:
                call.update(id="call_1", type="function")
                call["function"]["name"] = "run"
            yield None, {**base, "choices": [{
                "index": 0, "finish_reason": None,
                "delta": {"tool_calls": [call]}}]}
    yield None, {**base, "choices": [{"index": 0, "delta": {},
                                      "finish_reason": "stop"}]}
    yield None, {**base, "choices": [], "usage": CHAT_USAGE}
    yield None, "[DONE]"


RESPONSE = {"id": "resp_1", "object": "response", "created_at": 1,
            "status": "completed", "model": "fake", "error": None,
            "output": [{"type": "message", "id": "msg_1", "role": "assistant",
                        "status": "completed",
                        "content": [{"type": "output_text",
                                     "text": "Hello world",
                                     "annotations": []}]}],
            "usage": {"input_tokens": 40, "output_tokens": 12,
                      "total_tokens": 52,
                      "input_tokens_details": {"cached_tokens": 15},
                      "output_tokens_details": {"reasoning_tokens": 6}}}


def responses_events():
    yield "response.created", {"type": "response.created",
                               "sequence_number": 0,
                               "response": {**RESPONSE, "usage": None,
                                            "status": "in_progress",
                                            "output": []}}
    for n, word in enumerate(words()):
        yield "response.output_text.delta", {
            "type": "response.output_text.delta", "delta": word,
            "sequence_number": n + 1, "item_id": "msg_1", "output_index": 0,
            "content_index": 0, "logprobs": []}
    response = json.loads(json.dumps(RESPONSE))
    response["output"][0]["content"][0]["text"] = "".join(words()).strip()
    yield "response.output_text.done", {
        "type": "response.output_text.done", "sequence_number": 90,
        "text": "".join(words()), "item_id": "msg_1", "output_index": 0,
        "content_index": 0, "logprobs": []}
    yield "response.completed", {"type": "response.completed",
                                 "sequence_number": 91, "response": response}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 0
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def body(self):
        if "chunked" in self.headers.get("transfer-encoding", ""):
            parts = []
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                parts.append(self.rfile.read(size))
                self.rfile.readline()
                if size == 0:
                    return b"".join(parts)
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def send(self, status, data, kind="application/json", **extra):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in extra.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def events(self, source, special):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for n, (name, data) in enumerate(source):
            text = data if isinstance(data, str) else json.dumps(data)
            event = (f"event: {name}\n" if name else "") + f"data: {text}\n\n"
            raw = event.encode()
            self.wfile.write(b"%x\r\n" % len(raw) + raw + b"\r\n")
            if special == "reset" and n == 2:
                taken(self.connection)
                self.reset()
                return
            if special.startswith("slow"):
                self.wait_for_reader(n + 1 - int(special[4:] or 0))
            time.sleep(0.001)
        self.wfile.write(b"0\r\n\r\n")

    def wait_for_reader(self, wanted):
        """DIR/held is there when it has not come to know of so many events."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                with open(directory + "/../ws/ack", encoding="ascii") as f:
                    if int(f.read() or 0) >= wanted:
                        return
            except FileNotFoundError:
                if wanted <= 0:
                    return
            time.sleep(0.02)
        open(directory + "/held", "w").close()

    def split(self, text):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for n in range(len(text)):
            self.wfile.write(b"1\r\n" + text[n:n + 1] + b"\r\n")
            if n % 8 == 0:
                time.sleep(0.005)
        self.wfile.write(b"0\r\n\r\n")

    def reset(self):
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
        self.connection.shutdown(socket.SHUT_RD)
        os.close(self.connection.detach())

    def answer(self, data, special):
        path = self.path.split("?")[0]
        try:
            asked = json.loads(data)
        except ValueError:
            asked = {}
        stream = isinstance(asked, dict) and asked.get("stream")
        if path.endswith("/v1/messages"):
            whole = {**MESSAGE, "usage": {**USAGE, "output_tokens": 11},
                     "content": [{"type": "text", "text": "Hello world"}]}
            events = anthropic_events
        elif path.endswith("/responses"):
            whole, events = RESPONSE, responses_events
        elif path.endswith("/chat/completions"):
            whole = {"id": "chatcmpl-1", "object": "chat.completion",
                     "created": 1, "model": "fake", "usage": CHAT_USAGE,
                     "choices": [{"index": 0, "finish_reason": "stop",
                                  "message": {"role": "assistant",
                                              "content": "Hello world"}}]}
            events = chat_events
        elif path.endswith("/echo"):
            self.send(200, data, self.headers.get("content-type", "x/y"))
            return
        elif "/static/" in path and self.static(path):
            return
        else:
            self.send(404, b'{"error":{"message":"no such path"}}')
            return
        if stream:
            self.events(events(), special)
            return
        if special == "slow":
            time.sleep(1)
        self.send(200, json.dumps(whole).encode())

    def static(self, path):
        name = directory + path[path.index("/static/"):].replace("..", "")
        if os.path.isdir(name):
            name += "/index.html"
        if not os.path.isfile(name):
            return False
        kinds = {"txt": "text/plain", "json": "application/json",
                 "html": "text/html", "refs": "text/plain"}
        with open(name, "rb") as f:
            self.send(200, f.read(),
                      kinds.get(name.rsplit("/", 1)[-1].rsplit(".", 1)[-1],
                                "application/octet-stream"))
        return True

    def serve(self):
        data = self.body()
        special = self.headers.get("x-fake", "")
        with lock, open(directory + "/seen", "a") as f:
            f.write(json.dumps({
                "method": self.command, "path": self.path,
                "headers": {k.lower(): v for k, v in self.headers.items()},
                "body": base64.b64encode(data).decode(),
                "connection": self.client_address[1]}) + "\n")
        if special == "error":
            self.send(400, json.dumps({
                "type": "error", "error": {"type": "invalid_request_error",
                                           "message": "bad thing"}}).encode())
        elif special == "overloaded":
            self.send(529, json.dumps({
                "type": "error", "error": {"type": "overloaded_error",
                                           "message": "busy"}}).encode())
        elif special == "reset-early":
            self.reset()
        elif special == "gzip":
            self.send(200, gzip.compress(b'{"zipped":true}'),
                      Content_Encoding="gzip")
        elif special == "fields":
            self.send(200, json.dumps(dict(self.headers)).encode(),
                      X_Seen=self.headers.get("authorization", ""))
        elif special == "split":
            self.split(self.headers.get("authorization", "").encode())
        elif special == "echo":
            self.send(200, data, "application/json")
        elif special == "close":
            self.close_connection = True
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"until the end")
        else:
            self.answer(data, special)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = serve


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass


def start(name, file):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{directory}/{name}.pem",
                            f"{directory}/{name}.key")
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with open(f"{directory}/{file}.new", "w") as f:
        f.write(str(server.server_address[1]))
    os.rename(f"{directory}/{file}.new", f"{directory}/{file}")


make_certificates()
start("other", "badport")
start("good", "port")
threading.Event().wait()

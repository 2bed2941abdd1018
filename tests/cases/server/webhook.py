# SPDX-License-Identifier: MIT
"""webhook.py PORTFILE LOG [CERT KEY]: takes POSTs of events. What the file
LOG.mode says is done with each: a status, or `hang` (no answer as long as it says
so; LOG.hangs is there then). One line per POST: its status and, in JSON, its
headers and events."""
import http.server
import json
import os
import ssl
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        mode = "200"
        if os.path.exists(log + ".mode"):
            mode = open(log + ".mode").read().strip()
        if mode == "hang":
            open(log + ".hangs", "w").close()
            while mode == "hang":
                time.sleep(0.05)
                mode = open(log + ".mode").read().strip()
            return
        with open(log, "a") as out:
            out.write(mode + " " + json.dumps(
                {"path": self.path, "headers": dict(self.headers),
                 "events": json.loads(body)}) + "\n")
        self.send_response(int(mode))
        self.end_headers()

    def log_message(self, *args):
        pass


log = sys.argv[2]
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3], sys.argv[4])
    server.socket = context.wrap_socket(server.socket, server_side=True)
with open(sys.argv[1] + ".new", "w") as f:
    f.write(str(server.server_address[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()

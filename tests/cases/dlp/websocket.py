# SPDX-License-Identifier: MIT
"""The websocket terminal, redacted; the client is the one of server/pty.sh."""
import os
import sys

sys.argv, where = sys.argv[:2], sys.argv[2]
sys.path.insert(0, where)
source = open(os.path.join(where, "pty_client.py")).read()
exec(source.split("\n\n\n# ")[0] if "\n\n\n# " in source else
     source[:source.index("return json.loads(data)") + len("return json.loads(data)")])

KEY = os.environ["AGENTSH_KEY"]
c = Client()
c.send({"type": "start", "command": "sh", "args": [
    "-c", f"printf 'go> '; read x; echo key {KEY}; echo $x"]})
c.until(b"go> ")
c.sock.sendall(frame(2, b"typed\n"))
seen = c.until(b"typed\r\n")
while b"[REDACTED:anthropic_api_key]" not in seen:
    opcode, data = c.read()
    assert opcode == 2, (data, seen)
    seen += data
assert KEY.encode() not in seen, seen

# SPDX-License-Identifier: MIT
"""Checks both hash chains by their published formula, with other tools."""
import hashlib
import hmac
import json
import sqlite3
import sys

folder, key = sys.argv[1], sys.argv[2].encode()


def entry(make, info, payload):
    text = f"2|{info['sequence']}|{info['prev_hash']}|".encode() + payload
    assert make(text) == info["entry_hash"], f"hash at {info['sequence']}"


def linked(infos):
    prev = ""
    for number, info in enumerate(infos):
        assert info["sequence"] == number, f"sequence at {number}"
        assert info["prev_hash"] == prev, f"link at {number}"
        prev = info["entry_hash"]
    assert infos, "empty"


db = sqlite3.connect(f"{folder}/events.db")
rows = db.execute("SELECT payload_json, integrity_json, n_events FROM event_log"
                  " ORDER BY rowid").fetchall()
infos = [json.loads(i) for _, i, _ in rows]
linked(infos)
for (payload, _, _), info in zip(rows, infos):
    entry(lambda t: hashlib.sha256(t).hexdigest(), info, payload.encode())

infos = []
for line in open(f"{folder}/audit.jsonl"):
    doc = json.loads(line)
    info = doc.pop("integrity")
    infos.append(info)
    text = json.dumps(doc, sort_keys=True, separators=(",", ":"),
                      ensure_ascii=False)
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    entry(lambda t: hmac.new(key, t, "sha256").hexdigest(), info,
          text.encode())
linked(infos)
events = sum(1 if n is None else n for _, _, n in rows)
assert len(infos) == events, "the two logs differ in length"
ids = {row[0] for row in db.execute("SELECT event_id FROM events")}
assert len(ids) == events, "the view lacks events"

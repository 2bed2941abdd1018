#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a client puts together from the events of a streamed answer.

usage: deltas.py    in the session: one line of JSON for each dialect, with the
text, the tool's arguments, the number of events, and what was signed
"""

import http.client
import json
import os


def events(variable, path, body):
    host, _, base = os.environ[variable].removeprefix("http://").partition("/")
    c = http.client.HTTPConnection(host, timeout=90)
    c.request("POST", ("/" + base if base else "") + path,
              json.dumps({**body, "stream": True}),
              {"x-api-key": "k", "authorization": "Bearer k",
               "content-type": "application/json"})
    answer = c.getresponse()
    assert answer.status == 200, answer.status
    for part in answer.read().decode().split("\n\n"):
        for line in part.split("\n"):
            if line.startswith("data: ") and line != "data: [DONE]":
                yield json.loads(line[6:])


def anthropic():
    text, tool, signed, kinds = "", "", "", []
    for e in events("ANTHROPIC_BASE_URL", "/v1/messages", {}):
        kinds.append(e["type"])
        delta = e.get("delta", {})
        text += delta.get("text", "")
        tool += delta.get("partial_json", "")
        signed += delta.get("thinking", "") + delta.get("signature", "")
        assert "text" not in delta or "content_block_stop" not in kinds
    return {"text": text, "tool": tool, "events": len(kinds), "signed": signed}


def chat():
    text, tool, n = "", "", 0
    for e in events("OPENAI_BASE_URL", "/chat/completions", {}):
        n += 1
        for choice in e["choices"]:
            text += choice["delta"].get("content", "")
            for call in choice["delta"].get("tool_calls", []):
                tool += call["function"]["arguments"]
    return {"text": text, "tool": tool, "events": n, "signed": ""}


def responses():
    text, done, n = "", "", 0
    for e in events("OPENAI_BASE_URL", "/responses", {}):
        n += 1
        if e["type"] == "response.output_text.delta":
            assert not done
            text += e["delta"]
        if e["type"] == "response.output_text.done":
            done = e["text"]
    return {"text": text, "tool": done, "events": n, "signed": ""}


for ask in (anthropic, chat, responses):
    print(json.dumps({"of": ask.__name__, **ask()}))

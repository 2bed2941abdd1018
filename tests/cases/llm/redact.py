#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Requests with secrets in odd places, and what must have become of them.

usage: redact.py AWS GITHUB              in the session: sends them
       redact.py --check AWS GITHUB      judges what the service has seen

Each case is (name, coding, body as sent, body as it must arrive), where the
placeholders <A>, <G> and <T> become secrets in the first and any [REDACTED:...]
in the second.
"""

import base64
import gzip
import http.client
import json
import os
import re
import sys
import zlib

CASES = [
    ("plain", "", '{"a": "x <A> y", "n": 1.50, "z":[1,2 , 3]}',
     '{"a": "x <A> y", "n": 1.50, "z":[1,2 , 3]}'),
    ("ticket", "", '{"a":"<T>"}', '{"a":"<T>"}'),
    ("two", "", '{"a":"<A> <G>","b":"<A>"}', '{"a":"<A> <G>","b":"<A>"}'),
    ("escape before", "", r'{"a":"line\n<A>\nnext \u00e4 \/"}',
     r'{"a":"line\n<A>\nnext \u00e4 \/"}'),
    ("key order and space", "", '{"z":1,"a" : "<G>" ,"m":{"k":1E5}}\r\n',
     '{"z":1,"a" : "<G>" ,"m":{"k":1E5}}\r\n'),
    ("member name", "", '{"<A>":1}', '{"<A>":1}'),
    ("tool arguments", "", r'{"arguments":"{\"key\":\"<A>\"}"}',
     r'{"arguments":"{\"key\":\"<A>\"}"}'),
    ("thinking", "", '{"c":[{"type":"thinking","thinking":"<KA>",'
     '"signature":"<KA>"},{"type":"text","text":"<A>"}]}',
     '{"c":[{"type":"thinking","thinking":"<KA>","signature":"<KA>"},'
     '{"type":"text","text":"<A>"}]}'),
    ("redacted thinking", "", '{"type":"redacted_thinking","data":"<KA>"}',
     '{"type":"redacted_thinking","data":"<KA>"}'),
    ("encrypted", "", '{"type":"reasoning","encrypted_content":"<KA>"}',
     '{"type":"reasoning","encrypted_content":"<KA>"}'),
    ("image", "", '{"source":{"type":"base64","media_type":"image/png",'
     '"data":"<KA>"}}', '{"source":{"type":"base64",'
     '"media_type":"image/png","data":"<KA>"}}'),
    ("not JSON", "", 'a <A> b', 'a <A> b'),
    ("half JSON", "", '{"a":"<A>"', '{"a":"<A>"'),
    ("JSON lines", "", '{"a":"<A>"}\n{"b":"<G>"}\n',
     '{"a":"<A>"}\n{"b":"<G>"}\n'),
    ("gzip", "gzip", '{"a":"<A>"}', '{"a":"<A>"}'),
    ("deflate", "deflate", '{"a":"<A>"}', '{"a":"<A>"}'),
    ("twice", "gzip, deflate", '{"a":"<A>"}', '{"a":"<A>"}'),
    ("zstd", "zstd", '{"a":"<A>"}', '{"a":"<A>"}'),
    ("br", "br", '{"a":"<A>"}', '{"a":"<A>"}'),
    ("clean gzip", "gzip", '{"a":"b"}', '{"a":"b"}'),
    ("chunked", "chunked", '{"a":"<A>"}', '{"a":"<A>"}'),
    ("large", "", '{"a":"' + "lorem ipsum " * 90000 + '<A>"}',
     '{"a":"' + "lorem ipsum " * 90000 + '<A>"}'),
]


def fill(text, aws, github):
    return (text.replace("<KA>", aws).replace("<A>", aws)
            .replace("<G>", github).replace("<T>", "TICKET-" + "123456"))


def pattern(text, aws):
    p = re.escape(text)
    for mark in ("<A>", "<G>", "<T>"):
        p = p.replace(re.escape(mark), r"\[REDACTED:[^\]]{1,40}\]")
    return p.replace(re.escape("<KA>"), re.escape(aws))


def encode(coding, data):
    for one in coding.split(", "):
        if one == "gzip":
            data = gzip.compress(data)
        elif one == "deflate":
            data = zlib.compress(data)
        elif one == "zstd":  # RFC 8878: one raw block
            data = (b"\x28\xb5\x2f\xfd\x20" + bytes([len(data)])
                    + (len(data) << 3 | 1).to_bytes(3, "little") + data)
        elif one == "br":  # RFC 7932: one uncompressed meta-block, one empty
            bits = 0 | 0 << 1 | 0 << 2 | len(data) - 1 << 4 | 1 << 20
            data = bits.to_bytes(3, "little") + data + b"\x03"
    return data


def send(aws, github):
    host = os.environ["ANTHROPIC_BASE_URL"].removeprefix("http://")
    for name, coding, body, _ in CASES:
        c = http.client.HTTPConnection(host, timeout=90)
        fields = {"x-api-key": "k", "x-case": name, "x-fake": "echo",
                  "content-type": "application/json"}
        data = encode(coding, fill(body, aws, github).encode())
        if coding == "chunked":
            c.request("POST", "/v1/messages", iter([data[:5], data[5:]]),
                      fields, encode_chunked=True)
        else:
            if coding:
                fields["content-encoding"] = coding
            c.request("POST", "/v1/messages", data, fields)
        answer = c.getresponse()
        answer.read()
        assert answer.status == 200, (name, answer.status)
    for coding, status in (("lzma", 415), ("gzip", 400), ("zstd", 400)):
        c = http.client.HTTPConnection(host, timeout=90)
        c.request("POST", "/v1/messages", b"{}", {
            "x-api-key": "k", "content-encoding": coding})
        answer = c.getresponse()
        assert answer.status == status, (coding, answer.status)


def check(aws):
    seen = {}
    for line in sys.stdin:
        request = json.loads(line)
        seen[request["headers"].get("x-case")] = request
    for name, _, _, expected in CASES:
        request = seen.get(name)
        assert request, f"{name}: did not arrive"
        body = base64.b64decode(request["body"]).decode()
        assert "content-encoding" not in request["headers"], name
        assert re.fullmatch(pattern(expected, aws), body, re.S), (
            f"{name}: {body[:300]}")


if sys.argv[1] == "--check":
    check(sys.argv[2])
else:
    send(sys.argv[1], sys.argv[2])

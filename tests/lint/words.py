#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check for calls and words that do not belong in the tree.

Usage: words.py SOURCE_ROOT

Calls are looked for in C without its comments and strings; words in code and
scripts; absolute paths of one machine and package registries in every tracked
text file.  The patterns are written so that they do not match this file.
"""

import re
import sys
from pathlib import Path

import lint
from metrics import classify

# call -> what to use instead
UNSAFE = {
    "strcpy": "buf_put or snprintf", "strcat": "buf_put", "stpcpy": "buf_put",
    "sprintf": "snprintf or buf_printf", "vsprintf": "buf_vprintf",
    "strtok": "str_split", "strtok_r": "str_split", "gets": "fd_read_full",
    "alloca": "an arena", "mktemp": "mkstemp", "tmpnam": "mkstemp",
}
# Test programs stand alone and may read their own arguments as they like.
OUTSIDE_TESTS = {
    "strtol": "num.h", "strtoul": "num.h", "strtoll": "num.h",
    "strtoull": "num.h", "atoi": "num.h", "atol": "num.h", "atoll": "num.h",
    "sscanf": "num.h and str_split",
    "system": "the launcher", "popen": "the launcher",
}
CALLS = UNSAFE | OUTSIDE_TESTS
CALL = re.compile(r"(?<![\w.>])(" + "|".join(CALLS) + r")\s*\(")
# Unfinished work is an issue number, not a word in the code.
WORD = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")
CODE = {".c", ".h", ".py", ".sh", ".build", ".yaml", ".yml", ""}
# A policy may name a registry as a host to allow: data/ and tests/ may.
REGISTRY = re.compile(r"\b(registry\.npm" r"js\.org|npm" r"js\.com"
                      r"|(files\.)?pypi\.(org|python" r"hosted)|python"
                      r"hosted\.org|proxy\.go" r"lang\.org|crates" r"\.io"
                      r"|ruby" r"gems\.org|gh" r"cr\.io|qu" r"ay\.io"
                      r"|registry-1\.dock" r"er\.io)\b")
MACHINE = re.compile(r"/wo" r"rk/(main|wt|shared|deps|\.library)\b"
                     r"|/ro" r"ot/\.pyenv\b")


def strip_strings(code):
    return re.sub(r'"(?:\\.|[^"\\\n])*"', '""', code)


def calls_in(text, name):
    code = strip_strings(classify(text)[2])
    for number, line in enumerate(code.splitlines(), 1):
        for match in CALL.finditer(line):
            if name.startswith("tests/") and match[1] in OUTSIDE_TESTS:
                continue
            yield number, f"{match[1]}() is banned: use {CALLS[match[1]]}"


def lines_in(text, name, root):
    policies = name.startswith(("data/", "tests/"))
    for number, line in enumerate(text.splitlines(), 1):
        if Path(name).suffix in CODE and (match := WORD.search(line)):
            yield number, f"{match[0]}: finish it, or name an issue"
        if not policies and (match := REGISTRY.search(line)):
            yield number, f"{match[0]}: no registry host in the tree"
        # policies name home directories on purpose
        if (not policies and MACHINE.search(line)) or root in line:
            yield number, "absolute path of one machine"


def lacks_licence(path, text):
    head = "\n".join(text.splitlines()[:3])
    return path.suffix in (".c", ".h", ".py", ".sh", ".build") and (
        "SPDX-License-Identifier: MIT" not in head)


def main():
    root = Path(sys.argv[1]).resolve()
    # A root such as /src is too common a word to look for.
    own = str(root) if len(root.parts) > 2 else "\0"
    paths = lint.tracked(root)
    found = []
    for path in paths:
        name = path.relative_to(root).as_posix()
        data = path.read_bytes()
        if b"\0" in data or "/corpus/" in name:
            continue
        text = data.decode(errors="replace")
        hits = list(lines_in(text, name, own))
        if lacks_licence(path, text):
            hits.append((1, "no SPDX line at the top"))
        if path.suffix in (".c", ".h"):
            hits += calls_in(text, name)
        found += [f"{name}:{number}: {what}" for number, what in hits]
    lint.finish(found, len(paths))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check that what a header offers is used by some program.

Usage: unused.py ROOT

A function that only its own definition, or only tests, still name is code that
nobody runs: it goes, with its tests. FOR_TESTS are those that tests need to see
into the rest.
"""

import collections
import re
import sys
from pathlib import Path

import lint

FOR_TESTS = {
    "canary_run",          # canaries under a plan of the test's own
    "dlp_tokens_restore",  # what tokens stand for
    "hex_decode",          # published test vectors
    "regex_match",         # one expression, one text
    "ring_eventfd",        # a reader that waits in its own poll()
}

STRING_OR_COMMENT = re.compile(r'"(?:[^"\\\n]|\\.)*"|/\*.*?\*/', re.S)
FUNCTION = re.compile(r"^[a-z][^\n;{}=#]*?\b\*?([a-z_][a-z0-9_]+)\("
                      r"(?!\*)[^;{]*\)[^;{]*;", re.M)
WORD = re.compile(r"\b[a-z_][a-z0-9_]+\b")


def main():
    root = Path(sys.argv[1])
    paths = [p for p in lint.tracked(root, ".c", ".h")
             if p.relative_to(root).parts[0] != "tests"]
    texts = {p: STRING_OR_COMMENT.sub("", p.read_text(errors="replace")) for p in paths}
    seen = collections.Counter(w for t in texts.values()
                               for w in WORD.findall(t))
    found = []
    for path, text in sorted(texts.items()):
        if path.suffix != ".h":
            continue
        for m in FUNCTION.finditer(text):
            name = m.group(1)
            # its declaration and its definition
            if seen[name] <= 2 and name not in FOR_TESTS and \
                    "typedef" not in m.group(0):
                line = text[:m.start()].count("\n") + 1
                found.append(f"{path.relative_to(root)}:~{line}: {name}() is "
                             "used by no program; take it out, with its tests")
    lint.finish(found, len(paths))


main()

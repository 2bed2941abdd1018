#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check the spelling of every tracked text file with codespell.

Usage: spelling.py SOURCE_ROOT

Fuzz inputs and golden files are data: what they say is not prose.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import lint

# Names, abbreviations and the misspellings that tests make on purpose.
KNOWN = ["nd", "doas", "te", "fo", "als", "hel", "ot", "alow", "nmae", "conect",
         "servent", "abd", "caf", "wrte"]
DATA = ("tests/fuzz/corpus/", "tests/golden/")


def main():
    root = Path(sys.argv[1])
    if not shutil.which("codespell"):
        lint.skip("codespell is not installed")
    names = [p.relative_to(root).as_posix() for p in lint.tracked(root)]
    names = [n for n in names if not n.startswith(DATA)]
    done = subprocess.run(["codespell", "--quiet-level=3",
                           "--ignore-words-list=" + ",".join(KNOWN), *names],
                          cwd=root, capture_output=True, text=True)
    found = (done.stdout + done.stderr).splitlines()
    lint.finish(found, len(names))


if __name__ == "__main__":
    main()

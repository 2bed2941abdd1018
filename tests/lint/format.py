#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check that clang-format would leave every tracked .c and .h as it is.

Usage: format.py SOURCE_ROOT

Versions differ in what they make of the same style; the tree is in the form of
one of them, which Debian 12 has.
"""

import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import lint


VERSION = "14"


def version():
    text = subprocess.run(["clang-format", "--version"], capture_output=True,
                          text=True).stdout
    found = re.search(r"version (\d+)", text)
    return found[1] if found else "of no known version"


def findings(paths):
    """One process for many files; it names each place that would change."""
    if not paths:
        return []
    done = subprocess.run(["clang-format", "--style=file", "--dry-run",
                           "-Werror", *map(str, paths)],
                          capture_output=True, text=True)
    lines = [line for line in done.stderr.splitlines() if ": error:" in line]
    if done.returncode and not lines:
        lines = [done.stderr]
    return lines


def main():
    root = sys.argv[1]
    if not shutil.which("clang-format"):
        lint.skip("clang-format is not installed")
    if version() != VERSION:
        lint.skip(f"clang-format {VERSION} is not installed, but {version()}")
    paths = lint.tracked(root, ".c", ".h")
    with ThreadPoolExecutor(2) as pool:
        halves = pool.map(findings, (paths[::2], paths[1::2]))
    found = [line.replace(f"{root}/", "") for half in halves for line in half]
    lint.finish(found, len(paths))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check that clang-format would leave every tracked .c and .h as it is.

Usage: format.py SOURCE_ROOT
"""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import lint


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
    paths = lint.tracked(root, ".c", ".h")
    with ThreadPoolExecutor(2) as pool:
        halves = pool.map(findings, (paths[::2], paths[1::2]))
    found = [line.replace(f"{root}/", "") for half in halves for line in half]
    lint.finish(found, len(paths))


if __name__ == "__main__":
    main()

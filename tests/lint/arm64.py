#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check that what deals with the machine compiles for arm64, without a warning.

Usage: arm64.py SOURCE_ROOT BUILD_ROOT CROSS_CC

Only syntax and types, and only files that want no library but the C library:
scripts/cross-build.sh builds everything.
"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import lint

PLACES = ("core/", "confine/", "tracer/", "tests/escape/", "tests/lib/")


def main():
    root, build, cc = sys.argv[1:4]
    compiler = [cc, "-fsyntax-only", "-std=gnu11", "-D_GNU_SOURCE", "-Wall",
                "-Wextra", "-Wconversion", "-Wsign-conversion", "-Werror",
                f"-I{root}", f"-I{build}"]
    paths = [p for p in lint.tracked(root, ".c")
             if p.relative_to(root).as_posix().startswith(PLACES)]

    def check(path):
        done = subprocess.run([*compiler, str(path)], capture_output=True,
                              text=True, check=False)
        return done.stderr if done.returncode else None

    with ThreadPoolExecutor(2) as pool:
        found = [text for text in pool.map(check, paths) if text]
    lint.finish(found, len(paths))


if __name__ == "__main__":
    main()

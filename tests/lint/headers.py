#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check that every tracked header compiles alone, twice, and is guarded.

Usage: headers.py SOURCE_ROOT BUILD_ROOT CC...
"""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lint


def include_flags(build):
    """Every -I and -isystem that the build itself uses."""
    flags = []
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = entry["command"].split()
        for i, word in enumerate(words):
            new = None
            if word.startswith("-I") and len(word) > 2:
                new = ["-I" + str(Path(entry["directory"], word[2:]))]
            elif word == "-isystem":
                new = [word, words[i + 1]]
            if new and new not in flags:
                flags.append(new)
    return [word for group in flags for word in group]


def check(path, root, compiler):
    name = path.relative_to(root).as_posix()
    found = []
    guard = re.sub(r"\W", "_", name).upper()
    text = path.read_text()
    match = re.search(r"^#ifndef (\w+)\n#define \1\n", text, re.M)
    # A test's header may leave out directories.
    want = path.stem.upper() + "_H" if name.startswith("tests/") else guard
    if not match or not match[1].endswith(want):
        found.append(f"{name}: guard is not {guard}")
    text = f'#include "{name}"\n' * 2
    done = subprocess.run([*compiler, "-"], input=text, capture_output=True,
                          text=True)
    if done.returncode:
        found.append(f"{name} does not compile alone:\n{done.stderr}")
    return found


def main():
    root, build = Path(sys.argv[1]), Path(sys.argv[2])
    compiler = [*sys.argv[3:], "-fsyntax-only", "-x", "c", "-std=gnu11",
                "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
                f"-I{root}", f"-I{build}", *include_flags(build)]
    paths = lint.tracked(root, ".h")
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda p: check(p, root, compiler), paths)
    lint.finish([line for lines in found for line in lines], len(paths))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run clang-tidy over the tracked .c files that the build compiles.

Usage: tidy.py SOURCE_ROOT BUILD_ROOT [FILE...]

A file that was clean is not looked at again until its preprocessed text
(comments kept: they may hold NOLINT), the checks or the tool change; the marks
are in BUILD_ROOT/tidy-cache.  Two files at a time.
"""

import hashlib
import json
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lint

KEEP = ("-I", "-D", "-std=")


def flags_of(entry):
    """The flags both compilers know; warnings are the build's business."""
    words = shlex.split(entry["command"])
    flags = []
    for i, word in enumerate(words):
        if word.startswith("-I"):
            flags.append("-I" + str(Path(entry["directory"], word[2:])))
        elif word == "-isystem":
            flags += [word, words[i + 1]]
        elif word.startswith(KEEP):
            flags.append(word)
    return flags


def commands(root, build, wanted):
    """path -> flags, for tracked files, the first command of each."""
    tracked = {p.resolve() for p in lint.tracked(root, ".c")}
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = Path(entry["directory"], entry["file"]).resolve()
        if path in tracked and (not wanted or path in wanted):
            found.setdefault(path, flags_of(entry))
    return found


def digest(path, flags, salt):
    text = subprocess.run(["clang", "-E", "-C", *flags, str(path)],
                          capture_output=True, check=True).stdout
    return hashlib.sha256(salt + b"\0" + text).hexdigest()


def tidy(path, flags, salt, cache):
    try:
        mark = cache / digest(path, flags, salt)
    except subprocess.CalledProcessError as error:
        return f"{path}: does not preprocess:\n{error.stderr.decode()}"
    if mark.exists():
        return None
    done = subprocess.run(["clang-tidy", "--quiet", str(path), "--", *flags],
                          capture_output=True, text=True)
    if done.returncode:
        return done.stdout + (done.stderr if not done.stdout else "")
    mark.touch()
    return None


def main():
    root, build = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    wanted = {Path(p).resolve() for p in sys.argv[3:]}
    for tool in ("clang-tidy", "clang"):
        if not shutil.which(tool):
            lint.skip(f"{tool} is not installed")
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True,
                             check=True).stdout
    salt = version + b"".join(
        p.read_bytes() for p in lint.tracked(root) if p.name == ".clang-tidy")
    cache = build / "tidy-cache"
    cache.mkdir(exist_ok=True)
    jobs = commands(root, build, wanted)
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda job: tidy(*job, salt, cache),
                         sorted(jobs.items()))
    lint.finish([text.strip() for text in found if text], len(jobs))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check that no two of our libraries define the same global symbol.

Usage: symbols.py NM LIBRARY...

Each program links several of them: with two definitions the order of libraries
would decide which one runs, without a word from the linker.
"""

import subprocess
import sys
from pathlib import Path

import lint

STRONG = set("TDBRCG")
# Workers are programs of their own; the rest ends up in one, or in each.
WORKERS = {"libtracer", "libnetproxy", "libvfs"}
COMMAND = {"libserver", "libcli"}


def defined(nm, library):
    """Every strong global symbol with the library and object that define it."""
    out = subprocess.run([nm, "-A", "-g", "--defined-only", library],
                         capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        where, kind, name = line.rsplit(None, 2)
        # what the compiler adds (sanitizers) begins with two underscores
        if kind in STRONG and not name.startswith("__"):
            obj = where.rsplit(":", 1)[0]
            yield name, (Path(library).stem, Path(obj).name)


def clash(places):
    """Whether two of the places can meet in one program."""
    libraries = [library for library, _ in places]
    workers = [name for name in libraries if name in WORKERS]
    if len(workers) != len(set(workers)):
        return True
    others = [name for name in libraries if name not in WORKERS]
    below = [name for name in others if name not in COMMAND]
    return len(others) > 1 or bool(below and workers)


def main():
    nm, libraries = sys.argv[1], sys.argv[2:]
    places = {}
    for library in libraries:
        for name, where in defined(nm, library):
            places.setdefault(name, []).append(where)
    found = [f"{name}: defined in " + " and ".join(
             f"{library}({obj})" for library, obj in sorted(where))
             for name, where in sorted(places.items()) if clash(where)]
    lint.finish(found, len(places))


if __name__ == "__main__":
    main()

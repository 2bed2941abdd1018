#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every syscall the kernel headers name has a row in confine/syscalls.inc.

Usage: check_syscalls.py SOURCE_ROOT CC...   (CC of the build machine)
"""

import re
import subprocess
import sys
from pathlib import Path

X86_64, ARM64 = 2, 3


def rows(root):
    text = (Path(root) / "confine/syscalls.inc").read_text()
    return [m.groups() for m in
            re.finditer(r"^X\((\w+), (-?\d+), (-?\d+), (\w+)\)$", text, re.M)]


def macros(cc, *flags):
    out = subprocess.run([*cc, "-E", "-dM", *flags, "-"], text=True,
                         input="#include <asm/unistd.h>\n",
                         capture_output=True, check=True).stdout
    return {name: int(value) for name, value in
            re.findall(r"#define __NR_(\w+) (\d+)$", out, re.M)
            if name not in ("syscalls", "arch_specific_syscall")}


def main():
    root, *cc = sys.argv[1:]
    table = rows(root)
    machine = subprocess.run([*cc, "-dumpmachine"], text=True,
                             capture_output=True, check=True).stdout
    column = ARM64 if machine.startswith("aarch64") else X86_64
    known = {row[0]: int(row[column - 1]) for row in table}
    bad = [f"{name} is {nr} in asm/unistd.h, {known.get(name)} in the table"
           for name, nr in macros(cc).items() if known.get(name) != nr]
    for c in (X86_64, ARM64):
        numbers = [int(row[c - 1]) for row in table if int(row[c - 1]) >= 0]
        if len(set(numbers)) != len(numbers):
            bad.append(f"column {c}: a number occurs twice")
        if max(numbers) > 511:
            bad.append(f"column {c}: a number above NR_MAX of seccomp.c")
    print("\n".join(bad) or f"{len(table)} syscalls classified")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check that a configuration key that is called honoured is read by someone.

A key says YES in config/keys.c; then its member of struct config must be used
outside config/ (or be in the list below, with the reason).  --all also lists
keys that say NO and are read.  Run from the source root; prints one line per
finding.
"""

import re
import sys
from pathlib import Path

KEY = re.compile(r"^\s*(?:K\(\w+, (?P<k>[\w.]+)|W\((?P<w>[\w.]+)|"
                 r"N\(\"[\w.]+\", \w+, (?P<n>[\w.]+)),"
                 r".*(?P<honoured>YES|NO)\),", re.M)
# config/ itself acts on these.
INSIDE = {
    "development.debug": "raises logging.level",
    "platform.mode": "only one platform; other words are accepted",
    "sandbox.ptrace.attach_mode": "the other word is an error",
}


def is_read(code, member):
    """By its whole path, or through a pointer to its section."""
    if re.search(rf"(->|\.){re.escape(member)}\b", code):
        return True
    section, _, last = member.rpartition(".")
    return (re.search(rf"&\w+->{re.escape(section)};", code)
            and re.search(rf"->{last}\b", code))


def main():
    root = Path(sys.argv[-1])
    code = "".join(path.read_text() for path in root.glob("*/*.c")
                   if path.parent.name not in ("config", "build", "tests"))
    code = re.sub(r"\s+", "", code)
    bad = False
    for match in KEY.finditer((root / "config/keys.c").read_text()):
        member = match["k"] or match["w"] or match["n"]
        used = is_read(code, member)
        if match["honoured"] == "YES" and not used and member not in INSIDE:
            print(f"config/keys.c: {member} is called honoured, "
                  "but nothing outside config/ reads it")
            bad = True
        elif match["honoured"] == "NO" and used and "--all" in sys.argv:
            print(f"config/keys.c: {member} is read, but not called honoured")
    sys.exit(bad)


if __name__ == "__main__":
    main()

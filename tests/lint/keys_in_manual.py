#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check that the manuals name every key of the configuration and the policies.

config/keys.c and the tables of policy/parse*.c are the truth: every key there
must have an entry in agentsh-config(5) or agentsh-policy(5), every entry must
be a key, and the manual's list of keys that are not honoured must be the one
of the table.  Run from the source root; prints one line per disagreement.
"""

import re
import sys
from pathlib import Path

KEY = re.compile(r"^\s*(?:K\(\w+, (?P<k>[\w.]+)|W\((?P<w>[\w.]+)|"
                 r"N\(\"(?P<n>[\w.]+)\"),.*(?P<honoured>YES|NO)\),", re.M)
BIND = re.compile(r'\{\s*"(\w+)",\s*BIND_')
ENTRY = re.compile(r"^\.It Ic (\S+)$", re.M)


def config(root: Path):
    table = {m["k"] or m["w"] or m["n"]: m["honoured"] == "YES"
             for m in KEY.finditer((root / "config/keys.c").read_text())}
    manual = (root / "docs/man/agentsh-config.5").read_text()
    body, _, rest = manual.partition(".Sh NOT HONOURED BY THIS VERSION")
    entries = set(ENTRY.findall(body.partition(".Sh KEYS")[2]))
    listed = set(re.search(r"\.Bd.*?\n(.*?)\.Ed", rest, re.S)[1].split())
    if len(table) < 100:
        yield "config/keys.c: the table is not where it was"
    for key in sorted(table.keys() - entries):
        yield f"agentsh-config.5: no entry for {key}"
    for key in sorted(entries - table.keys()):
        yield f"agentsh-config.5: {key} is no key of config/keys.c"
    not_honoured = {key for key, honoured in table.items() if not honoured}
    for key in sorted(not_honoured - listed):
        yield f"agentsh-config.5: {key} is missing from NOT HONOURED"
    for key in sorted(listed - not_honoured):
        yield f"agentsh-config.5: {key} is honoured, take it from the list"


def policy(root: Path):
    keys = set()
    for path in [*root.glob("policy/parse*.c"), root / "policy/parse.h"]:
        keys |= set(BIND.findall(path.read_text()))
    manual = (root / "docs/man/agentsh-policy.5").read_text()
    named = set(re.findall(r"\w+", " ".join(
        re.findall(r"\.(?:It )?Ic (.*)", manual))))
    if len(keys) < 50:
        yield "policy/parse*.c: the tables are not where they were"
    for key in sorted(keys - named):
        yield f"agentsh-policy.5: does not name {key}"


if __name__ == "__main__":
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    found = [*config(root), *policy(root)]
    print("\n".join(found))
    sys.exit(bool(found))

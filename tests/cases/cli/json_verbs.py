#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""json_verbs.py AGENTSH DIRECTORY - --json of every verb that `help --json` lists

Each verb runs once as it should and once as it fails, in DIRECTORY (a workspace
whose session `s` ran something), and must print one JSON document on standard
output both times. A verb that is not in the table below is a failure, and so is
a row without a verb: a new verb gets a row.
"""

import json
import subprocess
import sys
from pathlib import Path

# verb -> arguments that work. None: a stream, which refuses the flag.
ROWS = {
    "exec": "s -- true", "run": None, "wrap": None, "server": None,
    "session attach": None, "events tail": "LINES",
    "init": "--output made.yaml --force", "session create": "--workspace . --id two",
    "session list": "", "session info": "s", "session logs": "s",
    "session update": "s --set-env A=b", "session destroy": "two",
    "kill": "s CMD", "output": "s CMD", "events query": "--session s",
    "audit verify": "DB", "audit chain verify": "DB",
    "audit chain status": "--config CONFIG",
    "audit chain reset": "--config CONFIG --reason test --force",
    "approve list": "", "approve resolve": "none --allow",
    "policy list": "--dir POLICIES", "policy show": "default --dir POLICIES",
    "policy validate": "default --dir POLICIES", "policy reload": "",
    "policy generate": "s", "policy keygen": "--output .",
    "policy sign": "POLICIES/default.yaml --key private.key.json",
    "policy verify": "POLICIES/default.yaml --key-dir .",
    "config show": "--path CONFIG", "config validate": "--path CONFIG",
    "proxy status": "s", "undo": "", "undo status": "",
    "undo history": "kept.txt", "undo show": "kept.txt",
    "redo": "--dry-run", "history": "kept.txt", "show": "kept.txt",
    "trash list": "", "trash restore": "kept.txt --dry-run",
    "trash purge": "--dry-run --ttl 1h", "trash history": "kept.txt",
    "trash show": "kept.txt", "checkpoint create": "--session s",
    "checkpoint list": "--session s", "checkpoint show": "MARK --session s",
    "checkpoint rollback": "MARK --session s --dry-run",
    "checkpoint purge": "--session s --keep 9",
    "report": "s --level summary", "backup": "-o b.tar.gz --config CONFIG",
    "restore": "-i b.tar.gz --dry-run", "detect": "--config CONFIG",
    "detect config": "--config CONFIG", "shim install-shell":
    "--shim /bin/true --root . --dry-run", "shim uninstall-shell":
    "--root . --dry-run", "shim status": "--root .",
    "explain": "/etc/passwd --op write", "debug policy-test":
    "--op file_read --path /etc/shadow", "debug stats": "s",
    "debug pending": "", "completion": "bash", "help": "undo",
}
# Verbs of which nothing in this workspace makes a success.
MAY_FAIL = {"kill", "output", "approve resolve", "audit chain status",
            "audit chain reset", "checkpoint show", "checkpoint rollback",
            "policy reload"}
FIRST = ["backup", "policy keygen", "policy sign", "session create"]
LAST = ["undo", "redo", "session destroy"]


class Verbs:
    def __init__(self, agentsh, directory):
        self.agentsh, self.directory = agentsh, directory
        self.bad = []

    def call(self, words):
        return subprocess.run([self.agentsh, *words], cwd=self.directory,
                              capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL)

    def complain(self, words, text, done):
        self.bad.append(f"{' '.join(words)}: {text} (status {done.returncode})"
                        f"\n  {done.stdout[:300]}\n  {done.stderr[:300]}")

    def document(self, words):
        done = self.call(["--json", *words])
        try:
            found = json.loads(done.stdout)
            if not isinstance(found, (dict, list)):
                raise ValueError
        except ValueError:
            self.complain(words, "not one JSON document", done)
        return done

    def refused(self, words):
        done = self.call(["--json", *words])
        if done.returncode != 1 or "--json is not for" not in done.stderr:
            self.complain(words, "takes --json", done)

    def check(self, verb, args):
        words = verb.split()
        if args is None:
            self.refused([*words, *(["x"] if "session" in verb else
                                    ["--", "true"])])
            return
        if args == "LINES":
            return
        done = self.document([*words, *args.split()])
        if done.returncode and verb not in MAY_FAIL:
            self.complain(words, "failed", done)


def verbs(tree, above=()):
    path = (*above, tree["name"]) if above or tree["name"] != "agentsh" else ()
    if tree["runs"] and path:
        yield " ".join(path)
    for sub in tree["commands"]:
        yield from verbs(sub, path)


def main():
    agentsh, directory = sys.argv[1], Path(sys.argv[2])
    names = dict(word.split("=", 1) for word in sys.argv[3:])
    v = Verbs(agentsh, directory)
    tree = json.loads(v.call(["help", "--json"]).stdout)
    there = set(verbs(tree))
    v.bad += [f"{x}: no row in json_verbs.py" for x in sorted(there - ROWS.keys())]
    v.bad += [f"{x}: no such verb" for x in sorted(ROWS.keys() - there)]
    order = FIRST + sorted(ROWS.keys() - set(FIRST) - set(LAST))
    for verb in [*order, *LAST]:
        args = ROWS[verb]
        for name, value in names.items():
            args = args and args.replace(name, value)
        v.check(verb, args)
    print("\n".join(v.bad))
    print(f"{len(there)} verbs, {len(v.bad)} findings")
    sys.exit(bool(v.bad))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check that the manual names every verb and flag that --help names.

Usage: manual.py AGENTSH MAN_DIRECTORY.  A verb has a `.Ss VERB` in agentsh.1,
and its flags stand there as `.Fl -flag`; `man agentsh-VERB` finds it
(docs/man/meson.build), and the completion of each shell offers it.  Each page
must also pass mandoc's lint.  Exits 77 when mandoc is missing (after the other checks).
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path


def help_of(agentsh, words):
    return subprocess.run([agentsh, *words, "--help"], capture_output=True,
                          text=True, check=True).stdout


def block(text, title):
    match = re.search(rf"^{title}:\n((?:  .*\n)*)", text, re.M)
    return match.group(1).splitlines() if match else []


def sections(page):
    """Name of each .Ss (and .Sh) -> its text."""
    parts = re.split(r"^\.S[sh] (.*)$", page, flags=re.M)
    return {name.strip('"'): text for name, text in zip(parts[1::2],
                                                        parts[2::2])}


def check(agentsh, words, manual, problems):
    text = help_of(agentsh, words)
    name = " ".join(words)
    flags = [m.group(1) for line in block(text, "Flags")
             if (m := re.search(r"--([a-z0-9-]+)", line))]
    subs = [line.split()[0] for line in block(text, "Commands")]
    section = manual.get(name if words else "Global flags")
    if section is None and (flags or not subs):
        problems.append(f"agentsh.1: no .Ss {name}")
    for flag in flags:
        if not re.search(rf"\bFl -{re.escape(flag)}(\s|$)", section or "",
                         re.M):
            problems.append(f"agentsh.1: .Ss {name}: --{flag} is missing")
    for sub in subs:
        check(agentsh, [*words, sub], manual, problems)


def check_completions(agentsh, problems):
    """Every verb, and its flags, in what the three shells are given."""
    tree = json.loads(subprocess.run([agentsh, "help", "--json"], check=True,
                                     capture_output=True, text=True).stdout)
    scripts = {shell: subprocess.run([agentsh, "completion", shell], check=True,
                                     capture_output=True, text=True).stdout
               for shell in ("bash", "zsh", "fish")}
    todo = [(verb["name"], verb) for verb in tree["commands"]]
    while todo:
        name, verb = todo.pop()
        todo += [(f"{name} {s['name']}", s) for s in verb["commands"]]
        last = re.escape(name.split()[-1])
        wanted = {"bash": rf'^\t"{re.escape(name)}"\) words=',
                  "zsh": rf"^\t'{re.escape(name)}'\) words=",
                  "fish": rf"^complete -c agentsh -n .* -a {last} -d "}
        for shell, pattern in wanted.items():
            if not re.search(pattern, scripts[shell], re.M):
                problems.append(f"completion {shell}: no {name}")
        for flag in verb["flags"]:
            if f"--{flag['name']}" not in scripts["bash"]:
                problems.append(f"completion bash: {name} --{flag['name']}")
    return {verb["name"] for verb in tree["commands"]}


def check_pages(directory, verbs, problems):
    text = (directory / "meson.build").read_text()
    there = set(re.findall(r"'(\w+)'", re.search(r"verbs = \[(.*?)\]", text,
                                                  re.S)[1]))
    for verb in sorted((verbs - {"server"}) ^ there):
        problems.append(f"docs/man/meson.build: verbs: {verb}")


def main():
    agentsh, directory = sys.argv[1], Path(sys.argv[2])
    problems = []
    check_pages(directory, check_completions(agentsh, problems), problems)
    check(agentsh, [], sections((directory / "agentsh.1").read_text()),
          problems)
    pages = sorted(directory.glob("*.[0-9]"))
    mandoc = shutil.which("mandoc")
    if mandoc:
        run = subprocess.run([mandoc, "-Tlint", "-Wstyle", *pages],
                             capture_output=True, text=True)
        # Our own pages refer to each other before they are installed.
        problems += [line for line in (run.stdout + run.stderr).splitlines()
                     if "referenced manual not found" not in line
                     and "outdated mandoc.db" not in line]
    print("\n".join(problems))
    if problems:
        return 1
    if not mandoc:
        print("SKIP: mandoc is not installed; pages not linted")
        return 77
    return 0


if __name__ == "__main__":
    sys.exit(main())

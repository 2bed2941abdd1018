#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attack_table.py SOURCE_ROOT [--write]: the table of attacks and tests.

Reads tests/escape/classes.tsv, checks that every test it names exists and
mentions the attack, and makes docs/design/attack-table.md of it, with the
results of tests/escape/layers.tsv (layers.py) as columns.  Without --write it only compares; exit 1 when a test is gone or the document is stale.
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
from layers import LAYERS, RUN_BY  # noqa: E402

HEAD = """# Attacks and the tests that try them

Made by `tests/escape/attack_table.py --write` from `tests/escape/classes.tsv`; a
test that is gone or no longer tries the attack fails `lint_attack_table`.
`floor:NAME` is an attack of `tests/escape/floor_*.c` on the kernel's side alone;
`case:FILE:WORD` a scenario below `tests/cases/`, through a whole server, that
asserts the effect and the record. Numbers are those of the published escapes the
class was taken from.

The five columns are what the scenarios said when `tests/escape/layers.py -w` ran them
under each combination of layers (`tests/escape/layers.tsv`; 22 November 2026, Linux
6.18): **+** every attack of the row that has such a form was blocked, and is on record where
the scenario asks for that; **=** the kernel's own part (static filter, Landlock, capabilities) or the
decision function, which no layer changes; **.** not run in that combination. FAIL would
be something that got through. Floor: Landlock, the filter and notifications; alone:
ptrace in the place of notifications that are refused; all: notifications, ptrace, FUSE.

| class | attack | floor | +ptrace | ptrace alone | +FUSE | all | tried by | stopped by |
|---|---|---|---|---|---|---|---|---|
"""

TAIL = """
## What the floor does not stop

* An allowed interpreter does by itself what a denied program would; its files,
  connections and children are still judged.
* Agents that poison what allowed programs read (build scripts, variables; 17, 18): the
  children run in the same sandbox, but they run. What a person runs later from the
  project (`core.fsmonitor` in `.git/config`, tasks of editors, `package.json`) or from
  tool directories in their home (`~/.local/bin`, `~/.cargo/bin`) is on record and
  undoable, not held back; only git's hooks and what starts by itself are.
* A copy of a denied program that was changed more than a little (its build id taken out)
  runs: content is no boundary.
* Without CAP_SYS_ADMIN there is no IPC namespace: System V shared memory and message
  queues are those of the user (`session info` says so). Readers may hold flock() locks
  on files that they may read.
* Where neither notifications nor ptrace work, others' terminals can be opened by
  whoever has their number and user.
* Without seccomp notifications (another supervisor holds the listener): names of
  programs, undo and addresses are not judged; Landlock and the static filter stay,
  TCP is left to the proxy's port and there is no UDP. `detect` says so.
* There, attributes (chmod, chown, times) of what the same user owns can be changed
  anywhere: Landlock knows no such right.
* What comes with a directory that is renamed into a place where it could not be made
  is judged by the supervisor: not where only the mount judges; and where only ptrace
  does, a second thread may change the directory between the walk and the call.
* Extended attributes of a denied file can be read, as its size and times can
  (`intercept_metadata` judges stat, access and readlink).
* A rule by wildcard (`/**/bin/tool`) knows no copy of a static program that runs under
  another name.
* Without Landlock and without notifications nothing but the static filter is left.
* As root without a pids cgroup the number of processes is not bounded: the kernel
  exempts uid 0 from RLIMIT_NPROC.
* Without cgroups the end of a tree takes as long as reading /proc twice does.
* Where a container refuses pidfd_getfd() and gives no network namespace, a call that
  connects or binds gets a new socket in the place of the caller's, without the options
  set before; datagrams with an address are refused to programs with several threads;
  names are not resolved. A race of both descriptor and message can still send one
  datagram to a unix socket that was not judged.
* Where it refuses process_vm_writev() too, a redirected execve is denied, and attributes
  that were judged are answered by the kernel: a race wins the size of a denied file.
* An execve of a path in read-only memory cannot be redirected by notifications: it is
  denied. Where calls are judged by ptrace it can.
* busybox's shell runs its applets by itself: `busybox sh -c id` starts no program.
* `block_iteration` closes /proc/PID/environ; a program's own variables are in its
  memory. What must not be seen must not be passed (`allow`, `deny`).
* A secret that is encrypted, cut in pieces by other text, or written in an encoding that
  [dlp.md](dlp.md) does not name passes; so does one typed character by character.
* Overlay races of set-uid launchers (43, 50, 51) and parsers of container images (41)
  have no counterpart here: nothing is set-uid, no image is read.
"""


def fail(text):
    print(text)
    return 1


def missing(root, test):
    kind, _, rest = test.partition(":")
    if kind == "floor":
        files = sorted((root / "tests/escape").glob("floor_*.c"))
        return not any(f'"{rest}"' in f.read_text() for f in files)
    if kind == "golden":
        return not (root / "tests/golden" / rest).exists()
    name, _, word = rest.partition(":")
    path = root / "tests/cases" / name
    return not path.exists() or word not in path.read_text()


def measured(root):
    """What each scenario said under each combination of layers."""
    found = {}
    for line in (root / "tests/escape/layers.tsv").read_text().splitlines():
        if not line.startswith("#"):
            name, *cells = line.split("\t")
            found[name] = dict(zip(LAYERS, cells))
    return found


def cell(tests, layer, results):
    """One mark for all tests of a row."""
    said = set()
    for test in tests:
        kind, _, rest = test.partition(":")
        name = RUN_BY.get(rest.split(":")[0], rest.split(":")[0])
        said.add(results.get(name, {}).get(layer, "-") if kind == "case"
                 else "=")
    if "FAIL" in said:
        return "FAIL"
    return "+" if "ok" in said else "=" if "=" in said else "."


def main():
    root = Path(sys.argv[1])
    table, bad, results = HEAD, 0, measured(root)
    for line in (root / "tests/escape/classes.tsv").read_text().splitlines():
        if line.startswith("#"):
            continue
        number, attack, one, two, by = line.split("\t")
        tests = [t for t in (one, two) if t]
        for test in tests:
            if missing(root, test):
                bad += fail(f"classes.tsv: {attack}: no such test: {test}")
        names = ", ".join(f"`{t}`" for t in tests)
        marks = " | ".join(cell(tests, x, results) for x in LAYERS)
        table += f"| {number} | {attack} | {marks} | {names} | {by} |\n"
    target = root / "docs/design/attack-table.md"
    if "--write" in sys.argv:
        target.write_text(table + TAIL)
    elif not target.exists() or target.read_text() != table + TAIL:
        bad += fail("docs/design/attack-table.md is stale: run "
                    "tests/escape/attack_table.py . --write")
    return min(bad, 1)


if __name__ == "__main__":
    sys.exit(main())

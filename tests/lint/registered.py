#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check that no source file and no test is there without being built or run, and no
document without being in the index.

Usage: registered.py SOURCE_ROOT

A source or a test that no meson.build names is dead, and a dead test looks like
a passing one.  A script that others source or start counts as used by them, a
generator that a how-to names is run by hand.
"""

import re
import sys
from pathlib import Path

import lint

WORD = re.compile(r"\w[\w@.-]*")


def words(paths):
    found = set()
    for path in paths:
        text = path.read_text(errors="replace")
        text = "\n".join(l for l in text.splitlines()
                         if not l.lstrip().startswith(("#", "*", "//")))
        found.update(WORD.findall(text))
    return found


def names_of(path):
    """What a meson.build may call it: a.c, a; test_policy_a.c may be 'a'."""
    yield path.name
    yield path.stem
    for cut in ("fuzz_", "test_", f"test_{path.parent.name}_", "bench_"):
        if path.stem.startswith(cut):
            yield path.stem[len(cut):]


def builders(path, root):
    """The meson.build of a file's directory and of those above, not the root's."""
    for parent in path.parents:
        if parent == root:
            return
        if (parent / "meson.build").is_file():
            yield parent / "meson.build"


def corpora(root):
    """A corpus without its target is never replayed, and the reverse."""
    fuzz = root / "tests/fuzz"
    targets = {p.stem[len("fuzz_"):] for p in fuzz.glob("fuzz_*.c")}
    inputs = {p.relative_to(fuzz / "corpus").parts[0]
              for p in lint.tracked(root) if fuzz / "corpus" in p.parents}
    for name in sorted(targets ^ inputs):
        what = "corpus" if name in targets else "target"
        yield f"tests/fuzz: {name} has no {what}"


def documents(root):
    """A document that the index does not name is found by nobody."""
    index = (root / "docs/README.md").read_text()
    linked = set(re.findall(r"\]\(([^)#]+)\)", index))
    for path in lint.tracked(root / "docs"):
        name = str(path.relative_to(root / "docs"))
        if path.suffix in (".md", ".1", ".5", ".7", ".8") and \
                name != "README.md" and name not in linked:
            yield f"docs/{name}: docs/README.md does not name it"
    for name in sorted(linked):
        if not (root / "docs" / name).exists():
            yield f"docs/README.md: there is no {name}"


def main():
    root = Path(sys.argv[1]).resolve()
    tests = root / "tests"
    paths = lint.tracked(root, ".c", ".sh", ".py")
    inside = [p for p in paths if tests in p.parents]
    every_meson = words(p for p in lint.tracked(root) if p.name == "meson.build")
    bench = tests / "bench"
    runs = words(bench.glob("*.sh"))
    by_hand = words((root / "docs/howto").glob("*.md"))
    found = [*corpora(root), *documents(root)]
    for path in paths:
        if path.suffix != ".c" and tests not in path.parents:
            continue
        near = words(builders(path, root))
        if any(name in near for name in names_of(path)):
            continue
        if path.name in every_meson | by_hand:
            continue
        # Measurements are started by hand; their script names what it compiles.
        if path.parent == bench and (path.suffix == ".sh" or path.stem in runs):
            continue
        if tests in path.parents:
            others = words(p for p in inside if p != path)
            module = path.stem if path.suffix == ".py" else path.name
            if {path.name, module} & others:
                continue
        found.append(f"{path.relative_to(root)}: no meson.build names it")
    lint.finish(found, len(paths))


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""What the lint scripts share: the tracked files, and how to skip by name."""

import subprocess
import sys
from pathlib import Path

SKIP = 77


def skip(reason):
    print(f"SKIP: {reason}")
    sys.exit(SKIP)


def tracked(root, *suffixes):
    """Git-tracked files below root (all, or those with a suffix), as Paths."""
    try:
        out = subprocess.run(["git", "-C", str(root), "ls-files", "-z"],
                             capture_output=True, check=True).stdout
    except FileNotFoundError:
        skip("git is not installed")
    except subprocess.CalledProcessError:
        skip("not a git work tree: what is tracked is not known")
    paths = [Path(root) / name for name in out.decode().split("\0") if name]
    return [p for p in paths if p.is_file() and not p.is_symlink()
            and (not suffixes or p.suffix in suffixes)]


def finish(found, checked):
    """Print the findings and exit; nothing checked is a failure."""
    for line in found:
        print(line)
    print(f"{checked} files checked, {len(found)} findings")
    sys.exit(bool(found) or not checked)

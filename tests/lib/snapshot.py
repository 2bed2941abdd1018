#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""snapshot.py - everything of a tree that an undo has to bring back

    snapshot.py take DIR > FILE        state of DIR
    snapshot.py compare BEFORE AFTER   exit 1 and the differences, if any

Of every name: type, mode, owner, mtime in ns, extended attributes (POSIX ACLs
are such), link target, device number, size, SHA-256, where the data and the
holes of sparse files are, and which names are links of one file. Inode numbers,
ctime and atime are not part of the state. The quarantine at the top is not.
"""
import base64
import hashlib
import json
import os
import stat
import sys

STORE = b".agentsh_trash"


def text(b):
    return b.decode("utf-8", "backslashreplace")


def extents(path, size):
    """Data of a sparse file, rounded to 64 KiB: what the layout looks like."""
    out = []
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        at = 0
        while at < size:
            try:
                data = os.lseek(fd, at, os.SEEK_DATA)
            except OSError:
                break
            at = os.lseek(fd, data, os.SEEK_HOLE)
            out.append([data >> 16, (at + 65535) >> 16])
    finally:
        os.close(fd)
    return out


BLOCK = 1 << 16


def content(path, size):
    """Blocks that are not zero, with their places: holes cost nothing."""
    h = hashlib.sha256()
    at = 0
    with open(path, "rb") as f:
        while at < size:
            try:
                at = os.lseek(f.fileno(), at, os.SEEK_DATA) // BLOCK * BLOCK
            except OSError:
                break
            block = os.pread(f.fileno(), BLOCK, at)
            if block.strip(b"\0"):
                h.update(b"%d:%d:" % (at, len(block)))
                h.update(block)
            at += BLOCK
    return h.hexdigest()


def xattrs(path):
    try:
        return {n: base64.b64encode(os.getxattr(
            path, n, follow_symlinks=False)).decode()
            for n in sorted(os.listxattr(path, follow_symlinks=False))}
    except OSError:
        return {}


def describe(path, st):
    d = {"type": stat.S_IFMT(st.st_mode), "mode": oct(stat.S_IMODE(st.st_mode)),
         "owner": [st.st_uid, st.st_gid], "mtime": st.st_mtime_ns,
         "xattrs": xattrs(path)}
    if stat.S_ISREG(st.st_mode):
        d["size"] = st.st_size
        d["sha256"] = content(path, st.st_size)
        if st.st_blocks * 512 + 65536 < st.st_size:
            d["extents"] = extents(path, st.st_size)
    elif stat.S_ISLNK(st.st_mode):
        d["target"] = text(os.readlink(path))
    elif stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode):
        d["rdev"] = st.st_rdev
    return d


def take(top):
    top = os.fsencode(top)
    out, links, todo = {}, {}, [b""]
    while todo:
        rel = todo.pop()
        path = os.path.join(top, rel) if rel else top
        st = os.lstat(path)
        out[text(rel)] = describe(path, st)
        if not stat.S_ISDIR(st.st_mode) and st.st_nlink > 1:
            links.setdefault((st.st_dev, st.st_ino), []).append(text(rel))
        if stat.S_ISDIR(st.st_mode):
            for name in os.listdir(path):
                if rel or name != STORE:
                    todo.append(os.path.join(rel, name))
    for names in links.values():
        for name in names:
            if len(names) > 1:
                out[name]["links"] = sorted(names)
    return out


def compare(a, b):
    bad = 0
    for name in sorted(set(a) | set(b)):
        x, y = a.get(name), b.get(name)
        if x == y:
            continue
        bad += 1
        if bad > 20:
            continue
        if x is None or y is None:
            print("%r: %s" % (name, "is new" if x is None else "is missing"))
        else:
            for key in sorted(set(x) | set(y)):
                if x.get(key) != y.get(key):
                    print("%r: %s: %s, was %s" % (name, key, y.get(key),
                                                  x.get(key)))
    if bad:
        print("%d names differ" % bad)
    return 1 if bad else 0


def load(path):
    with open(path) as f:
        return json.load(f)


def main():
    if sys.argv[1:2] == ["take"] and len(sys.argv) == 3:
        json.dump(take(sys.argv[2]), sys.stdout, indent=0, sort_keys=True)
    elif sys.argv[1:2] == ["compare"] and len(sys.argv) == 4:
        sys.exit(compare(load(sys.argv[2]), load(sys.argv[3])))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()

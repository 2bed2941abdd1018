#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""destroy.py - the calls that no tool makes by itself

    destroy.py OPERATION PATH [PATH2 [SEED]]

Each destroys or changes PATH in one way; an operation that the file system or
the object refuses ends quietly with status 1.
"""
import ctypes
import fcntl
import mmap
import os
import random
import shutil
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
op, path = sys.argv[1], os.fsencode(sys.argv[2])
other = os.fsencode(sys.argv[3]) if len(sys.argv) > 3 else path
rnd = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
NOISE = bytes(rnd.randrange(256) for _ in range(9000))


def rw(p=None, flags=0):
    return os.open(p or path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | flags)


def size(fd):
    return os.fstat(fd).st_size


def where(fd):
    return rnd.randrange(min(size(fd), 1 << 22) + 1)


def check(r):
    if r < 0:
        e = ctypes.get_errno()
        raise OSError(e, os.strerror(e))


def falloc(mode):
    fd = rw()
    at, n = where(fd) // 4096 * 4096, rnd.randrange(1, 5) * 4096
    check(libc.fallocate(fd, mode, ctypes.c_long(at), ctypes.c_long(n)))


def renameat2(flags):
    check(libc.renameat2(-100, path, -100, other, flags))


def mapped(private=False):
    fd = rw()
    m = mmap.mmap(fd, 0, mmap.MAP_PRIVATE if private else mmap.MAP_SHARED)
    for _ in range(3):
        at = rnd.randrange(min(len(m), 1 << 22))
        n = min(40, len(m) - at)
        m[at:at + n] = NOISE[:n]
    return fd, m


def do_mmap():
    fd, m = mapped()
    m.flush()


def do_mmap_private():
    mapped(True)


def do_mmap_unlinked():
    fd, m = mapped()
    os.unlink(path)
    m[0:1] = b"u"
    m.close()


def do_mmap_replaced():
    fd, m = mapped()
    os.rename(other, path)
    m[0:1] = b"r"
    m.close()


def do_mmap_truncated():
    fd, m = mapped()
    os.ftruncate(fd, size(fd) // 2)


def do_pwrite():
    fd = rw()
    for _ in range(4):
        os.pwrite(fd, NOISE[:rnd.randrange(1, 9000)], where(fd))


def do_pwrite_past():
    fd = rw()
    os.pwrite(fd, b"past", size(fd) + rnd.randrange(300000))


def do_append():
    os.write(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK), NOISE[:100])


def do_append_then_not():
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK)
    os.write(fd, b"appended")
    fcntl.fcntl(fd, fcntl.F_SETFL, 0)
    os.pwrite(fd, b"over", 1)


def do_ftruncate():
    fd = rw()
    os.ftruncate(fd, where(fd))
    os.ftruncate(fd, size(fd) + rnd.randrange(100000))


def do_truncate():
    os.truncate(path, 3)


def do_trunc_read_only():
    os.close(os.open(path, os.O_RDONLY | os.O_TRUNC | os.O_NONBLOCK))


def do_write_then_unlink():
    fd = rw()
    os.pwrite(fd, b"zz", 0)
    os.unlink(path)
    os.pwrite(fd, NOISE, 0)
    os.ftruncate(fd, 10)


def do_unlink_while_written():
    """One process goes on writing, another removes the name."""
    fd = rw()
    pid = os.fork()
    if pid == 0:
        for i in range(50):
            os.pwrite(fd, NOISE[:500], i * 300)
        os._exit(0)
    os.unlink(path)
    os.waitpid(pid, 0)


def do_punch():
    falloc(3)


def do_zero():
    falloc(0x10)


def do_zero_keep():
    falloc(0x11)


def do_collapse():
    falloc(8)


def do_insert():
    falloc(0x20)


def do_allocate():
    falloc(0)


def do_copy_onto_itself():
    fd = rw()
    n = size(fd) // 3
    os.copy_file_range(fd, rw(), n, 0, 2 * n)


def do_copy_range():
    os.copy_file_range(rw(other), rw(), 5000, 1, 3)


def do_clone():
    try:
        fcntl.ioctl(rw(), 0x40049409, rw(other))
    except OSError:
        shutil.copyfile(other, path, follow_symlinks=False)


def do_sendfile():
    os.sendfile(rw(), rw(other), 0, 3000)


def do_splice():
    r, w = os.pipe()
    os.write(w, NOISE[:900])
    os.splice(r, rw(), 900, offset_dst=5)


def do_exchange():
    renameat2(2)


def do_noreplace():
    renameat2(1)


def do_whiteout():
    renameat2(4)


def do_replace():
    os.replace(path, other)


def do_tmpfile_over():
    fd = os.open(os.path.dirname(path) or b".", os.O_RDWR | os.O_TMPFILE, 0o640)
    os.write(fd, NOISE[:700])
    os.unlink(path)
    check(libc.linkat(-100, b"/proc/self/fd/%d" % fd, -100, path, 0x400))


def do_tmpfile_rename():
    fd = os.open(os.path.dirname(path) or b".", os.O_RDWR | os.O_TMPFILE, 0o640)
    os.write(fd, NOISE[:700])
    check(libc.linkat(-100, b"/proc/self/fd/%d" % fd, -100, path + b".t", 0x400))
    os.rename(path + b".t", path)


def do_link_over():
    os.link(other, path + b".l", follow_symlinks=False)
    os.rename(path + b".l", path)


def do_link_unlink_write():
    os.link(path, path + b".k", follow_symlinks=False)
    os.unlink(path)
    os.pwrite(rw(path + b".k"), b"through the other name", 0)


def do_symlink_swap():
    os.symlink(other, path + b".s")
    os.rename(path + b".s", path)


def do_dir_into_sibling():
    os.makedirs(other + b".sib", exist_ok=True)
    os.rename(path, other + b".sib/in")


def do_case():
    os.rename(path, path.swapcase())


def do_fifo_over():
    os.mkfifo(path + b".f")
    os.rename(path + b".f", path)


def do_xattr():
    for n in os.listxattr(path, follow_symlinks=False):
        if n.startswith("user."):
            os.removexattr(path, n, follow_symlinks=False)
    os.setxattr(path, "user.new", NOISE[:200], follow_symlinks=False)


def do_times():
    os.utime(path, ns=(10 ** 18 + 7, 10 ** 18 + 9), follow_symlinks=False)


def do_fchmod():
    os.fchmod(os.open(path, os.O_RDONLY | os.O_NONBLOCK), rnd.choice((0, 0o600, 0o755, 0o4755)))


def do_rmtree():
    shutil.rmtree(path)


def do_move():
    shutil.move(path, other)


def do_rmtree_threads():
    import threading
    names = [os.path.join(path, n) for n in os.listdir(path)]
    threads = [threading.Thread(target=shutil.rmtree, args=(n, True)) for n in names]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for n in names:
        if os.path.lexists(n) and not os.path.isdir(n):
            os.unlink(n)


def do_direct():
    fd = rw(None, os.O_DIRECT)
    m = mmap.mmap(-1, 4096)
    m.write(NOISE[:4096])
    os.pwritev(fd, [m], where(fd) // 4096 * 4096)


def do_proc_fd():
    fd = os.open(path, os.O_PATH | os.O_NOFOLLOW)
    os.write(os.open("/proc/self/fd/%d" % fd, os.O_WRONLY | os.O_TRUNC | os.O_NONBLOCK), b"proc")


def do_inherited():
    fd = rw()
    os.set_inheritable(fd, True)
    os.spawnvp(os.P_WAIT, "sh", ["sh", "-c", "echo through the shell >&%d" % fd])


def do_chdir_rm():
    """A tree is removed from inside, by names relative to each directory."""
    for here, dirs, files in os.walk(os.path.abspath(path), topdown=False):
        os.chdir(here)
        for n in files:
            os.unlink(n)
        for n in dirs:
            (os.unlink if os.path.islink(n) else os.rmdir)(n)
    os.chdir("..")
    os.rmdir(os.path.basename(path))


def do_many():
    """Made, removed and made again under the same names."""
    for i in range(30):
        with open(path + b".%d" % (i % 7), "wb") as f:
            f.write(NOISE[:i])
        if i % 3 == 0:
            os.unlink(path + b".%d" % (i % 7))


def do_hole_then_data():
    fd = rw()
    os.ftruncate(fd, 0)
    os.ftruncate(fd, 3 << 20)
    os.pwrite(fd, NOISE, 1 << 20)


def do_handle():
    """Reached by a file handle, where that is allowed at all."""
    fd = os.open(path, os.O_PATH | os.O_NOFOLLOW)
    buf = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128))
    mnt = ctypes.c_int()
    check(libc.name_to_handle_at(fd, b"", buf, ctypes.byref(mnt), 0x1000))
    f = libc.open_by_handle_at(-100, buf, os.O_RDWR)
    check(f)
    os.ftruncate(f, 1)


OPERATIONS = sorted(n[3:] for n in dir() if n.startswith("do_"))

if __name__ == "__main__":
    if op == "list":
        print("\n".join(OPERATIONS))
        sys.exit(0)
    try:
        globals()["do_" + op]()
    except (OSError, ValueError, BufferError, shutil.Error, IndexError):
        sys.exit(1)

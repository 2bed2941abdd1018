# SPDX-License-Identifier: MIT
"""refused.py - system calls that the filter refuses for what they ask.

Prints "got NAME" for each that worked, and "asked N" at the end.
"""
import ctypes
import fcntl
import os
import socket
import sys

libc = ctypes.CDLL(None, use_errno=True)
asked = 0


def call(name, what):
    global asked
    asked += 1
    try:
        if what() != -1:
            print("got", name)
    except OSError:
        pass


def raw(name, numbers, *args):
    number = numbers[os.uname().machine == "aarch64"]
    call(name, lambda: libc.syscall(number, *args))


# numbers of x86-64 and arm64
buf = ctypes.create_string_buffer(128)
raw("user namespace", (272, 97), 0x10000000)
raw("untraced child", (56, 220), 0x00800000 | 17, 0, 0, 0, 0)
raw("low memory", (135, 92), 0x0400000)
raw("not dumpable", (157, 167), 4, 0)
raw("names of memory", (157, 167), 35, 1, 0)
raw("limits of others", (302, 261), 1, 7, buf, 0)
raw("listener", (317, 277), 1, 8, buf)
raw("priority of others", (141, 140), 0, 1, 5)
raw("processors of others", (203, 122), 1, 8, buf)
raw("everybody", (62, 129), -1, 0)
raw("tracing", (101, 117), 0, 0, 0, 0)
raw("others' memory", (310, 270), 1, buf, 1, buf, 1, 0)
raw("others' descriptors", (438, 438), 0, 0, 0)
raw("keys", (250, 219), 0, -2, 1)
raw("programs for the kernel", (321, 280), 0, buf, 128)
raw("page faults", (323, 282), 1)
raw("mount", (165, 40), b"none", b"/mnt", b"tmpfs", 0, None)
raw("new mounts", (430, 430), b"tmpfs", 0)
raw("root", (161, 51), b"/")
raw("clock", (227, 112), 0, buf)
for family, kind, proto in ((38, 5, 0), (17, 3, 0), (40, 1, 0), (2, 1, 262), (2, 3, 1), (16, 3, 15)):
    call(f"socket {family} {proto}", lambda: socket.socket(family, kind, proto).close())
os.close(os.open("file", os.O_CREAT | os.O_WRONLY, 0o644))
for mode in (0o4755, 0o2755):
    call("set-id", lambda: os.chmod("file", mode))
call("set-id at once", lambda: os.open("new", os.O_CREAT | os.O_WRONLY, 0o4755))
call("device", lambda: os.mknod("device", 0o20600, os.makedev(1, 3)))
call("lease", lambda: fcntl.fcntl(os.open("file", os.O_RDONLY), fcntl.F_SETLEASE, 0))
call("delegation", lambda: fcntl.fcntl(os.open(".", os.O_RDONLY), 1040, bytes(16)))
# flags and versions of a file by a descriptor that may read, holes by one that
# may append, verity, extents exchanged, a subvolume removed
for path, flags, request in (
        ("/etc/passwd", 0, 0x40086602), ("/etc/passwd", 0, 0x401C5820),
        ("/etc/passwd", 0, 0x40087602), ("file", 0, 0x40806685),
        ("file", os.O_APPEND | os.O_WRONLY, 0x4030582B),
        ("file", os.O_RDWR, 0xC028660F), (".", 0, 0x5000940F)):
    call(f"file {request:x}", lambda: fcntl.ioctl(os.open(path, flags), request, bytes(128)))
fd = os.open("/dev/null", os.O_RDONLY)
for request in (0x5412, 0x541C, 0x5423):
    call("terminal", lambda: fcntl.ioctl(fd, request, b"x"))
call("fast open", lambda: socket.socket().sendto(b"x", 0x20000000, ("127.0.0.1", 1)))
# and what is like it, and is not refused
os.chmod("file", 0o1644)
fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK)
socket.socket().close()
print("asked", asked)
sys.stdout.flush()

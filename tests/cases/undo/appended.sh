# SPDX-License-Identifier: MIT
# appended.sh - descriptors that could only append and then did more
. "$(dirname "$0")/lib.sh"
begin
scenario append-truncate 'seq 100 >f; seq 300 >h' 'python3 -c "
import os, ctypes
libc = ctypes.CDLL(None)
fd = os.open(\"f\", os.O_WRONLY | os.O_APPEND); os.write(fd, b\"more\"); os.ftruncate(fd, 3)
fd = os.open(\"h\", os.O_WRONLY | os.O_APPEND)
libc.fallocate(fd, 3, ctypes.c_long(0), ctypes.c_long(20))"'
scenario append-off 'seq 200 >g; seq 50 >i' 'python3 -c "
import os, fcntl
fd = os.open(\"g\", os.O_WRONLY | os.O_APPEND); fcntl.fcntl(fd, fcntl.F_SETFL, 0); os.pwrite(fd, b\"XXXX\", 5)
fd = os.open(\"i\", os.O_WRONLY | os.O_APPEND); os.write(fd, b\"x\"); fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK); os.pwrite(fd, b\"YY\", 0)"'
# at a place of its own choice, and by requests that are no fallocate
scenario append-at 'seq 200 >j; seq 3000 >k; seq 3000 >l' 'python3 -c "
import ctypes, fcntl, os, struct
def tried(call, *args):
    try: call(*args)
    except OSError: pass
opened = lambda name: os.open(name, os.O_WRONLY | os.O_APPEND)
fd = opened(\"j\"); os.write(fd, b\"x\"); tried(os.pwritev, fd, [b\"XXXX\"], 0, 0x20)
fd = opened(\"k\"); os.write(fd, b\"x\")
for request in (0x4030582b, 0x40305829, 0x40305839):
    tried(fcntl.ioctl, fd, request, struct.pack(\"hhqqii16x\", 0, 0, 0, 4096, 0, 0))
fd = opened(\"l\"); os.write(fd, b\"x\")
libc, context, text = ctypes.CDLL(None), ctypes.c_ulong(), ctypes.create_string_buffer(b\"YYYY\")
setup, submit, getevents = (0, 2, 4) if os.uname().machine == \"aarch64\" else (206, 209, 208)
if libc.syscall(setup, 1, ctypes.byref(context)) == 0:
    write = ctypes.create_string_buffer(struct.pack(\"QIIHhIQQqQII\", 0, 0, 0x20, 1, 0, fd, ctypes.addressof(text), 4, 0, 0, 0, 0))
    libc.syscall(submit, context, 1, (ctypes.c_void_p * 1)(ctypes.addressof(write)))
    libc.syscall(getevents, context, 1, 1, ctypes.create_string_buffer(64), None)"'
scenario append-mapped 'seq 200 >m' 'python3 -c "
import os, mmap
fd = os.open(\"m\", os.O_RDWR | os.O_APPEND); m = mmap.mmap(fd, 0); m[0:4] = b\"ZZZZ\"; m.flush()"'
scenario copied-in 'seq 100 >a; seq 300 >b' 'python3 -c "
import os
s = os.open(\"a\", os.O_RDONLY); d = os.open(\"b\", os.O_RDWR)
os.copy_file_range(s, d, 40, 0, 10); os.ftruncate(d, 100)
os.posix_fallocate(d, 0, 5000); os.sendfile(d, s, 0, 30)"'
scenario just-append 'seq 100 >a' 'echo more >>a'
finish

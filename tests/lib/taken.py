# SPDX-License-Identifier: MIT
"""taken(SOCKET): a reset drops what the other end has not read; wait until it has.

For a TCP connection over IPv4 to a process of this network namespace.
"""
import socket
import struct
import time


def hexed(address):
    return "%08X:%04X" % (struct.unpack("=I", socket.inet_aton(address[0]))[0],
                          address[1])


def unread(ends):
    with open("/proc/net/tcp", encoding="ascii") as f:
        rows = [line.split() for line in f]
    return any(r[1:3] == ends and not r[4].endswith(":00000000") for r in rows)


def taken(s):
    ends = [hexed(s.getpeername()), hexed(s.getsockname())]
    end = time.monotonic() + 60
    while unread(ends) and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.1)

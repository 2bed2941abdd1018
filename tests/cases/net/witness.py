#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sockets that see packets, for tests in a container that may not make them.

usage: witness.py SOCKET

Runs outside the container, as root, in its network namespace. Who connects and
names a device gets a packet socket bound to it. See internet.py, capture().
"""

import os
import socket
import sys

ALL = 3  # ETH_P_ALL


def main():
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(sys.argv[1])
    os.chmod(sys.argv[1], 0o666)
    listener.listen(16)
    while True:
        client, _ = listener.accept()
        with client:
            try:
                device = client.recv(16).decode()
                s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                                  socket.htons(ALL))
                s.bind((device, ALL))
                s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # RCVBUFFORCE
                socket.send_fds(client, [b"."], [s.fileno()])
                s.close()
            except (OSError, UnicodeError) as e:
                print(e, file=sys.stderr)


if __name__ == "__main__":
    main()

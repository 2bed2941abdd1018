# SPDX-License-Identifier: MIT
"""progress.py CMD...: run CMD with its standard error on a terminal.  Prints
what came to the terminal, as repr()."""
import os
import pty
import subprocess
import sys
import threading

master, slave = pty.openpty()
seen = bytearray()


def read():
    while True:
        try:
            got = os.read(master, 65536)
        except OSError:
            return
        if not got:
            return
        seen.extend(got)


child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=slave)
os.close(slave)
reader = threading.Thread(target=read)
reader.start()
status = child.wait()
reader.join()
print(repr(bytes(seen)))
sys.exit(status)

# SPDX-License-Identifier: MIT
"""progress.py SECONDS CMD...: run CMD with its standard error on a terminal, and
let it run only for moments in its first SECONDS, so that whatever it does takes
longer than that.  Prints what came to the terminal, as repr()."""
import os
import pty
import signal
import subprocess
import sys
import threading
import time

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


child = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=slave)
os.close(slave)
reader = threading.Thread(target=read)
reader.start()
begun = time.monotonic()
while child.poll() is None and time.monotonic() - begun < float(sys.argv[1]):
    child.send_signal(signal.SIGSTOP)
    time.sleep(0.12)
    child.send_signal(signal.SIGCONT)
    time.sleep(0.001)
status = child.wait()
reader.join()
print(repr(bytes(seen)))
sys.exit(status)

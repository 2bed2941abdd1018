# SPDX-License-Identifier: MIT
"""progress.py DELAY CMD...: run CMD with its standard error on a terminal, and stop
it for more than a second when it has run for DELAY seconds, so that whatever it
does takes longer than that.  Prints what came to the terminal, as repr()."""
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
time.sleep(float(sys.argv[1]))
if child.poll() is None:
    child.send_signal(signal.SIGSTOP)
    time.sleep(1.15)
    child.send_signal(signal.SIGCONT)
status = child.wait()
reader.join()
print(repr(bytes(seen)))
sys.exit(status)

# SPDX-License-Identifier: MIT
"""appears.py make|move DIR N - files are made and emptied, and (by a person
outside) others with something in them are moved to the same names meanwhile."""
import os
import sys

what, where, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
for i in range(n):
    name, old, ready = (f"{where}/{word}{i}" for word in ("name", "old", "ready"))
    if what == "make":
        os.mkdir(ready)
        with open(name, "w") as f:
            f.write("new")
    else:
        while not os.path.exists(ready):
            over = os.path.exists(f"{where}/over") or os.getppid() == 1
            if over and not os.path.exists(ready):  # nor since we looked
                sys.exit()
        os.rename(old, name)

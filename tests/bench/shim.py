#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""shim.py BUILD_DIR [ROUNDS [LIMIT_MS]] - what agentsh-shell-shim adds to sh and bash

A private directory holds the shells and the shim in their place; the shim and
the shell behind it run `-c :` in turn, without a terminal (the way most shells
start) and inside a session (the guard). Prints, in ms: least and median wall
time and mean CPU of each. Exit 1 where the shim adds more than LIMIT_MS (1) to the
least, which other work on the machine changes little.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT_MS = float((sys.argv[3:] or ["1"])[0])


def once(argv, env):
    start = time.perf_counter_ns()
    pid = os.posix_spawn(argv[0], argv, env)
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"{argv[0]}: status {status}")
    return ((time.perf_counter_ns() - start) / 1e6,
            (usage.ru_utime + usage.ru_stime) * 1e3)


def measure(kinds, rounds):
    seen = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, (argv, env) in kinds.items():
            seen[name].append(once(argv, env))
    return {name: [min(w for w, _ in runs),
                   statistics.median(w for w, _ in runs),
                   statistics.mean(c for _, c in runs)]
            for name, runs in seen.items()}


def main():
    build, rounds = Path(sys.argv[1]), int((sys.argv[2:] or ["400"])[0])
    top = Path(tempfile.mkdtemp(prefix="agentsh-shim."))
    bad = False
    try:
        (top / "bin").mkdir()
        for name, real in (("sh", "/bin/dash"), ("bash", "/bin/bash")):
            real = Path(f"{real}.real") if Path(f"{real}.real").exists() else real
            shutil.copy(os.path.realpath(real), top / "bin" / name)
        subprocess.run([build / "cli/agentsh", "shim", "install-shell", "--shim",
                        build / "cli/agentsh-shell-shim", "--root", top,
                        "--bash"], check=True)
        env = {"PATH": "/usr/bin:/bin", "HOME": "/"}
        for name in ("sh", "bash"):
            shell = str(top / "bin" / name)
            kinds = {"shell": ([f"{shell}.real", "-c", ":"], env),
                     "shim": ([shell, "-c", ":"], env),
                     "shim in a session": ([shell, "-c", ":"],
                                           {**env, "AGENTSH_IN_SESSION": "1"})}
            found = measure(kinds, rounds)
            for kind, (least, median, cpu) in found.items():
                print(f"{name:5} {kind:18} least {least:.2f} median "
                      f"{median:.2f} CPU {cpu:.2f}")
                added = least - found["shell"][0]
                if added > LIMIT_MS:
                    bad = True
                    print(f"{name}: the shim adds {added:.2f} ms")
    finally:
        shutil.rmtree(top)
    sys.exit(bad)


if __name__ == "__main__":
    main()

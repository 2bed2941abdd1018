#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""layers.py [-w] BUILD [SCENARIO...]: the attacks' scenarios, layer by layer.

Runs each scenario that tests/escape/classes.tsv names (or those given, as
escape/host.sh) under each combination of layers and says what it said: ok,
FAIL, or skip.  -w puts the results into tests/escape/layers.tsv, of which
attack_table.py makes the columns of docs/design/attack-table.md.

A scenario that another one runs (a .py) has the result of that one.  What a
combination cannot change is not run under it: races of the mount alone have no
form without it.
"""

import os
import subprocess
import sys
from pathlib import Path

LAYERS = ("floor", "ptrace", "alone", "fuse", "all")
JSON = {
    "floor": "{}",
    "ptrace": '{"ptrace": {"enabled": true}}',
    "alone": '{"ptrace": {"enabled": true}, "seccomp": {"notify": false}}',
}
WORDS = {"floor": "", "ptrace": "ptrace", "alone": "ptrace",
         "fuse": "fuse", "all": "fuse+ptrace"}
# By a server that the scenario configures by itself, or with the mount only.
RUN_BY = {"escape/refused.py": "escape/host.sh",
          "net/bypass.py": "net/bypass.sh",
          "net/bypass_rest.py": "net/bypass-rest.sh",
          "net/streams.py": "net/streams.sh"}
BOTH = ("tracer/race-classes.sh",)
LIMIT = 400


def environment(build, scenario, layer):
    """What to run the scenario with; None: there is no such form of it."""
    env = {"AGENTSH_BUILD": str(build)}
    area = scenario.split("/")[0]
    jail = str(build / "tests/cases/degrade")
    if scenario == "escape/floor-only.sh":
        env["AGENTSH_JAIL"] = jail + " -n"
        return env if layer == "floor" else None
    if area == "vfs":
        return env if layer == "fuse" else None
    if scenario in BOTH and layer in ("fuse", "all"):
        env["AGENTSH_RACE_LAYERS"] = WORDS[layer]
    elif area == "tracer":
        if layer not in JSON:
            return None
        env["AGENTSH_LAYERS"] = JSON[layer]
    elif area == "escape":
        env["AGENTSH_LAYERS"] = WORDS[layer]
        if layer == "alone":
            env["AGENTSH_JAIL"] = jail + " -p -n"
    elif layer in ("fuse", "all"):
        return None
    elif layer != "floor":
        env["AGENTSH_PTRACE"] = "1"
        if layer == "alone":
            env["AGENTSH_JAIL"] = jail + " -p -n"
    return env


def run(root, build, scenario, layer):
    env = environment(build, scenario, layer)
    if env is None:
        return "-"
    env.update(PATH=os.environ["PATH"], HOME=os.environ.get("HOME", "/root"))
    try:
        done = subprocess.run(["bash", str(root / "tests/cases" / scenario)],
                              env=env, stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return "FAIL"
    if done.returncode not in (0, 77):
        print(done.stdout[-2000:], done.stderr[-1000:], file=sys.stderr)
    return {0: "ok", 77: "skip"}.get(done.returncode, "FAIL")


def named(root):
    """Every scenario of classes.tsv, each once."""
    found = []
    for line in (root / "tests/escape/classes.tsv").read_text().splitlines():
        for test in [] if line.startswith("#") else line.split("\t")[2:4]:
            kind, _, rest = test.partition(":")
            name = RUN_BY.get(rest.split(":")[0], rest.split(":")[0])
            if kind == "case" and name not in found:
                found.append(name)
    return found


def main():
    args = [a for a in sys.argv[1:] if a != "-w"]
    root, build = Path(__file__).resolve().parents[2], Path(args[0]).resolve()
    target = root / "tests/escape/layers.tsv"
    results = {}
    if target.exists():
        for line in target.read_text().splitlines()[1:]:
            name, *cells = line.split("\t")
            results[name] = cells
    for scenario in args[1:] or named(root):
        results[scenario] = []
        for layer in LAYERS:
            results[scenario].append(run(root, build, scenario, layer))
            print(scenario, layer, results[scenario][-1], flush=True)
        if "-w" in sys.argv:
            lines = ["\t".join(("# scenario",) + LAYERS)]
            lines += ["\t".join([n] + results[n]) for n in sorted(results)]
            target.write_text("\n".join(lines) + "\n")
    return 1 if any("FAIL" in r for r in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())

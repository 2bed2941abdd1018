#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""count-tests.py BROKEN LOG... - sum meson's JSON test logs.

Names every failure and every skip with its reason, then prints the closing
line. BROKEN builds count as failures. A log that is missing is a failure too.
Where NAME-again1.json (again2, ...) stand beside NAME.json, a test that failed
in the first and passed in a later one is named and counts as passed.

count-tests.py --failed LOG prints the names of what failed and has not passed
in a later try.
"""

import json
import sys
from pathlib import Path

PASS = {"OK", "EXPECTEDFAIL"}


def records(log):
    for line in log.read_text(errors="replace").splitlines():
        yield json.loads(line)


def reason(record):
    lines = [l.strip() for l in record.get("stdout", "").splitlines()
             if l.strip()]
    for line in lines:
        if "skip" in line.lower():
            return line[:160]
    return lines[-1][:160] if lines else "no reason given"


def passed_again(log):
    return {r["name"] for again in log.parent.glob(log.stem + "-again*.json")
            for r in records(again) if r["result"] in PASS}


def failed_names(log):
    later = passed_again(log)
    for record in records(log):
        if record["result"] in PASS or record["result"] == "SKIP":
            continue
        if record["name"] not in later:
            yield record["name"].split(" / ", 1)[-1]


def ended_midway(log):
    """What a stage left, when a test of it failed and passed in a later try."""
    stage = log.with_name(log.name.replace("left-", "log-", 1))
    return (log.name.startswith("left-") and stage.exists()
            and not list(failed_names(stage))
            and any(r["result"] not in PASS | {"SKIP"} for r in records(stage)))


def main():
    if sys.argv[1] == "--failed":
        print(" ".join(failed_names(Path(sys.argv[2]))))
        return 0
    passed = skipped = 0
    failed = int(sys.argv[1])
    if failed:
        print(f"FAILED  {failed} build(s)")
    for log in map(Path, sys.argv[2:]):
        if not log.exists():
            print(f"FAILED  {log}: no test log was written")
            failed += 1
            continue
        later, midway = passed_again(log), ended_midway(log)
        for record in records(log):
            result, name = record["result"], record["name"]
            if result in PASS:
                passed += 1
            elif result == "SKIP":
                skipped += 1
                print(f"SKIPPED {name}: {reason(record)}")
            elif name in later:
                passed += 1
                print(f"UNSTEADY {name}: {result}, then passed when run again")
            elif midway and "not done after" not in name:
                print(f"UNSTEADY {name}: by a test that passed when run again")
            else:
                failed += 1
                print(f"FAILED  {name}: {result} ({log.stem})")
    if passed + failed + skipped == 0:
        print("FAILED  no test ran at all")
        failed = 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

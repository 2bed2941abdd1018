#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""count-tests.py BROKEN LOG... - sum meson's JSON test logs.

Names every failure and every skip with its reason, then prints the closing
line. BROKEN builds count as failures. A log that is missing is a failure too.
"""

import json
import sys
from pathlib import Path

PASS = {"OK", "EXPECTEDFAIL"}


def reason(record):
    lines = [l.strip() for l in record.get("stdout", "").splitlines()
             if l.strip()]
    for line in lines:
        if "skip" in line.lower():
            return line[:160]
    return lines[-1][:160] if lines else "no reason given"


def main():
    passed = skipped = 0
    failed = int(sys.argv[1])
    if failed:
        print(f"FAILED  {failed} build(s)")
    for log in map(Path, sys.argv[2:]):
        if not log.exists():
            print(f"FAILED  {log}: no test log was written")
            failed += 1
            continue
        for line in log.read_text(errors="replace").splitlines():
            record = json.loads(line)
            result, name = record["result"], record["name"]
            if result in PASS:
                passed += 1
            elif result == "SKIP":
                skipped += 1
                print(f"SKIPPED {name}: {reason(record)}")
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

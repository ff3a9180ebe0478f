#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the instructions that one tiny call takes in each part of its way, and finds what grew by more than a tenth.

    instructions.py [--write] BUILD

Instructions, not time: they are the same in every run, on a busy machine too. What is accepted stands in
bench/instructions.json; --write puts there what is counted now. Each part runs twice, once with twice as many calls;
what the second run takes more is what the calls take, without the start of the program.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys

import project

ACCEPTED = "bench/instructions.json"
CASES = {"codec": "a frame is written and read", "channel": "a frame passes through a channel to another",
         "scheduler_call": "a call is accepted, given to a worker, answered, and its caller told",
         "scheduler_item": "the same for an item of a batch",
         "worker_call": "a worker claims a call and publishes its result"}
CALLS = 6_400
GROWTH = 1.10
PATIENCE_S = 120
COLLECTED = re.compile(r"Collected : (\d+)")


def count(program, case, calls):
    """Instructions of a whole run."""
    run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, case, str(calls)],
                         capture_output=True, text=True, check=False, timeout=PATIENCE_S, env={"LC_ALL": "C"})
    found = COLLECTED.search(run.stderr)
    if run.returncode != 0 or not found:
        sys.exit(f"{program} {case}: exit {run.returncode}: " + " / ".join(run.stderr.splitlines()[-3:]))
    return int(found[1])


def per_call(program, case):
    return round((count(program, case, 2 * CALLS) - count(program, case, CALLS)) / CALLS)


def compare(accepted, counted):
    """A finding for each part that grew too much, or that nobody has accepted, or that is no more."""
    findings = [f"{case}: {now} instructions, and no number is accepted"
                for case, now in counted.items() if case not in accepted]
    findings += [f"{case}: accepted, and not counted any more" for case in accepted if case not in counted]
    for case, now in counted.items():
        before = accepted.get(case)
        if before is not None and now > before * GROWTH:
            findings.append(f"{case}: {now} instructions per call, {before} are accepted ({now / before - 1:+.0%}): "
                            f"{CASES[case]}")
    if findings:
        findings.append("if it is worth it: python3 scripts/checks/instructions.py --write BUILD")
    return findings


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--write"]
    if len(arguments) != 1:
        sys.exit(__doc__.strip().splitlines()[2].strip())
    if not shutil.which("valgrind"):
        sys.exit("valgrind is missing; scripts/setup --dev installs it")
    program = pathlib.Path(arguments[0]) / "bench" / "bench_instructions"
    counted = {case: per_call(program, case) for case in CASES}
    for case, now in counted.items():
        print(f"{case}: {now}")
    path = pathlib.Path(ACCEPTED)
    if "--write" in sys.argv:
        path.write_text(json.dumps(counted, indent=4) + "\n")
        return
    accepted = json.loads(path.read_text()) if path.exists() else {}
    sys.exit(project.report(compare(accepted, counted)))


if __name__ == "__main__":
    main()

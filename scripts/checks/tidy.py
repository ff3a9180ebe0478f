#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs clang-tidy over every source file of a build, several at a time, and prints each finding once.

    tidy.py BUILD_DIR [part of a path]…

Without parts it looks at all but tests/ and docs/examples/: those are more than half of the files, GoogleTest's macros and
the public header with its JSON take most of their time, and the compiler's warnings are errors for them too. Name them to
look at them.

The checks are in .clang-tidy. What a file is made of (itself, the headers of the project, the checks, its compile command)
decides whether it is looked at again: a clean result is remembered in BUILD_DIR/tidy.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

TOOL = "clang-tidy-19"
LEFT_OUT = ("tests/", "docs/examples/")
FINDING = re.compile(r"^(/\S+?:\d+:\d+): (?:warning|error): (.*)$", re.MULTILINE)


def commands(build, source, wanted):
    """Each source file of the project that the build compiles, with one command for it."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        path = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if not path.is_relative_to(source) or path.is_relative_to(build):
            continue
        name = str(path.relative_to(source))
        if any(part in name for part in wanted) if wanted else not name.startswith(LEFT_OUT):
            found.setdefault(path, entry["command"])
    return found


def headers_of(build, source):
    """All that a source file of the project could depend on, as one digest."""
    digest = hashlib.sha256()
    for folder in ("sdk", "supervisor", "plugins", "tests", "bench"):
        for path in sorted((source / folder).rglob("*.h*")):
            digest.update(path.read_bytes())
    for path in sorted(source.rglob(".clang-tidy")):
        digest.update(path.read_bytes())
    return digest.digest()


def look_at(build, path, command, shared):
    """The findings in one file, and whether the tool could read it."""
    key = hashlib.sha256(shared + path.read_bytes() + command.encode()).hexdigest()
    clean = build / "tidy" / key
    if clean.exists():
        return "", True
    done = subprocess.run([TOOL, "--quiet", "-p", str(build), str(path)], capture_output=True, text=True, check=False)
    if done.returncode == 0 and not FINDING.search(done.stdout):
        clean.touch()
    return done.stdout, done.returncode == 0


def distinct(output, source, seen):
    """The findings of an output with the lines that explain them; those in `seen` are left out."""
    kept, keep = [], False
    for line in output.splitlines():
        if match := FINDING.match(line):
            keep = (match[1], match[2]) not in seen
            seen.add((match[1], match[2]))
        if keep:
            kept.append(line.replace(f"{source}/", ""))
    return kept


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    source = pathlib.Path(__file__).resolve().parents[2]
    build = pathlib.Path(sys.argv[1]).resolve()
    (build / "tidy").mkdir(exist_ok=True)
    shared = headers_of(build, source)
    found, seen = False, set()
    work = commands(build, source, sys.argv[2:])
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        done = pool.map(lambda item: (item[0], *look_at(build, *item, shared)), work.items())
        for path, output, readable in done:
            lines = distinct(output, source, seen)
            if not readable and not FINDING.search(output):
                lines = [f"{path.relative_to(source)}: {TOOL} failed", *output.splitlines()]
            for line in lines:
                print(line, flush=True)
            found = found or bool(lines)
    if not work:
        print("there is nothing to look at; was the build configured?")
    sys.exit(1 if found or not work else 0)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""What the checks share: which files belong to the project, and how a finding is said."""

import pathlib
import subprocess
import sys


def files(root, *suffixes):
    """The project's text files below `root` with one of `suffixes` (all, if none), as sorted relative paths."""
    git = subprocess.run(["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard"],
                         capture_output=True, text=True, check=False)
    if git.returncode == 0:
        names = git.stdout.splitlines()
    else:  # a scratch tree of a test
        names = [str(path.relative_to(root)) for path in pathlib.Path(root).rglob("*")]
    paths = (pathlib.PurePosixPath(name) for name in names)
    return sorted(path for path in paths
                  if (not suffixes or path.suffix in suffixes) and (pathlib.Path(root) / path).is_file())


def read(root, path):
    """The text of a file; nothing for a binary one."""
    try:
        return (pathlib.Path(root) / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def report(findings):
    """Prints the findings, one a line, and returns the exit code."""
    for finding in findings:
        print(finding)
    return 1 if findings else 0


def main(check):
    """Runs `check(root)` on the directory given as the only argument, or on the current one."""
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    sys.exit(report(check(root)))

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check.py NAME PROGRAM [CAISSON PLUGINS]: PROGRAM prints what NAME.out says, and so does its counterpart NAME.py, if there
is one, in more lines. Some programs need a service: it is started if CAISSON is given.

"…" stands for any text in a line, or alone for any lines. Where processes print side by side, the order is free.
"""

import contextlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ANY_ORDER = {"four_processes"}
PATIENCE_S = 60


def pattern_of(expected):
    parts = []
    for line in expected.splitlines():
        if line == "…":
            parts.append(r"(?:[^\n]*\n)*?")
        else:
            parts.append(re.escape(line).replace("…", "[^\n]*") + r"\n")
    return re.compile("".join(parts))


def run(name, command):
    """Runs the command, and returns what is wrong with what it printed, or nothing."""
    # Unbuffered, Python writes a line in two parts, which mix with those of other processes.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=environment)
    printed = ended.stdout
    if name in ANY_ORDER:
        printed = "".join(sorted(printed.splitlines(keepends=True)))
    expected = (HERE / f"{name}.out").read_text(encoding="utf-8")
    if ended.returncode == 0 and pattern_of(expected).fullmatch(printed):
        return None
    return f"{' '.join(map(str, command))} ended with {ended.returncode} and printed:\n{printed}{ended.stderr}" \
           f"expected:\n{expected}"


def lines_of(path, comment):
    lines = path.read_text(encoding="utf-8").splitlines()
    return sum(1 for line in lines if line.strip() and not line.lstrip().startswith(comment))


@contextlib.contextmanager
def service(caisson, plugins):
    with tempfile.TemporaryDirectory(prefix="caisson-example.") as folder:
        config = pathlib.Path(folder) / "caisson.toml"
        socket = pathlib.Path(folder) / "socket"
        config.write_text(f'[service]\nsocket = "{socket}"\nplugin_dir = "{plugins}"\nstate_dir = "{folder}/state"\n'
                          'discover = false\n[pool.math]\nworkers = 2\n', encoding="utf-8")
        with subprocess.Popen([caisson, "serve", "-c", config], stderr=subprocess.PIPE, text=True) as server:
            while not socket.exists() and server.stderr.readline():  # each line of its log is an occasion to look
                pass
            try:
                yield [socket]
            finally:
                server.terminate()
                server.communicate()


def main():
    name, program, *serve = sys.argv[1:]
    with service(*serve) if serve else contextlib.nullcontext([]) as arguments:
        problems = [run(name, [program, *arguments])]
    counterpart = HERE / f"{name}.py"
    if counterpart.exists():
        problems.append(run(name, [sys.executable, counterpart]))
        ours, theirs = lines_of(HERE / f"{name}.cpp", "//"), lines_of(counterpart, "#")
        if ours >= theirs:
            problems.append(f"{name}.cpp has {ours} lines, {name}.py has {theirs}: it should be the longer one")
    problems = [problem for problem in problems if problem]
    print("\n".join(problems))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()

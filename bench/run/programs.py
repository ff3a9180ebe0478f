# SPDX-License-Identifier: Apache-2.0
"""Programs that measure: each is run once, within its patience, and prints one JSON object."""

import json
import os
import pathlib
import shlex
import signal
import subprocess

PATIENCE_S = 120  # for one program; what takes longer hangs


class Failed(Exception):
    """A program did not do what it should; the text says which and why."""


def run(command, patience_s=PATIENCE_S, **options):
    """Runs a command to its end and returns what it wrote. It is ended with all its children when it takes too long."""
    command = [str(part) for part in command]
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stdin", subprocess.DEVNULL)
    with started(command, stderr=subprocess.PIPE, start_new_session=True, **options) as process:
        try:
            output, errors = process.communicate(timeout=patience_s)
        except subprocess.TimeoutExpired:
            end_group(process)
            raise Failed(f"{shlex.join(command)}: no end after {patience_s} s") from None
        except BaseException:
            end_group(process)
            raise
    if process.returncode != 0:
        words = errors.decode(errors="replace").strip().splitlines()[-5:]
        raise Failed(f"{shlex.join(command)}: exit {process.returncode}: " + " / ".join(words))
    return output


def started(command, **options):
    """A program that goes on; the caller ends it."""
    try:
        return subprocess.Popen([str(part) for part in command], **options)
    except OSError as error:
        raise Failed(f"{command[0]} does not start: {error.strerror}") from None


def end_group(process):
    """Ends a program and what it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def measured(command, **options):
    """The numbers that a program prints, by name."""
    output = run(command, **options)
    try:
        return json.loads(output)
    except json.JSONDecodeError as error:
        raise Failed(f"{shlex.join(str(part) for part in command)}: no JSON: {error}") from None


class Build:
    """Where the programs of a build are."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()

    def bench(self, name):
        return self.folder / "bench" / name

    def caisson(self):
        return self.folder / "bin" / "caisson"

    def plugin(self, name):
        folder = "chaos" if name == "chaos" else "plugins"
        return self.folder / folder / f"lib{name}.so"

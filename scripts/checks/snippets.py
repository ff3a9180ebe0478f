#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles and runs the snippets of the documentation, and compares what they print with what the page says.

    snippets.py BUILD_DIR FILE.md…

The first line of a fenced block says what is done with it:

    ```console run         each line that starts with "$ " is typed into one shell per page; the lines below it are what it
                           prints, on stdout and stderr. A command without such lines must exit with 0. "> " continues.
    ```cpp plugin=NAME     (or c) compiled as a plugin and put into the service's plugin folder
    ```cpp program=NAME    compiled and linked with the pool and the client; "./NAME" for the shell
    ```LANGUAGE file=NAME  written to a file for the shell
    ```toml check          must be a valid configuration
    ```LANGUAGE no-run     shown only

A page's plugins, programs and files are made first, then a service starts on a scratch folder with the installed plugins
and chaos, then the shell runs, with `caisson` in its PATH. "…" stands for any text in a line, or, alone on its line, for
any lines. Pids, call, worker and report numbers, times and sizes with a unit, and the width of columns may differ. In
README.md every block of console, c, cpp and toml must carry a tag.
"""

import dataclasses
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

FENCE = re.compile(r"^```(\S*)\s*(.*)$")
RUNNABLE = {"console", "c", "cpp", "toml"}
START_SECONDS = 20
STEP_SECONDS = 120
# What may differ from run to run, and what it is replaced by on both sides.
VARIES = [
    (re.compile(r"\bpid \d+"), "pid N"),
    (re.compile(r"\bcall \d+"), "call N"),
    (re.compile(r"\breport [0-9A-Z]+…?"), "report R"),
    (re.compile(r"\bworker (\w+)/\d+"), r"worker \1/N"),
    (re.compile(r"\b\d+(?:\.\d+)? (?:ns|us|ms|s|min|h|B|KiB|MiB|GiB)\b"), "N units"),
    (re.compile(r"[ \t]+"), " "),
]


@dataclasses.dataclass
class Block:
    line: int
    language: str
    tags: dict
    text: str


@dataclasses.dataclass
class Step:
    line: int
    command: str
    expected: str


def blocks(text):
    """The fenced blocks of a page."""
    block = None
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if block is None and fence:
            tags = dict(tag.partition("=")[::2] for tag in fence[2].split())
            block = Block(number, fence[1], tags, "")
        elif block is not None and line.rstrip() == "```":
            yield block
            block = None
        elif block is not None:
            block.text += line + "\n"


def untagged(name, text):
    """The blocks of the README of which nobody said what to do with them."""
    return [f"{name}:{block.line}: say what is done with this block (see scripts/checks/snippets.py)"
            for block in blocks(text) if block.language in RUNNABLE and not block.tags]


def steps(text, line):
    """The commands of a console block, each with what it prints."""
    found = []
    for number, row in enumerate(text.splitlines(), line + 1):
        if row.startswith("$ "):
            found.append(Step(number, row[2:], ""))
        elif row.startswith("> ") and found and not found[-1].expected:
            found[-1].command += "\n" + row[2:]
        elif found:
            found[-1].expected += row + "\n"
    for step in found:
        step.expected = step.expected.rstrip("\n")
    return found


def normalised(text):
    lines = (line.rstrip() for line in text.strip("\n").splitlines())
    text = "\n".join(lines)
    for pattern, replacement in VARIES:
        text = pattern.sub(replacement, text)
    return text


def same(expected, printed):
    """True if a command printed what the page says."""
    pattern = ""
    for line in normalised(expected).splitlines():
        if line.strip() == "…":
            pattern += r"(?:[^\n]*\n)*"
        else:
            pattern += "[^\n]*".join(map(re.escape, line.split("…"))) + "\n"
    return re.fullmatch(pattern, normalised(printed) + "\n") is not None


class Shell:
    """One bash that keeps its folder, variables and last exit code from command to command."""

    END = "\x01end "

    def __init__(self, folder, environment):
        self.process = subprocess.Popen(["bash", "--norc"], cwd=folder, env=environment, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(STEP_SECONDS)
        self.process.stdout.close()

    def run(self, command):
        """Runs one command; returns what it printed and its exit code."""
        quoted = "'" + command.replace("'", "'\\''") + "'"
        self.process.stdin.write(f"(exit ${{_status:-0}}); eval {quoted} </dev/null; _status=$?; "
                                 f"printf '\\001end %d\\n' $_status\n")
        self.process.stdin.flush()
        printed = ""
        for line in self.process.stdout:
            text, mark, status = line.partition(self.END)
            printed += text
            if mark:
                return printed, int(status)
        return printed, self.process.wait()


class Page:
    """One page with its scratch folder: what its blocks make, and the service that its commands talk to."""

    def __init__(self, source, build, scratch, path):
        self.source, self.build, self.scratch, self.path = source, build, scratch, path
        self.findings = []
        self.environment = {
            "PATH": f"{build}/bin:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(scratch),
            "LANG": "C.UTF-8",
            "CAISSON_SOCKET": str(scratch / "caisson.sock"),
        }

    def find(self, line, text):
        self.findings.append(f"{self.path}:{line}: {text}")

    def tool(self, line, *command):
        """Runs a tool; its complaint is a finding."""
        done = subprocess.run(command, cwd=self.scratch, env=self.environment, capture_output=True, text=True,
                              timeout=STEP_SECONDS, check=False)
        if done.returncode != 0:
            self.find(line, f"{command[0]} says:\n{done.stdout}{done.stderr}")

    def make(self, block):
        """What one block asks for, apart from running commands."""
        tags, language = block.tags, block.language
        name = tags.get("plugin") or tags.get("program")
        compiler = ["gcc", "-std=c11"] if language == "c" else ["g++", "-std=c++23"]
        if name:
            code = self.scratch / f"{name}.{language}"
            code.write_text(block.text, encoding="utf-8")
            compiler += ["-g", "-Wall", "-Wextra", "-I", f"{self.build}/include", str(code)]
        if "plugin" in tags:
            self.tool(block.line, *compiler, "-shared", "-fPIC", "-o", f"plugins/lib{name}.so",
                      f"-Wl,--version-script={self.source}/sdk/plugin/export.map")
        elif "program" in tags:
            # As caisson::pool and caisson::client say it in the build tree.
            places = [f'-DCAISSON_PROGRAM_DIR="{self.build}/bin"', f'-DCAISSON_PLUGIN_DIR="{self.build}/plugins"']
            libraries = [f"{self.build}/libcaisson_{library}.a" for library in ("pool", "client")]
            self.tool(block.line, *compiler, *places, "-o", name, *libraries, "-pthread")
        elif "check" in tags:
            (self.scratch / "checked.toml").write_text(block.text, encoding="utf-8")
            self.tool(block.line, "caisson", "check", "checked.toml")
        elif "file" in tags:
            file = self.scratch / tags["file"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")

    def start_service(self):
        """Starts the service and returns it once it answers."""
        config = self.scratch / "caisson.toml"
        if not config.exists():
            config.write_text(f'[service]\nsocket = "{self.environment["CAISSON_SOCKET"]}"\nplugin_dir = "plugins"\n'
                              'state_dir = "state"\n', encoding="utf-8")
        log = open(self.scratch / "service.log", "w", encoding="utf-8")
        service = subprocess.Popen(["caisson", "serve", "-c", str(config)], cwd=self.scratch, env=self.environment,
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and service.poll() is None:
            status = subprocess.run(["caisson", "status", "--json"], env=self.environment, capture_output=True, text=True,
                                    check=False)
            if status.returncode == 0 and '"starting"' not in status.stdout:
                return service
            time.sleep(0.05)
        self.find(1, "the service does not start:\n" + (self.scratch / "service.log").read_text(encoding="utf-8"))
        return service

    def type_commands(self, console):
        with Shell(self.scratch, self.environment) as shell:
            for block in console:
                for step in steps(block.text, block.line):
                    printed, status = shell.run(step.command)
                    if step.expected and not same(step.expected, printed):
                        self.find(step.line, f"$ {step.command}\n--- the page says\n{step.expected}\n--- it prints\n{printed}")
                    elif not step.expected and status != 0:
                        self.find(step.line, f"$ {step.command}\nexits with {status}:\n{printed}")

    def run(self):
        page = list(blocks(self.path.read_text(encoding="utf-8")))
        (self.scratch / "plugins").mkdir()
        for library in [*self.build.glob("plugins/lib*.so"), self.build / "chaos/libchaos.so"]:
            shutil.copy(library, self.scratch / "plugins")
        for block in page:
            self.make(block)
        console = [block for block in page if block.language == "console" and "run" in block.tags]
        if console and not self.findings:
            service = self.start_service()
            try:
                if not self.findings:
                    self.type_commands(console)
            finally:
                service.terminate()
                try:
                    service.wait(START_SECONDS)
                except subprocess.TimeoutExpired:
                    service.kill()
                    self.find(1, "the service does not end within its time after SIGTERM")
        return self.findings


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    source = pathlib.Path(__file__).resolve().parents[2]
    build = pathlib.Path(sys.argv[1]).resolve()
    findings = []
    for name in sys.argv[2:]:
        text = pathlib.Path(name).read_text(encoding="utf-8")
        if pathlib.Path(name).name == "README.md":
            findings += untagged(name, text)
        if not any(block.language in RUNNABLE and block.tags and "no-run" not in block.tags for block in blocks(text)):
            continue
        # Short, for a socket's path is bounded.
        with tempfile.TemporaryDirectory(prefix="caisson-") as scratch:
            findings += Page(source, build, pathlib.Path(scratch), pathlib.Path(name)).run()
    print("\n".join(findings), end="\n" if findings else "")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()

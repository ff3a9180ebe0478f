# SPDX-License-Identifier: Apache-2.0
"""A service of its own for one measurement, in a temporary folder, which leaves nothing behind."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from run import processes, programs

READY_S = 120  # until all workers are up, a thousand of them too
END_S = 20

COMMON = """[service]
socket = "caisson.sock"
state_dir = "state"
discover = false
max_sessions = 4096
max_sessions_per_user = 4096
drain = "0"

[log]
level = "error"
plugin_lines = 0

[defaults.queue]
calls = 5000000
bytes = "8GiB"
"""


def pool(name, plugin, workers, more=""):
    """A section of the configuration."""
    return f'[pool.{name}]\nplugin = "{plugin}"\nworkers = {workers}\n{more}\n'


class Service:
    """A running supervisor. Use it in a `with`."""

    def __init__(self, build, pools):
        self.build = build
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="caisson-bench-"))
        (self.folder / "caisson.toml").write_text(COMMON + "\n" + "".join(pools))
        self.environment = dict(os.environ, CAISSON_SOCKET=str(self.folder / "caisson.sock"))
        self.process = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()

    def start(self):
        with (self.folder / "log").open("wb") as log:
            self.process = programs.started([self.build.caisson(), "serve", "-c", self.folder / "caisson.toml"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait_until(lambda status: status and all(pool["state"] == "ready" for pool in status["pools"]),
                        "did not become ready")

    def wait_until(self, holds, complaint, patience_s=READY_S):
        """Asks for the status until `holds` says yes to it."""
        end = time.monotonic() + patience_s
        while not holds(self.status()):
            if self.process.poll() is not None or time.monotonic() > end:
                words = (self.folder / "log").read_text(errors="replace").strip().splitlines()[-5:]
                raise programs.Failed(f"the service {complaint}: " + " / ".join(words))
            time.sleep(0.02)

    def status(self):
        """As `caisson status --json` says it; None while nobody answers."""
        answer = subprocess.run([self.build.caisson(), "status", "--json"], env=self.environment, check=False,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30)
        return json.loads(answer.stdout) if answer.returncode == 0 else None

    def run(self, command, **options):
        return programs.run(command, env=self.environment, **options)

    def measured(self, command, **options):
        return programs.measured(command, env=self.environment, **options)

    def start_program(self, command, **options):
        """A program that goes on beside others; the caller ends it."""
        return programs.started(command, env=self.environment, **options)

    @property
    def pid(self):
        return self.process.pid

    def keep_to(self, cpus, pools=None):
        """Lets the supervisor, and the workers of all or of these pools, use these CPUs only."""
        workers = [worker["pid"] for one in self.status()["pools"] if pools is None or one["name"] in pools
                   for worker in one["workers"]]
        for pid in [self.pid, *workers]:
            processes.keep_to(cpus, pid)

    def kill(self):
        """Ends it at once, for when an orderly end would take long; its workers end with it."""
        self.process.kill()

    def end(self):
        if self.process:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(END_S)
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

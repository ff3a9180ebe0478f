# SPDX-License-Identifier: Apache-2.0
"""A real service for the page: the program of a build tree, with a folder and an address of its own."""

import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

PATIENCE_S = 30

CONFIGURATION = """
[service]
socket = "caisson.sock"
state_dir = "state"
plugin_dir = "plugins"

[metrics]
listen = "127.0.0.1:{port}"
operate = true

[defaults]
workers = 2
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RealService:
    """Has what the tests use of a FakeService: `url`, `start`, `stop`."""

    def __init__(self, build):
        self.program = pathlib.Path(build).resolve() / "bin" / "caisson"
        self.scratch = tempfile.TemporaryDirectory(prefix="caisson-page-", ignore_cleanup_errors=True)
        self.folder = pathlib.Path(self.scratch.name)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        plugins = self.folder / "plugins"
        plugins.mkdir()
        for name in ("math", "chaos"):
            library = next(pathlib.Path(build).resolve().glob(f"*/lib{name}.so"))
            (plugins / library.name).symlink_to(library)
        (self.folder / "caisson.toml").write_text(CONFIGURATION.format(port=self.port), encoding="utf-8")
        self.process = None

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([self.program, "serve", "-c", "caisson.toml"], cwd=self.folder, stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urllib.request.urlopen(self.url + "readyz", timeout=5):
                    return self
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.1)
        log = (self.folder / "log").read_text(errors="replace")
        raise RuntimeError(f"the service did not become ready:\n{log[-4000:]}")

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def close(self):
        self.stop()
        self.scratch.cleanup()

    def caisson(self, *arguments):
        """Runs a command; gives its exit code."""
        environment = {**os.environ, "CAISSON_SOCKET": str(self.folder / "caisson.sock")}
        return subprocess.run([self.program, *arguments], env=environment, timeout=PATIENCE_S, check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode

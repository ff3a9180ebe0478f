# SPDX-License-Identifier: Apache-2.0
"""The peers (bench/peers): pools and brokers that people would use otherwise."""

import contextlib
import socket
import subprocess
import time

from run.context import HERE
from run.programs import Failed, measured, run, started
from run.rounds import Measure

PYTHON = "/usr/bin/python3"  # Debian's, which has Debian's modules
SECONDS = 0.6
PYTHON_MEASURES = {
    "multiprocessing": ("round_trip", "tracked", "unordered", "chunked", "echo", "start", "memory"),
    "executor": ("round_trip", "tracked", "chunked", "echo"),
    "loky": ("round_trip", "tracked", "chunked", "echo"),
    "pebble": ("round_trip", "tracked", "chunked", "echo"),
    "billiard": ("round_trip", "tracked", "chunked", "echo"),
}
NODE = ("piscina", "tinypool", "workerpool")
SIMPLE = ("round_trip", "tracked")


def python(peer, what):
    command = [PYTHON, "-B", HERE / "peers" / "python_pools.py", peer, what]
    return Measure(f"{peer}.{what}", lambda context: measured([*command, context.seconds(SECONDS)]))


def node(peer, what):
    return Measure(f"{peer}.{what}",
                   lambda context: measured(["node", context.peers / "node" / "pools.mjs", peer, what,
                                             context.seconds(SECONDS)]))


def erlang(what):
    """The port program and its owner."""
    def run_it(context):
        return measured(["erl", "-noshell", "-noinput", "-pa", context.peers, "-run", "erlang_port", "main",
                         context.build.bench("peer_erlang_worker"), what, context.seconds(SECONDS)])
    return Measure(f"erlang.{what}", run_it)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def gearmand():
    """A job server on a port of its own, ready."""
    port = free_port()
    command = ["gearmand", "--listen", "127.0.0.1", "--port", str(port), "--log-file", "none"]
    with started(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(port)
            yield port
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(5)
            server.kill()


def wait_for(port, patience_s=5):
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise Failed("gearmand does not listen")


def gearman(what):
    """libgearman on both sides of a server."""
    def run_it(context):
        with gearmand() as port:
            return measured([context.build.bench("peer_gearman"), port, what, context.seconds(SECONDS)])
    return Measure(f"gearman.{what}", run_it)


BY_PEER = {peer: [python(peer, what) for what in measures] for peer, measures in PYTHON_MEASURES.items()}
BY_PEER |= {peer: [node(peer, what) for what in SIMPLE] for peer in NODE}
BY_PEER |= {"erlang": [erlang(what) for what in SIMPLE], "gearman": [gearman(what) for what in SIMPLE]}


def prepare(context, without):
    """What has to be made before the peers can run."""
    if "erlang" not in without:
        run(["erlc", "-o", context.peers, HERE / "peers" / "erlang_port.erl"])

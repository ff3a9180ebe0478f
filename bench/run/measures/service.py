# SPDX-License-Identifier: Apache-2.0
"""Caisson as a service, and what one client or one command gets of it."""

import time

from run.programs import Failed
from run.rounds import Measure
from run.service import Service, pool

SECONDS = {"round_trip": 1.0, "single": 0.8, "batches": 1.0, "tracked": 1.0}
LINES = 1_000_000


def two_workers(context):
    """The service that rates are measured with."""
    return Service(context.build, [pool("math", context.build.plugin("math"), 2)])


def rate(name):
    """The measure of one of the ways to make calls."""
    def run(context):
        with two_workers(context) as service:
            return service.measured([context.build.bench("bench_service"), name, context.seconds(SECONDS[name])])
    return Measure(f"service.{name}", run)


def caisson_map(context):
    """The command from its start to its end, one call per line."""
    lines = context.count(LINES)
    numbers = context.folder / "numbers"
    numbers.write_text("".join(f"{n}\n" for n in range(1, lines + 1)))
    squares = "".join(f"{n * n}\n" for n in range(1, lines + 1)).encode()
    with two_workers(context) as service, (context.folder / "squares").open("w+b") as out:
        command = [context.build.caisson(), "map", "math.square", numbers]
        start = time.perf_counter()
        service.run(command, stdout=out)
        seconds = time.perf_counter() - start
        out.seek(0)
        if out.read() != squares:
            raise Failed("caisson map gave wrong results")
    return {"per_s": lines / seconds, "lines": lines}


BY_NAME = {name: rate(name) for name in SECONDS} | {"map": Measure("service.map", caisson_map)}

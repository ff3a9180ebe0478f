# SPDX-License-Identifier: Apache-2.0
"""One call after the other, ours beside the raw ones.

What a round trip takes depends most of all on where the kernel puts the processes: a wake-up on the same CPU is far
cheaper than one across, and in a virtual machine more so. It changes its mind from one second to the next. So all four
take turns in short slices, of which the median counts; and all are measured once more on one CPU, where there is no choice.
"""

import os
import statistics

from run.programs import measured
from run.rounds import Measure
from run.service import Service, pool

SLICES = 5
SLICE_S = 0.25
KEYS = ("p50_us", "p99_us")


def commands(context):
    """The programs that take turns, by name."""
    bench = context.build.bench
    return {"ping_pong": [bench("limit_ping_pong")], "embedded": [bench("bench_embedded"), "round_trip"],
            "relay": [bench("limit_relay")], "service": [bench("bench_service"), "round_trip"]}


def slices(context, service, prefix):
    """The slices of each program, in turns."""
    taken = {name: [] for name in commands(context)}
    for number in range(1 if context.quick else SLICES):
        order = list(commands(context).items())
        for name, command in order if number % 2 == 0 else reversed(order):
            taken[name].append(service.measured([*prefix, *command, SLICE_S]))
    return taken


def medians(taken, suffix):
    return {f"{name}{suffix}.{key}": statistics.median(part[key] for part in parts)
            for name, parts in taken.items() for key in KEYS}


def run(context):
    """Free to move, and on one CPU."""
    cpu = min(os.sched_getaffinity(0))
    with Service(context.build, [pool("math", context.build.plugin("math"), 2)]) as service:
        free = slices(context, service, [])
        service.keep_to({cpu})
        alone = slices(context, service, ["taskset", "--cpu-list", cpu])
    return medians(free, "") | medians(alone, ".one_cpu")


MEASURE = Measure("round_trip", run)

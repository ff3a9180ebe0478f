# SPDX-License-Identifier: Apache-2.0
"""A pool that crashes on every call, flat out, and what another pool of the service gets done beside it.

The storm takes processor time as any busy program would, and what that costs is not isolation's fault. So its processes
(the crashing workers, the keeper that starts and reaps them, the client that asks for it) are clocked, and the other pool
is measured once more beside a program that uses just as much and does nothing. What the supervisor itself spends on
crashes is not taken off: that is what the figure is about.
"""

import subprocess
import time
from statistics import mean

from run import processes
from run.rounds import Measure
from run.service import Service, pool

SLICES = 3  # of each, in turns
SLICE_S = 0.6
WARM_UP_S = 0.2
FLAT_OUT = "poison.crashes = 0\nrestart.call_crashes = 100000\n"


def others(context, service):
    """Calls per second of the pool that has nothing to do with it."""
    return service.measured([context.build.bench("bench_service"), "single", context.seconds(SLICE_S)])["per_s"]


def storm_s(service, client):
    """Processor time of the storm until now: what the keeper has reaped is its children's."""
    keeper = processes.children(service.pid)
    return sum(processes.used_s(pid, True) for pid in [*keeper, client.pid])


def beside_storm(context, service):
    """The other pool's calls per second, and how many processors the storm used meanwhile."""
    client = service.start_program([context.build.bench("bench_service_storm")], stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL)
    try:
        time.sleep(WARM_UP_S)
        before, start = storm_s(service, client), time.monotonic()
        per_s = others(context, service)
        share = (storm_s(service, client) - before) / (time.monotonic() - start)
    finally:
        client.communicate(timeout=30)
    return per_s, share


def beside_busy(context, service, share):
    """The same beside a program that uses so many processors."""
    program = service.start_program([context.build.bench("limit_busy"), max(share, 0.01)], stdin=subprocess.PIPE)
    try:
        time.sleep(WARM_UP_S)
        return others(context, service)
    finally:
        program.communicate(timeout=30)


def run(context):
    """In turns alone, beside the storm, and beside something that uses as much as the storm before it."""
    pools = [pool("math", context.build.plugin("math"), 2), pool("chaos", context.build.plugin("chaos"), 2, FLAT_OUT)]
    alone, stormy, busy, shares = [], [], [], []
    with Service(context.build, pools) as service:
        for _ in range(1 if context.quick else SLICES):
            alone.append(others(context, service))
            per_s, share = beside_storm(context, service)
            stormy.append(per_s)
            shares.append(share)
            busy.append(beside_busy(context, service, share))
        crashes = crashes_of(service.status())
    return {"alone_per_s": mean(alone), "storm_per_s": mean(stormy), "busy_per_s": mean(busy), "processors": mean(shares),
            "crashes": crashes}


def crashes_of(status):
    return next(one["calls"]["crashed"] for one in status["pools"] if one["name"] == "chaos")


MEASURE = Measure("storm", run)

# SPDX-License-Identifier: Apache-2.0
"""Four pools of four workers that do nothing: what they hold, and how often they wake."""

import subprocess
import time

from run import processes
from run.programs import started
from run.rounds import Measure
from run.service import Service, pool

PLUGINS = ("math", "text", "digest", "counter")
WORKERS = 4
IDLE_S = 10


def plugin_alone(context, plugin):
    """Private memory of a process that has loaded the plugin and does nothing else."""
    command = [context.build.bench("limit_load_library"), context.build.plugin(plugin)]
    with started(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            process.stdout.read(1)
            return processes.private_bytes(process.pid)
        finally:
            process.stdin.close()
            process.wait(5)


def workers_of(status):
    """The pids of each pool's workers, by its name."""
    return {pool["name"]: [worker["pid"] for worker in pool["workers"]] for pool in status["pools"]}


def beyond_plugin(context, pids_of):
    """Of the pool where it is most: private memory of a worker beyond its plugin's."""
    def mean(pids):
        return sum(map(processes.private_bytes, pids)) / len(pids)
    return max(mean(pids) - plugin_alone(context, name) for name, pids in pids_of.items())


def wake_ups(pids, seconds):
    """How often the processes woke in this time."""
    before = sum(map(processes.wake_ups, pids))
    time.sleep(seconds)
    return sum(map(processes.wake_ups, pids)) - before


def run(context):
    """One idle service."""
    seconds = max(1, context.seconds(IDLE_S))
    with Service(context.build, [pool(name, context.build.plugin(name), WORKERS) for name in PLUGINS]) as service:
        pids_of = workers_of(service.status())
        time.sleep(min(2, seconds))  # what the start left to do is done
        everybody = [service.pid, *processes.descendants(service.pid)]
        return {"supervisor_bytes": processes.resident_bytes(service.pid),
                "supervisor_private_bytes": processes.private_bytes(service.pid),
                "worker_beyond_plugin_bytes": beyond_plugin(context, pids_of),
                "wake_ups": wake_ups(everybody, seconds), "idle_s": seconds}


MEASURE = Measure("idle", run, every=5)

# SPDX-License-Identifier: Apache-2.0
"""A thousand workers, a thousand clients and a million waiting calls, beside a service that has none of them."""

import os
import statistics
import subprocess

from run import processes
from run.programs import Failed
from run.rounds import Measure
from run.service import Service, pool

WORKERS = 1_000  # of both pools
CLIENTS = 1_000
CALLS = 1_000_000
SLICES = 4
SLICE_S = 0.25
FILL_S = 120
ENDLESS = 'timeout = "0"\n'


class Crowd:
    """The clients whose calls wait. It does its next step when told, and says when it is done."""

    def __init__(self, service, command):
        self.process = service.start_program(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def expect(self, word):
        line = self.process.stdout.readline().decode().strip()
        if line != word:
            raise Failed(f"bench_service_crowd said '{line}' and not '{word}'")

    def go_on(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def end(self):
        self.process.kill()
        self.process.communicate()


def busy(status):
    return next(one for one in status["pools"] if one["name"] == "busy")


def services(context, workers):
    """One for the crowd, and one that is the same without it."""
    math = pool("math", context.build.plugin("math"), 2)
    crowded = pool("busy", context.build.plugin("chaos"), workers - 2, ENDLESS)
    return Service(context.build, [math, crowded]), Service(context.build, [math])


def round_trips(context, crowded, empty, prefix):
    """p50 of a call of the pool math on each service, in turns."""
    command = [*prefix, context.build.bench("bench_service"), "round_trip", SLICE_S]
    taken = {crowded: [], empty: []}
    for number in range(SLICES):
        order = (crowded, empty) if number % 2 == 0 else (empty, crowded)
        for service in order:
            taken[service].append(service.measured(command)["p50_us"])
    return statistics.median(taken[crowded]), statistics.median(taken[empty])


def fill(context, service, crowd, calls):
    """Hands over the calls; bytes of the supervisor for each."""
    del context
    before = processes.resident_bytes(service.pid)
    crowd.go_on()
    crowd.expect("waiting")
    service.wait_until(lambda status: busy(status)["queued"] >= calls, "did not queue the calls", FILL_S)
    return (processes.resident_bytes(service.pid) - before) / calls


def run(context):
    """The crowd comes, and others call."""
    workers, clients, calls = (context.count(number) for number in (WORKERS, CLIENTS, CALLS))
    crowded, empty = services(context, workers)
    cpu = min(os.sched_getaffinity(0))
    with crowded, empty:
        command = [context.build.bench("bench_service_crowd"), clients, calls // clients, workers - 2]
        crowd = Crowd(crowded, command)
        try:
            crowd.expect("connected")
            crowded.wait_until(lambda status: busy(status)["running"] == workers - 2, "did not start the calls")
            bytes_per_call = fill(context, crowded, crowd, calls)
            with_crowd, without = round_trips(context, crowded, empty, [])
            for service in (crowded, empty):
                service.keep_to({cpu}, ["math"])
            with_crowd_1, without_1 = round_trips(context, crowded, empty, ["taskset", "--cpu-list", cpu])
        finally:
            crowd.end()
        crowded.kill()
    return {"p50_us": with_crowd, "empty.p50_us": without, "one_cpu.p50_us": with_crowd_1,
            "empty.one_cpu.p50_us": without_1, "bytes_per_call": bytes_per_call, "workers": workers, "clients": clients,
            "calls": calls}


MEASURE = Measure("scale", run, every=5)

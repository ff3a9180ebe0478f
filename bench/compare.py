#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Caisson beside its peers, in one run on one machine: tiny calls that are tracked one by one.

Started by scripts/bench, beside a running service: `caisson` and `bench_service_calls` are on the PATH, and
CAISSON_SOCKET leads to the service. Each round measures everything once, and every other round in the opposite order, so
that a slow moment of the machine falls on all. A ratio is of two numbers of the same round.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
PEER = HERE / "peers" / "multiprocessing_pool.py"
POOL = "math"
PATIENCE_S = 60  # for one measurement

MAP = "caisson map"
CLIENT = "C++ client, pipelined"
POOL_MAP = "Pool.map, chunksize=1"
POOL_UNORDERED = "Pool.imap_unordered, chunksize=1"


def run(command, **options):
    return subprocess.run(command, check=True, timeout=PATIENCE_S, **options)


class Bench:
    """What is measured: each function gives calls per second of one run."""

    def __init__(self, folder, options):
        self.options = options
        self.results = folder / "results"
        self.round_trips = []
        self.numbers = folder / "numbers"
        self.numbers.write_text("".join(f"{n}\n" for n in range(1, options.calls + 1)))
        self.squares = "".join(f"{n * n}\n" for n in range(1, options.calls + 1)).encode()

    def caisson_map(self):
        with self.results.open("wb") as out:
            start = time.perf_counter()
            run(["caisson", "map", f"{POOL}.square", str(self.numbers)], stdout=out)
            seconds = time.perf_counter() - start
        if self.results.read_bytes() != self.squares:
            sys.exit("compare.py: caisson map gave wrong results")
        return self.options.calls / seconds

    def client(self):
        command = ["bench_service_calls", str(self.options.calls), "1024", "3000"]
        measured = json.loads(run(command, stdout=subprocess.PIPE).stdout)
        self.round_trips.append(measured)
        return measured["calls_per_s"]

    def pool(self, how):
        command = [sys.executable, str(PEER), how, str(self.options.workers), str(self.options.calls)]
        return self.options.calls / float(run(command, stdout=subprocess.PIPE).stdout)

    def series(self):
        return {MAP: self.caisson_map, CLIENT: self.client, POOL_MAP: lambda: self.pool("map"),
                POOL_UNORDERED: lambda: self.pool("imap_unordered")}


def measure(bench, rounds, budget_s):
    """Rates by name, one of each round. Stops early, after a whole round, when the time is used up."""
    rates = {name: [] for name in bench.series()}
    end = time.monotonic() + budget_s
    slowest_s = 0
    for number in range(rounds):
        start = time.monotonic()
        if start + slowest_s > end:
            break
        order = list(bench.series().items())
        for name, function in order if number % 2 == 0 else reversed(order):
            rates[name].append(function())
        slowest_s = max(slowest_s, time.monotonic() - start)
        print(f"round {number + 1}: " + ", ".join(f"{name} {values[-1]:,.0f}/s" for name, values in rates.items()),
              file=sys.stderr)
    return rates


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def ratios(rates):
    pairs = [(MAP, POOL_MAP), (MAP, POOL_UNORDERED), (CLIENT, POOL_MAP), (CLIENT, POOL_UNORDERED)]
    return [{"of": ours, "to": theirs, **spread([a / b for a, b in zip(rates[ours], rates[theirs])])}
            for ours, theirs in pairs]


def machine():
    cpu = [line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
           if line.startswith("model name")]
    return {"cpu": cpu[0] if cpu else platform.machine(), "cpus": len(os.sched_getaffinity(0)),
            "kernel": platform.release(), "python": platform.python_version(),
            "load_before": round(os.getloadavg()[0], 2)}


def print_tables(document):
    about = document["machine"]
    print(f"{about['cpus']} CPUs ({about['cpu']}), Linux {about['kernel']}, Python {about['python']}, "
          f"load before {about['load_before']}")
    print(f"{document['calls']:,} calls of one number each, {document['workers']} workers, "
          f"{document['rounds']} rounds; median (min to max)\n")
    for name, rate in document["calls_per_s"].items():
        print(f"  {name:34} {rate['median']:>11,.0f} calls/s  ({rate['min']:,.0f} to {rate['max']:,.0f})")
    trips = document["round_trip_us"]
    print(f"  {'one call after the other':34} {trips['p50']['median']:>11.0f} us p50, {trips['p99']['median']:.0f} us p99")
    print()
    for ratio in document["ratios"]:
        print(f"  {ratio['of']:22} is {ratio['median']:6.1f} times {ratio['to']:34}"
              f" ({ratio['min']:.1f} to {ratio['max']:.1f})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=100_000, help="calls of each measurement")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--workers", type=int, default=2, help="processes on either side")
    parser.add_argument("--budget", type=float, default=150, help="seconds for all rounds")
    parser.add_argument("--out", type=pathlib.Path, help="where the numbers go as JSON")
    options = parser.parse_args()

    about = machine()
    run(["caisson", "resize", POOL, str(options.workers)], stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory(prefix="caisson-compare-") as folder:
        bench = Bench(pathlib.Path(folder), options)
        bench.caisson_map()  # all programs are in memory, and the service has measured the method
        rates = measure(bench, options.rounds, options.budget)
    trips = bench.round_trips
    document = {"time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "machine": about,
                "calls": options.calls, "workers": options.workers, "rounds": len(rates[MAP]),
                "calls_per_s": {name: spread(values) for name, values in rates.items()},
                "round_trip_us": {at: spread([trip[f"{at}_us"] for trip in trips]) for at in ("p50", "p99")},
                "ratios": ratios(rates), "rounds_calls_per_s": rates}
    print_tables(document)
    if options.out:
        options.out.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()

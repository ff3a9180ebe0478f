#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pools of Python with two workers: n times n, each as its own documentation says that it is fastest.

    python_pools.py PEER round_trip|tracked|unordered|chunked|echo|start|memory SECONDS

Prints one JSON object. The start of Python is never counted; that of the pool only in `start`. `tracked` makes each item
a task of its own (chunksize=1), `chunked` leaves the chunks to the pool or, where it has none, makes them as
multiprocessing.Pool does: four for each worker.
"""

import concurrent.futures
import json
import multiprocessing
import os
import pathlib
import signal
import sys
import time

WORKERS = 2
MIB = 1024 * 1024


def square(n):
    return n * n


def echo(data):
    return data


class PoolLike:
    """multiprocessing.Pool, and billiard's, which is made after it."""

    def __init__(self, module, workers=WORKERS):
        self.pool = module.Pool(workers)

    def call(self, function, argument):
        return self.pool.apply(function, (argument,))

    def tracked(self, items):
        return self.pool.map(square, items, chunksize=1)

    def unordered(self, items):
        return sorted(self.pool.imap_unordered(square, items, chunksize=1))

    def chunked(self, items):
        return self.pool.map(square, items)

    def end(self):
        self.pool.terminate()
        self.pool.join()


class Billiard(PoolLike):
    """Its orderly end now and then takes half a minute, for which it must not be blamed here."""

    def end(self):
        import billiard
        for child in billiard.active_children():
            os.kill(child.pid, signal.SIGKILL)


class Executor:
    """concurrent.futures.ProcessPoolExecutor, and loky's, which is made after it."""

    def __init__(self, executor):
        self.executor = executor

    def call(self, function, argument):
        return self.executor.submit(function, argument).result()

    def tracked(self, items):
        return list(self.executor.map(square, items))

    def chunked(self, items):
        return list(self.executor.map(square, items, chunksize=chunk_of(items)))

    def end(self):
        self.executor.shutdown()


class Pebble:
    """pebble.ProcessPool."""

    def __init__(self):
        import pebble
        self.pool = pebble.ProcessPool(max_workers=WORKERS)

    def call(self, function, argument):
        return self.pool.schedule(function, args=(argument,)).result()

    def tracked(self, items):
        return list(self.pool.map(square, items, chunksize=1).result())

    def chunked(self, items):
        return list(self.pool.map(square, items, chunksize=chunk_of(items)).result())

    def end(self):
        self.pool.stop()
        self.pool.join()


def chunk_of(items):
    return max(1, len(items) // (WORKERS * 4))


def loky():
    from joblib.externals.loky import get_reusable_executor
    return Executor(get_reusable_executor(max_workers=WORKERS))


def billiard():
    import billiard as module
    return Billiard(module)


PEERS = {"multiprocessing": lambda: PoolLike(multiprocessing),
         "executor": lambda: Executor(concurrent.futures.ProcessPoolExecutor(WORKERS)),
         "loky": loky, "pebble": Pebble, "billiard": billiard}
# Items of one map: as many as take a quick pool a part of a second, and a slow one no more than a few.
TRACKED_ITEMS = {"multiprocessing": 20_000}
CHUNKED_ITEMS = 1_000_000


def repeated(seconds, run):
    """How often `run` ran per second, after it has run once."""
    run()
    runs = 0
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        run()
        runs += 1
    return runs / (time.perf_counter() - start)


def percentiles(seconds, run):
    """Microseconds of each run."""
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e6)
    times.sort()
    return {"p50_us": times[len(times) // 2], "p99_us": times[len(times) * 99 // 100], "runs": len(times)}


def expect(holds):
    if not holds:
        sys.exit("python_pools.py: a wrong answer")


def round_trip(pool, _, seconds):
    for _ in range(200):
        pool.call(square, 12)
    return percentiles(seconds, lambda: expect(pool.call(square, 12) == 144))


def items_per_s(work, items, seconds):
    squares = [n * n for n in items]
    return {"per_s": len(items) * repeated(seconds, lambda: expect(work(items) == squares))}


def tracked(pool, name, seconds):
    return items_per_s(pool.tracked, range(TRACKED_ITEMS.get(name, 2_000)), seconds)


def unordered(pool, name, seconds):
    return items_per_s(pool.unordered, range(TRACKED_ITEMS[name]), seconds)


def chunked(pool, _, seconds):
    return items_per_s(pool.chunked, range(CHUNKED_ITEMS), seconds)


def echoed(pool, _, seconds):
    data = bytes(MIB)
    return {"bytes_per_s": 2 * MIB * repeated(seconds, lambda: expect(len(pool.call(echo, data)) == MIB))}


def private_bytes(pid):
    """Memory that would be free if the process were not."""
    lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) * 1024


def memory(pool, _, seconds):
    """Of the program with the pool, and of an idle worker."""
    del seconds
    pool.tracked(range(1000))
    workers = [child.pid for child in multiprocessing.active_children()]
    return {"program_private_bytes": private_bytes(os.getpid()),
            "worker_private_bytes": sum(map(private_bytes, workers)) / len(workers)}


def start_once():
    """A pool of four, the answers of its first map, and its end."""
    with multiprocessing.Pool(4) as pool:
        expect(pool.map(square, range(1, 9))[-1] == 64)


def main():
    name, what, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    if what == "start":
        print(json.dumps(percentiles(seconds, start_once)))
        return
    pool = PEERS[name]()
    measure = {"round_trip": round_trip, "tracked": tracked, "unordered": unordered, "chunked": chunked, "echo": echoed,
               "memory": memory}[what]
    print(json.dumps(measure(pool, name, seconds)), flush=True)
    pool.end()
    os._exit(0)  # what is left to be tidied at exit has not been measured


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The peer: n times n by Python's multiprocessing.Pool, each number a task of its own.

    multiprocessing_pool.py map|imap_unordered WORKERS CALLS

Prints the seconds from the first task to the last result. Starting Python and the pool is not counted.
"""

import multiprocessing
import sys
import time


def square(n):
    return n * n


def main():
    how, workers, calls = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with multiprocessing.Pool(workers) as pool:
        pool.map(square, range(1000), chunksize=1)  # all workers are up and warm
        start = time.perf_counter()
        if how == "map":
            results = pool.map(square, range(1, calls + 1), chunksize=1)
        else:
            results = list(pool.imap_unordered(square, range(1, calls + 1), chunksize=1))
        seconds = time.perf_counter() - start
    if sorted(results) != [n * n for n in range(1, calls + 1)]:
        sys.exit("multiprocessing_pool.py: wrong results")
    print(seconds)


if __name__ == "__main__":
    main()

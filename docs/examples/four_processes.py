# SPDX-License-Identifier: Apache-2.0
import os
from multiprocessing import Process


def number(n):
    print(f"number {n} from pid {os.getpid()}")


if __name__ == "__main__":
    processes = [Process(target=number, args=(n,)) for n in range(1, 5)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

# SPDX-License-Identifier: Apache-2.0
import os
from multiprocessing import Process


def number(n):
    print(f"number {n} from pid {os.getpid()}")


if __name__ == "__main__":
    process = Process(target=number, args=(1,))
    process.start()
    process.join()

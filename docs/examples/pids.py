# SPDX-License-Identifier: Apache-2.0
import os
from multiprocessing import Pool


def number(n):
    return {"number": n, "pid": os.getpid()}


if __name__ == "__main__":
    with Pool(2) as pool:
        for said in pool.map(number, range(1, 5)):
            where = "here" if said["pid"] == os.getpid() else "elsewhere"
            print(said["number"], where)

# SPDX-License-Identifier: Apache-2.0
from multiprocessing import Pool


def square(n):
    return n * n


if __name__ == "__main__":
    with Pool(4) as pool:
        for n in pool.map(square, range(1, 6)):
            print(n)

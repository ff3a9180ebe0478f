# SPDX-License-Identifier: Apache-2.0
from multiprocessing import Pool


def power(base, exponent):
    return base**exponent


if __name__ == "__main__":
    with Pool(2) as pool:
        for n in pool.starmap(power, [(2, 10), (3, 4), (5, 3)]):
            print(n)

# SPDX-License-Identifier: Apache-2.0
from multiprocessing import Pool


def square(n):
    return n * n


def primes(n):
    sieve = bytearray([1]) * n
    sieve[0:2] = b"\0\0"
    for i in range(2, int(n**0.5) + 1):
        if sieve[i]:
            sieve[i * i :: i] = bytes(len(range(i * i, n, i)))
    return sum(sieve)


if __name__ == "__main__":
    with Pool(2) as pool:
        primes_below = pool.apply_async(primes, (1_000_000,))
        squared = pool.apply_async(square, (12,))
        print(squared.get())
        print(primes_below.get())

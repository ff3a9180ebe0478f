# SPDX-License-Identifier: Apache-2.0
from multiprocessing import Pool


def square(n):
    if not isinstance(n, int):
        raise TypeError(f'expected int64, got "{n}"')
    return n * n


def done(n):
    print("done:", n)


def error(what):
    print("error:", what)


if __name__ == "__main__":
    pool = Pool(1)
    pool.apply_async(square, (3,), callback=done, error_callback=error)
    pool.apply_async(square, ("three",), callback=done, error_callback=error)
    pool.close()
    pool.join()

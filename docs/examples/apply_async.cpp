// SPDX-License-Identifier: Apache-2.0
// Calls that go on while this program does something else.
#include <caisson/pool.hpp>
#include <iostream>

int main() {
    caisson::Pool pool{{.plugin = "math", .workers = 2}};
    const auto primes = pool.apply_async<int>("primes", 1'000'000);
    const auto square = pool.apply_async<int>("square", 12);
    std::cout << square.get() << '\n' << primes.get() << '\n';
}

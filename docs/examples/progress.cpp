// SPDX-License-Identifier: Apache-2.0
// How far a method is, while it runs.
#include <caisson/pool.hpp>
#include <iostream>

int main() {
    caisson::Pool pool{{.plugin = "math", .workers = 1}};
    const auto tell = [](double fraction, const std::string& note) { std::cout << fraction << ": " << note << '\n'; };
    const auto primes = pool.apply_async<int>("primes", 60'000'000, {.on_progress = tell});
    pool.close();
    pool.join();
    std::cout << primes.get() << " primes\n";
}

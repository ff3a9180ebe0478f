// SPDX-License-Identifier: Apache-2.0
// A crash is an error with its report, and nobody else notices.
#include <caisson/pool.hpp>
#include <iostream>

int main() {
    caisson::Pool pool{{.plugin = CHAOS, .workers = 2}};
    const auto before = pool.apply_async<int>("ok", 1);
    const auto crash = pool.apply_async<void>("segv");
    const auto after = pool.apply_async<int>("ok", 2);
    try {
        crash.get();
    } catch (const caisson::CallError& error) {
        std::cout << error.failure().text() << '\n';
    }
    std::cout << before.get() << ' ' << after.get() << '\n';
}

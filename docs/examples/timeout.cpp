// SPDX-License-Identifier: Apache-2.0
// A call that takes too long, and one that is no longer wanted: both end, and the worker goes on.
#include <caisson/pool.hpp>
#include <iostream>

int main() {
    using namespace std::chrono_literals;
    caisson::Pool pool{{.plugin = CHAOS, .workers = 1, .grace = 100ms}};
    const auto slow = pool.apply_async<int>("sleep", 60'000, {.timeout = 200ms});
    const auto unwanted = pool.apply_async<int>("sleep", 60'000);
    unwanted.cancel();
    std::cout << slow.result().error().headline() << '\n' << unwanted.result().error().headline() << '\n';
    std::cout << pool.apply<int>("ok", 1) << '\n';
}

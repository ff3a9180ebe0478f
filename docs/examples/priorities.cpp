// SPDX-License-Identifier: Apache-2.0
// What waits is taken by priority.
#include <caisson/pool.hpp>
#include <iostream>

int main() {
    caisson::Pool pool{{.plugin = CHAOS, .workers = 1}};
    (void)pool.apply_async<int>("sleep", 100);  // the others wait behind it
    for (const int priority : {-5, 0, 5})
        (void)pool.apply_async<int>("ok", priority,
                                    {.priority = priority, .on_done = [](int n) { std::cout << n << '\n'; }});
    pool.close();
    pool.join();
}

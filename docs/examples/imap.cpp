// SPDX-License-Identifier: Apache-2.0
// A lazy map over an input without an end: never more than 16 items are ahead of what was taken.
#include <caisson/pool.hpp>
#include <iostream>

int main() {
    caisson::Pool pool{{.plugin = "math", .workers = 2}};
    for (const int square : pool.imap<int>("square", std::views::iota(1), {.look_ahead = 16})) {
        if (square > 50) break;
        std::cout << square << '\n';
    }
}

// SPDX-License-Identifier: Apache-2.0
// An input that keeps killing workers is refused, until somebody says otherwise.
#include <caisson/pool.hpp>
#include <iostream>

int main() {
    caisson::Pool pool{{.plugin = CHAOS, .workers = 1, .poison = {.crashes = 2}}};
    for (int i = 0; i < 3; ++i) std::cout << caisson::word(pool.try_apply<void>("segv").error().outcome()) << '\n';
    for (const auto& entry : pool.poison()) std::cout << entry.method << " killed " << entry.crashes << " workers\n";
    std::cout << pool.clear_poison() << " cleared\n";
}

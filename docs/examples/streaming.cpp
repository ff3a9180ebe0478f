// SPDX-License-Identifier: Apache-2.0
// Output that is taken while the method writes it. The method goes no faster than it is taken.
#include <caisson/pool.hpp>
#include <iostream>

int main() {
    caisson::Pool pool{{.plugin = CHAOS, .workers = 1}};
    std::size_t bytes = 0;
    const auto take = [&](std::string_view piece) { bytes += piece.size(); };
    pool.apply<void>("pour", 10'000'000, {.on_piece = take});
    pool.close();
    pool.join();
    std::cout << bytes << " bytes\n";
}

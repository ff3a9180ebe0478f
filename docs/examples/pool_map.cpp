// SPDX-License-Identifier: Apache-2.0
// A pool of four workers over the numbers from 1 to 5.
#include <caisson/pool.hpp>
#include <iostream>

int main() {
    caisson::Pool pool{{.plugin = "math", .workers = 4}};
    for (const int square : pool.map<int>("square", {1, 2, 3, 4, 5})) std::cout << square << '\n';
}

// SPDX-License-Identifier: Apache-2.0
// A method of two arguments over a list of pairs.
#include <caisson/pool.hpp>
#include <iostream>

int main() {
    caisson::Pool pool{{.plugin = "math", .workers = 2}};
    for (const int power : pool.starmap<int>("pow", {{2, 10}, {3, 4}, {5, 3}})) std::cout << power << '\n';
}

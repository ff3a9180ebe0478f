// SPDX-License-Identifier: Apache-2.0
// A program with a pool as an outsider writes it: package_pool NUMBER… prints their squares.
#include <caisson/pool.hpp>
#include <cstdlib>
#include <iostream>

int main(int count, char** arguments) {
    std::vector<std::int64_t> numbers;
    for (int i = 1; i < count; ++i) numbers.push_back(std::atoll(arguments[i]));
    caisson::Pool pool{{.plugin = "math", .workers = 2}};
    for (const auto square : pool.map<std::int64_t>("square", numbers)) std::cout << square << '\n';
}

// SPDX-License-Identifier: Apache-2.0
// Workers are processes of their own.
#include <unistd.h>

#include <caisson/pool.hpp>
#include <iostream>

int main() {
    caisson::Pool pool{{.plugin = "hello", .workers = 2}};
    for (const auto& said : pool.map<caisson::Json>("number", {1, 2, 3, 4}))
        std::cout << said["number"] << (said["pid"] == getpid() ? " here\n" : " elsewhere\n");
}

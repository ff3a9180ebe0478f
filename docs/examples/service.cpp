// SPDX-License-Identifier: Apache-2.0
// The same pool, with the workers of a running service: service SOCKET.
#include <caisson/pool.hpp>
#include <iostream>

int main(int, char** arguments) {
    const auto service = caisson::connect(arguments[1]);
    caisson::Pool pool = service.pool("math");
    for (const int square : pool.map<int>("square", {1, 2, 3, 4, 5})) std::cout << square << '\n';
}

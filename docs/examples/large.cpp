// SPDX-License-Identifier: Apache-2.0
// A large payload travels as shared memory, in both directions.
#include <caisson/pool.hpp>
#include <iostream>

int main() {
    caisson::Pool pool{{.plugin = CHAOS, .workers = 1}};
    std::string body;
    body.resize(100'000'000, 'x');
    const auto result = pool.call("echo", body);
    std::cout << result.bytes().size() << ' ' << (result.bytes() == body ? "the same" : "not the same") << '\n';
}

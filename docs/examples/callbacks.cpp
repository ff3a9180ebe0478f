// SPDX-License-Identifier: Apache-2.0
// What is to be done with a result, said when the call is made.
#include <caisson/pool.hpp>
#include <iostream>

int main() {
    caisson::Pool pool{{.plugin = "math", .workers = 1}};
    const auto done = [](int square) { std::cout << "done: " << square << '\n'; };
    const auto error = [](const caisson::Failure& failure) { std::cout << "error: " << failure.message() << '\n'; };
    (void)pool.apply_async<int>("square", 3, {.on_done = done, .on_error = error});
    (void)pool.apply_async<int>("square", "three", {.on_done = done, .on_error = error});
    pool.close();
    pool.join();
}

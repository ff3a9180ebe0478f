// SPDX-License-Identifier: Apache-2.0
// One process that runs one method.
#include <caisson/pool.hpp>

int main() {
    const caisson::Engine engine{{.on_output = caisson::print_output}};
    caisson::Process process{engine, {.plugin = "hello", .method = "number", .input = 1}};
    process.start();
    process.join();
}

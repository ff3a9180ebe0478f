// SPDX-License-Identifier: Apache-2.0
// Four processes at the same time, each with a number of its own.
#include <caisson/pool.hpp>

int main() {
    const caisson::Engine engine{{.on_output = caisson::print_output}};
    std::vector<caisson::Process> processes;
    for (int n = 1; n <= 4; ++n)
        processes.emplace_back(engine, caisson::ProcessOptions{.plugin = "hello", .method = "number", .input = n})
            .start();
    for (auto& process : processes) process.join();
}

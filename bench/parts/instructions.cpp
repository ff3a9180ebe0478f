// SPDX-License-Identifier: Apache-2.0
/// Runs one case, for a tool that counts instructions (scripts/check instructions).
///
///     bench_instructions CASE CALLS
#include <algorithm>
#include <string>

#include "../measured.hpp"
#include "cases.hpp"

int main(int argc, char** argv) {
    using namespace bench;
    const std::string_view wanted = argc > 1 ? argv[1] : "";
    const auto found = std::ranges::find(parts::cases, wanted, &parts::Case::name);
    if (found == parts::cases.end()) give_up("usage: bench_instructions CASE CALLS");
    const auto calls = static_cast<std::size_t>(number(argc, argv, 2, "bench_instructions CASE CALLS"));
    found->run((calls + parts::calls_per_turn - 1) / parts::calls_per_turn * parts::calls_per_turn);
}

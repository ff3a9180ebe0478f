// SPDX-License-Identifier: Apache-2.0
#include "chaos/ledger_reader.hpp"

#include <fstream>

namespace caisson::test {

Starts read_ledger(const std::filesystem::path& file, std::uint64_t items) {
    Starts starts;
    starts.attempts.resize(items);
    std::ifstream ledger{file};
    std::uint64_t item = 0;
    unsigned attempt = 0;
    for (std::string line; std::getline(ledger, line); ++starts.lines) {
        if (std::sscanf(line.c_str(), "%lu %u", &item, &attempt) != 2 || item >= items || attempt < 1 || attempt > 7) {
            starts.trouble = "the ledger says \"" + line + '"';
            return starts;
        }
        const auto bit = static_cast<std::uint8_t>(1U << attempt);
        if ((starts.attempts[item] & bit) != 0 && starts.trouble.empty())
            starts.trouble = "attempt " + std::to_string(attempt) + " of item " + std::to_string(item) + " ran twice";
        starts.attempts[item] |= bit;
    }
    return starts;
}

}  // namespace caisson::test

// SPDX-License-Identifier: Apache-2.0
/// Reads the ledger: which attempts of which items were started.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace caisson::test {

/// Starts by item: bit n of an entry is attempt n.
struct Starts {
    std::vector<std::uint8_t> attempts;
    std::uint64_t lines = 0;
    std::string trouble;  ///< a line that makes no sense, or an attempt that was started twice
};

/// Lines are "ITEM ATTEMPT"; items are below `items`.
[[nodiscard]] Starts read_ledger(const std::filesystem::path& file, std::uint64_t items);

}  // namespace caisson::test

// SPDX-License-Identifier: Apache-2.0
/// Reads a plugin's descriptor with suspicion, and says what the plugin offers.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <caisson/plugin.h>
#include "base/result.hpp"

namespace caisson::host {

/// Bytes of a method's name.
inline constexpr std::size_t max_method_name_bytes = 64;
/// Bytes of a method's help; longer help is cut.
inline constexpr std::size_t max_help_bytes = 256;
/// Bytes of the plugin's name and version; longer ones are cut.
inline constexpr std::size_t max_name_bytes = 128;

struct MethodOffer {
    std::string name;
    std::string help;
    std::string input = "bytes";
    std::string output = "bytes";
    bool idempotent = false;
};

/// What stands in the descriptor, copied and checked.
struct Offer {
    std::string name;
    std::string version;
    unsigned abi_major = 0;
    unsigned abi_minor = 0;
    std::vector<MethodOffer> methods;
};

/// Refuses a null descriptor, another ABI major, sizes that are too small, missing functions, and methods without a
/// proper and unique name.
[[nodiscard]] Result<Offer> read_descriptor(const caisson_plugin* plugin);

/// The head of a `ready` frame.
[[nodiscard]] std::string ready_document(const Offer& offer);

}  // namespace caisson::host

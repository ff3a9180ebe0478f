// SPDX-License-Identifier: Apache-2.0
/// Addresses to functions, files and lines: the only place that reads debug information.
///
/// It runs in a throw-away process (caisson-symbolizer), because what it reads is a plugin's file and libdw is a large
/// reader of hostile input.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace caisson::symbolizer {

/// An address as a crash record has it.
struct Address {
    std::string module;        ///< path of the file; a name without a slash stands beside this program
    std::uint64_t offset = 0;  ///< relative to the module's load bias
    bool is_return = false;    ///< the instruction after a call: the call itself is what people want to see
};

/// What is known of it. Empty or zero where nothing is.
struct Place {
    std::string function;
    std::string file;
    int line = 0;
};

/// One address resolved: the function that stands in the machine code, and the calls that the compiler made part of it,
/// innermost first.
struct Resolved {
    std::vector<Place> places;  ///< at least one; the last is the function itself, those before it were inlined
};

/// The bytes of one module as they were loaded; its file may have become another since.
struct Image {
    std::string module;   ///< empty: there is none
    int descriptor = -1;  ///< of a memfd, which stays open
};

/// In the order of `addresses`. Modules that cannot be read leave their places empty.
[[nodiscard]] std::vector<Resolved> resolve(const std::vector<Address>& addresses, const Image& image = {});

}  // namespace caisson::symbolizer

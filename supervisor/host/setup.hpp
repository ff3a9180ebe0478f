// SPDX-License-Identifier: Apache-2.0
/// What the supervisor tells a new worker in its first frame.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace caisson::host {

enum class Isolation : std::uint8_t { standard, none };

/// Bounds that the kernel enforces on the worker. Zero leaves what was inherited, but for `core`: no core dump.
struct Limits {
    std::uint64_t memory_bytes = 0;     ///< RLIMIT_DATA
    std::uint64_t files = 0;            ///< RLIMIT_NOFILE
    std::uint64_t processes = 0;        ///< RLIMIT_NPROC
    std::uint64_t file_size_bytes = 0;  ///< RLIMIT_FSIZE
    std::uint64_t core_bytes = 0;       ///< RLIMIT_CORE
};

struct Setup {
    std::string plugin;           ///< absolute path of the library
    bool image = false;           ///< load what stands in `library_descriptor`; the path is for messages
    std::string settings = "{}";  ///< the pool's settings as a JSON object
    Limits limits;
    Isolation isolation = Isolation::standard;
    std::uint64_t heartbeat_ms = 0;  ///< 0: no heart beats
    bool zygote = false;             ///< make copies of yourself once the plugin is loaded
};

/// The head of a `setup` frame. Unknown keys are ignored: both programs come from one build.
[[nodiscard]] Result<Setup> parse_setup(std::string_view json);

}  // namespace caisson::host

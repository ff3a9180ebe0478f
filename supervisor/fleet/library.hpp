// SPDX-License-Identifier: Apache-2.0
/// One version of a plugin's library, as it was read: its bytes in a sealed memfd, and their name.
///
/// All workers of a pool load exactly these bytes, whatever becomes of the file. A library that looks for files beside
/// itself would not find them from a memfd: such a one is loaded by its path.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace caisson::fleet {

struct Library {
    std::filesystem::path path;  ///< where it was read
    std::string hash;            ///< of its bytes (base/digest.hpp), 32 digits; empty if they could not be read
    std::string stamp;           ///< of the file, when it was read
    Fd image;                    ///< the memfd; empty: workers load the file at `path`
    std::string by_path;         ///< why they do; empty if there is an image
};
using LibraryRef = std::shared_ptr<const Library>;

/// True if workers of one need not be replaced to run the other.
[[nodiscard]] bool same_version(const LibraryRef& one, const LibraryRef& other);

/// Tells what a file is now from what it was: device, number, size, times. Empty if there is none.
[[nodiscard]] std::string stamp_of(const std::filesystem::path& file);

/// Reads a library to its end, which may take long; `give_up` ends it early. An error with the number EAGAIN means that
/// the file changed meanwhile: ask again when it has settled.
[[nodiscard]] Result<LibraryRef> read_library(const std::filesystem::path& path, const std::atomic<bool>& give_up);

}  // namespace caisson::fleet

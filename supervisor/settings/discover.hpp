// SPDX-License-Identifier: Apache-2.0
/// Which libraries in a folder get a pool, and what the pool is called: `libmath.so` and `math.so` are `math`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "settings/problem.hpp"

namespace caisson::settings {

/// What stands at a path, symbolic links followed.
enum class EntryKind : std::uint8_t { file, directory, fifo, dangling, other };

/// "a directory", "a fifo": for messages.
[[nodiscard]] std::string_view describe(EntryKind kind);

struct Entry {
    std::string name;
    EntryKind kind = EntryKind::file;

    bool operator==(const Entry&) const = default;
};

struct Library {
    std::string pool;
    std::filesystem::path path;

    bool operator==(const Library&) const = default;
};

struct Discovered {
    std::vector<Library> libraries;  ///< by the pool's name
    Problems problems;               ///< of what looks like a library and gets no pool; by file
};

/// Looks through `entries` of `folder`. What does not end in ".so" and what starts with a dot is nobody's business.
/// Decides only: it opens nothing.
[[nodiscard]] Discovered discover(const std::filesystem::path& folder, std::vector<Entry> entries);

/// The pool that a file would get: "libmath.so" -> "math". It need not be a name that a pool may have.
[[nodiscard]] std::string pool_name_of(std::string_view file_name);

/// Where the library of `plugin` may be, best first: an absolute path is itself; "math" is libmath.so or math.so in
/// `folder`; "libmath.so" is that file there.
[[nodiscard]] std::vector<std::filesystem::path> library_candidates(const std::filesystem::path& plugin,
                                                                    const std::filesystem::path& folder);

/// What stands at `path`; nothing if nothing does.
[[nodiscard]] std::optional<EntryKind> look_at(const std::filesystem::path& path);

/// What is in `folder`. More than it may hold is an error, for a wrong folder can have millions of entries.
[[nodiscard]] Result<std::vector<Entry>> list_folder(const std::filesystem::path& folder);

}  // namespace caisson::settings

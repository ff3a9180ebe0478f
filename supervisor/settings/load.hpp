// SPDX-License-Identifier: Apache-2.0
/// Reads a configuration file: the settings that it gives, and everything that is wrong with it at once.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "settings/problem.hpp"
#include "settings/settings.hpp"

namespace caisson::settings {

/// What a file gives. `serve` runs with it when it is usable; `serve --strict`, `check` and a reload want it clean.
struct Loaded {
    Settings settings;  ///< without the pools that have problems; the built-in ones as far as nothing could be read
    Problems problems;  ///< in the order of the file

    [[nodiscard]] bool clean() const { return problems.empty(); }
    /// No problem is the whole file's, so that what `settings` says is what the operator meant.
    [[nodiscard]] bool usable() const;
};

/// Reads `file`. It must be a regular file: a fifo would block a reload.
[[nodiscard]] Loaded load_file(const std::filesystem::path& file);

/// Reads `text`. `name` stands in problems, and relative paths in it are relative to `base_dir`, which is absolute.
[[nodiscard]] Loaded load_text(std::string_view text, const std::string& name, const std::filesystem::path& base_dir);

}  // namespace caisson::settings

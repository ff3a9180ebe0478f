// SPDX-License-Identifier: Apache-2.0
/// Turns "cannot load" into what is wrong with which file and what to do about it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace caisson::host {

/// Looks at a file without running anything of it and without blocking (a FIFO would block the loader for ever): does
/// it exist, is it a regular file, may we read it, is it a complete shared library for this machine?
/// If `image` is a descriptor, its bytes are looked at, and the path is for messages.
[[nodiscard]] Result<void> inspect_library(const std::string& path, int image = -1);

/// Puts the dynamic loader's words into ours. `text` is dlerror's.
[[nodiscard]] Error explain_loader(const std::string& path, std::string_view text);

/// Why a library that loaded is no plugin: it exports no entry. `has_mangled` says that it has the C++ symbol.
[[nodiscard]] Error explain_missing_entry(const std::string& path, bool has_mangled);

}  // namespace caisson::host

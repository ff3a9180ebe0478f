// SPDX-License-Identifier: Apache-2.0
/// Whether somebody is writing into a file now.
#pragma once

#include <filesystem>

namespace caisson::sys {

/// True if a process has the file open for writing. False also where the kernel does not say: for files of other users
/// (unless this process is privileged) and on some file systems.
[[nodiscard]] bool being_written(int descriptor);
[[nodiscard]] bool being_written(const std::filesystem::path& file);

}  // namespace caisson::sys

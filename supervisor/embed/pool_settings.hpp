// SPDX-License-Identifier: Apache-2.0
/// What a user said about a pool as the settings of an operator, checked by the same bounds.
#pragma once

#include <filesystem>

#include "base/result.hpp"
#include "embed/pool/options.hpp"
#include "embed/pool/process.hpp"
#include "settings/settings.hpp"

namespace caisson::embed {

/// Plugins named without a path are looked for in `plugin_dir`. The error names the option.
[[nodiscard]] Result<settings::Pool> pool_settings(const PoolOptions& options, const std::filesystem::path& plugin_dir);
/// The pool of one process: one worker, no retries.
[[nodiscard]] Result<settings::Pool> process_settings(const ProcessOptions& options,
                                                      const std::filesystem::path& plugin_dir);
/// What is wrong with the terms of a call, if anything is.
[[nodiscard]] std::optional<Error> fault_of(const CallTerms& terms);
/// What is wrong with a number of workers, if anything is.
[[nodiscard]] std::optional<Error> fault_of_workers(int workers);

}  // namespace caisson::embed

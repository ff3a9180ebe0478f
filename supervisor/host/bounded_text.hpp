// SPDX-License-Identifier: Apache-2.0
/// Text from a plugin made safe to pass on: bounded, and valid UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace caisson::host {

/// Puts at most `max_bytes` of `text` into `out`, cut at the end of a character; bytes that are not UTF-8 become '?'.
/// Allocates nothing if `out` has the capacity.
void assign_bounded(std::string& out, std::string_view text, std::size_t max_bytes);

}  // namespace caisson::host

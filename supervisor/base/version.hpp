// SPDX-License-Identifier: Apache-2.0
/// The version of this build, from the one place that says it: project() in CMakeLists.txt.
#pragma once

#include <string_view>

namespace caisson {

inline constexpr std::string_view version_text = CAISSON_VERSION;

}  // namespace caisson

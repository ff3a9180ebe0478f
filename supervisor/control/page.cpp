// SPDX-License-Identifier: Apache-2.0
#include "control/page.hpp"

namespace caisson::control {

std::span<const PageFile> page_files() { return {}; }

}  // namespace caisson::control

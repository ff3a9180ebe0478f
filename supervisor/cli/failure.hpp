// SPDX-License-Identifier: Apache-2.0
/// A call that did not end ok, in words: what, where, why and what to do, from the outcome document. Pure.
#pragma once

#include <string>
#include <string_view>

#include "cli/document.hpp"

namespace caisson::cli {

/// The lines for the error stream, each with its line end. `target` is what was asked for, in case the document does
/// not say; `subject` is what stands before it, such as "caisson: line 7: ".
[[nodiscard]] std::string failure_text(const Json& outcome, std::string_view target,
                                       std::string_view subject = "caisson: ");

/// The frame where the fault is, as "poke() at plugins/chaos/chaos.cpp:41"; "" if the stack has none.
[[nodiscard]] std::string fault_text(const Json& stack);
/// One frame in words.
[[nodiscard]] std::string frame_text(const Json& frame);

}  // namespace caisson::cli

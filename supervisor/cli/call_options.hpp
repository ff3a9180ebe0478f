// SPDX-License-Identifier: Apache-2.0
/// What may be typed for any call, be it one or one for each line.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "client/client.hpp"

namespace caisson::cli {

class OptionSet;

/// As they were typed.
struct CallOptions {
    std::string target;
    std::string params;
    std::optional<std::string> timeout;
    std::optional<std::string> retries;
    std::optional<std::string> priority;
};

/// Declares the method as an argument, which comes first.
void declare_target(OptionSet& set, CallOptions& options);
void declare_options(OptionSet& set, CallOptions& options);

/// A request without a body, which borrows the texts of `options`; or what is wrong with one of them, for people.
[[nodiscard]] std::expected<CallRequest, std::string> request_of(const CallOptions& options);

}  // namespace caisson::cli

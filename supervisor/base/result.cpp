// SPDX-License-Identifier: Apache-2.0
#include "base/result.hpp"

#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace caisson {

std::unexpected<Error> fail_errno(std::string_view what, int number) {
    // generic_category() is thread-safe where strerror is not.
    return std::unexpected(Error{std::string{what} + ": " + std::generic_category().message(number), {}, number});
}

void check(bool holds, std::string_view reason, std::source_location where) {
    if (holds) [[likely]]
        return;
    std::fprintf(stderr, "caisson: bug: %.*s, in %s at %s:%u\n", static_cast<int>(reason.size()), reason.data(),
                 where.function_name(), where.file_name(), where.line());
    std::abort();
}

}  // namespace caisson

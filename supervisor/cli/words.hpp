// SPDX-License-Identifier: Apache-2.0
/// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace caisson::cli {

/// Seconds as an age: "3 s", "4 min 10 s", "2 h 5 min", "3 d 4 h".
[[nodiscard]] std::string age(std::int64_t age_s);
/// "1,234,567".
[[nodiscard]] std::string grouped(std::uint64_t number);
/// "3.5".
[[nodiscard]] std::string one_decimal(double number);
/// "1 call", "2 calls".
[[nodiscard]] std::string counted(std::uint64_t number, std::string_view noun);

}  // namespace caisson::cli

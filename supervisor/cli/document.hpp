// SPDX-License-Identifier: Apache-2.0
/// Reading JSON that another process wrote: a field that is absent or of another type is simply not there, and every
/// text is made safe for a terminal.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace caisson::cli {

using Json = nlohmann::json;

/// The document, or null if it is none.
[[nodiscard]] Json parse_document(std::string_view text);

/// A member, or null.
[[nodiscard]] const Json& member(const Json& object, const char* name);
/// A member that is a text, printable; "" if there is none.
[[nodiscard]] std::string text(const Json& object, const char* name);
[[nodiscard]] std::optional<std::int64_t> number(const Json& object, const char* name);
/// A number with its fraction.
[[nodiscard]] std::optional<double> real(const Json& object, const char* name);
/// A number as digits; "" if there is none.
[[nodiscard]] std::string digits(const Json& object, const char* name);
/// A list of texts, printable.
[[nodiscard]] std::vector<std::string> texts(const Json& object, const char* name);

/// One result as JSON text on one line: `{"outcome":"ok","output":…}`, with `"line":N` first if `line` is not 0. The
/// output is the value itself if it is JSON, a text if it is UTF-8, else "output_base64".
[[nodiscard]] std::string ok_document(std::string_view output, bool is_json, std::uint64_t line = 0);

}  // namespace caisson::cli

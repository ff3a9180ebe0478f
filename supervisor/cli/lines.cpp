// SPDX-License-Identifier: Apache-2.0
#include "cli/lines.hpp"

#include "base/text.hpp"

namespace caisson::cli {

std::string printable_lines(std::string_view text, std::string_view indent) {
    while (text.ends_with('\n')) text.remove_suffix(1);
    std::string out;
    for (bool first = true;; first = false) {
        const auto end = text.find('\n');
        out += cat(first ? "" : "\n", first ? std::string_view{} : indent, printable(text.substr(0, end)));
        if (end == std::string_view::npos) return out;
        text.remove_prefix(end + 1);
    }
}

}  // namespace caisson::cli

// SPDX-License-Identifier: Apache-2.0
#include "settings/problem.hpp"

#include "base/text.hpp"

namespace caisson::settings {

std::string Problem::text() const {
    std::string where = printable(file);
    if (place.line > 0) where += cat(':', place.line);
    if (place.line > 0 && place.column > 0) where += cat(':', place.column);
    if (!where.empty()) where += ": ";
    return hint.empty() ? where + what : cat(where, what, " (", hint, ')');
}

std::string text_of(const Problems& problems) {
    std::string text;
    for (const Problem& problem : problems) text += problem.text() + '\n';
    return text;
}

}  // namespace caisson::settings

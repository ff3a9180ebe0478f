// SPDX-License-Identifier: Apache-2.0
#include "base/log_journal.hpp"

#define SD_JOURNAL_SUPPRESS_LOCATION  // an entry names no place in our sources
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

namespace caisson {

bool stderr_is_journal() {
    const char* const value = std::getenv("JOURNAL_STREAM");
    struct stat facts{};
    if (value == nullptr || ::fstat(STDERR_FILENO, &facts) != 0) return false;
    const std::string_view text{value};
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return false;
    const auto number = [](std::string_view digits) {
        std::uint64_t read = 0;
        const auto end = digits.data() + digits.size();
        return std::from_chars(digits.data(), end, read).ptr == end ? read : 0;
    };
    return number(text.substr(0, colon)) == facts.st_dev && number(text.substr(colon + 1)) == facts.st_ino;
}

bool add_to_journal(std::string_view fields) {
    std::vector<iovec> parts;
    while (!fields.empty()) {
        const auto end = std::min(fields.find('\0'), fields.size());
        if (end > 0) parts.push_back({const_cast<char*>(fields.data()), end});
        fields.remove_prefix(std::min(end + 1, fields.size()));
    }
    const int error = ::sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
    if (error < 0) errno = -error;
    return error >= 0;
}

}  // namespace caisson

// SPDX-License-Identifier: Apache-2.0
#include "cli/line_source.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace caisson::cli {
namespace {

constexpr std::size_t block_bytes = 256 * 1024;

}  // namespace

LineSource::LineSource(int descriptor, std::size_t max_line_bytes)
    : descriptor_(descriptor), max_line_bytes_(max_line_bytes), buffer_(block_bytes) {
    struct stat status{};
    if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return;
    // Of an input that a shell opened, another command may have read the beginning.
    const auto begin = std::max<off_t>(::lseek(descriptor, 0, SEEK_CUR), 0);
    file_bytes_ = std::max<off_t>(status.st_size - begin, 0);
}

LineSource::Took LineSource::take(std::string_view& text) {
    for (;;) {
        const char* from = buffer_.data() + scanned_;
        const auto* found = static_cast<const char*>(std::memchr(from, '\n', end_ - scanned_));
        if (found == nullptr) {
            scanned_ = end_;
            return take_rest(text);
        }
        const auto stop = static_cast<std::size_t>(found - buffer_.data());
        text = {buffer_.data() + begin_, stop - begin_};
        begin_ = scanned_ = stop + 1;
        if (skipping_) {
            skipping_ = false;
            continue;
        }
        return text.size() > max_line_bytes_ ? Took::too_long : Took::line;
    }
}

// There is no line end in what is here: a line that is longer than the bound, the last line, or a part of one.
LineSource::Took LineSource::take_rest(std::string_view& text) {
    text = {buffer_.data() + begin_, end_ - begin_};
    const bool too_long = text.size() > max_line_bytes_;
    if (!too_long && !skipping_ && !ended_) return Took::nothing;
    begin_ = scanned_ = end_;
    const bool skipped = skipping_;
    skipping_ = (too_long || skipping_) && !ended_;
    if (too_long && !skipped) return Took::too_long;
    if (!ended_) return Took::nothing;
    return text.empty() || skipped ? Took::end : Took::line;
}

void LineSource::read() {
    if (ended_) return;
    if (begin_ > 0) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        scanned_ -= begin_;
        begin_ = 0;
    }
    if (buffer_.size() - end_ < block_bytes / 2) buffer_.resize(buffer_.size() * 2);
    const auto count = ::read(descriptor_, buffer_.data() + end_, buffer_.size() - end_);
    if (count > 0) {
        end_ += static_cast<std::size_t>(count);
    } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
        ended_ = true;
        if (count < 0) error_ = std::generic_category().message(errno);
    }
}

}  // namespace caisson::cli

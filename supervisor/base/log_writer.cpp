// SPDX-License-Identifier: Apache-2.0
#include "base/log_writer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>
#include <system_error>
#include <utility>

#include "base/limits.hpp"
#include "base/log_journal.hpp"
#include "base/text.hpp"

namespace caisson {
namespace {

/// Between two looks whether the log is being closed, while its reader is behind.
constexpr auto look_for_close = std::chrono::milliseconds{100};

}  // namespace

LogWriter::LogWriter(Fd file, int descriptor, bool journal)
    : file_(std::move(file)), descriptor_(descriptor), journal_(journal) {}

Result<LogWriter> LogWriter::open(const std::filesystem::path& file, bool journal) {
    if (file.empty()) return LogWriter{Fd{}, STDERR_FILENO, journal};
    std::error_code ignored;
    if (const auto folder = file.parent_path(); !folder.empty()) std::filesystem::create_directories(folder, ignored);
    Fd opened{::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644)};
    if (!opened) return fail_errno(cat("cannot open the log ", file.native()), errno);
    const int descriptor = opened.get();
    return LogWriter{std::move(opened), descriptor, false};
}

void LogWriter::write(std::string_view line, const Excuse& excuse) {
    // What was lost is said first, and only if that works is there any use in trying the line.
    const bool works = unsaid_ == 0 || put(excuse("log lines could not be written", unsaid_, why_));
    if (works) unsaid_ = 0;
    if (works && put(line)) return;
    why_ = std::error_code{errno, std::generic_category()}.message();
    ++unsaid_;
    lost_->fetch_add(1, std::memory_order_relaxed);
}

void LogWriter::note_overrun(std::uint64_t total, const Excuse& excuse) {
    if (total == overrun_) return;
    write(excuse("log lines dropped: the writer is behind", total - std::exchange(overrun_, total), {}), excuse);
}

bool LogWriter::put(std::string_view line) {
    if (journal_) return add_to_journal(line);
    std::string repaired;
    if (broken_line_) line = repaired = cat('\n', line);
    const auto whole = line.size();
    while (!line.empty()) {
        if (!wait_for_room()) break;
        // A pipe that is writable takes this much without waiting.
        const auto wrote = ::write(descriptor_, line.data(), std::min<std::size_t>(line.size(), PIPE_BUF));
        if (wrote < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (wrote <= 0) break;
        line.remove_prefix(static_cast<std::size_t>(wrote));
    }
    if (line.size() < whole) broken_line_ = !line.empty();
    return line.empty();
}

// A file is always writable. A pipe or terminal whose reader has stopped is not; the supervisor is to end all the same.
bool LogWriter::wait_for_room() {
    for (;;) {
        pollfd entry{.fd = descriptor_, .events = POLLOUT, .revents = 0};
        const bool given_up = Clock::now() >= give_up_;
        const int ready = ::poll(&entry, 1, given_up ? 0 : static_cast<int>(look_for_close.count()));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
        if (!closing_->load(std::memory_order_relaxed)) continue;
        if (give_up_ == TimePoint::max()) give_up_ = Clock::now() + limits::log_close_patience;
        if (Clock::now() < give_up_) continue;
        errno = ETIMEDOUT;
        return false;
    }
}

}  // namespace caisson

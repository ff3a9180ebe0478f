// SPDX-License-Identifier: Apache-2.0
#include "cli/output.hpp"

#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace caisson::cli {
namespace {

constexpr std::size_t printed_at_once_bytes = 64 * 1024;

}  // namespace

void say(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const auto count = ::write(descriptor, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
}

QuietPipes::QuietPipes() {
    struct sigaction ignore{};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &before_);
}

QuietPipes::~QuietPipes() { ::sigaction(SIGPIPE, &before_, nullptr); }

Output::Output(int descriptor, int interrupts) : descriptor_(descriptor), interrupts_(interrupts) {
    struct stat status{};
    regular_ = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
    terminal_ = ::isatty(descriptor) == 1;
}

void Output::append(std::string_view bytes) {
    if (bytes.empty() || state_ != State::good) return;
    last_ = bytes.back();
    if (bytes.size() >= printed_at_once_bytes) {
        // Large ones are not copied first, unless they cannot be written now.
        flush();
        if (!pending()) bytes.remove_prefix(write(bytes));
        if (state_ != State::good) return;
    }
    buffer_ += bytes;
    if (buffer_.size() - written_ >= printed_at_once_bytes) flush();
}

// False when an interrupt came first.
bool Output::wait_for_room() const {
    std::array<pollfd, 2> entries{
        {{.fd = descriptor_, .events = POLLOUT, .revents = 0}, {.fd = interrupts_, .events = POLLIN, .revents = 0}}};
    while (::poll(entries.data(), entries.size(), -1) < 0 && errno == EINTR) {
    }
    return entries[1].revents == 0;
}

std::size_t Output::write(std::string_view bytes) {
    std::size_t written = 0;
    while (written < bytes.size() && state_ == State::good) {
        // A pipe that polls writable takes this much without blocking; more could block, and be deaf to Ctrl-C.
        std::size_t most = bytes.size() - written;
        if (!regular_) {
            if (!wait_for_room()) break;
            most = std::min<std::size_t>(most, PIPE_BUF);
        }
        const auto count = ::write(descriptor_, bytes.data() + written, most);
        if (count >= 0) {
            written += static_cast<std::size_t>(count);
        } else if (errno == EPIPE || errno == ECONNRESET) {
            state_ = State::gone;
        } else if (errno != EINTR && errno != EAGAIN) {
            state_ = State::broken;
            error_ = std::generic_category().message(errno);
        }
    }
    return written;
}

void Output::flush() {
    if (pending() && state_ == State::good) written_ += write(std::string_view{buffer_}.substr(written_));
    if (!pending() || state_ != State::good) {
        buffer_.clear();
        written_ = 0;
    }
}

}  // namespace caisson::cli

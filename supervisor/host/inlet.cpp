// SPDX-License-Identifier: Apache-2.0
#include "host/inlet.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <new>

#include "base/text.hpp"
#include "host/ending.hpp"

namespace caisson::host {
namespace {

/// Bytes asked of one read: hundreds of small calls, and what one body of usual size needs.
constexpr std::size_t input_read_bytes = 64 * 1024;

/// Memory for what comes next. Without any there is no call to blame: nothing runs now.
std::span<std::byte> space_in(wire::FrameReader& reader) {
    try {
        return reader.prepare(input_read_bytes);
    } catch (const std::bad_alloc&) {
        end_at_once(ExitCode::out_of_memory, "no memory is left for the next call; see limits.memory");
    }
}

}  // namespace

wire::Frame Inlet::next() {
    for (;;) {
        if (auto frame = reader_.next()) return *frame;
        if (const auto error = reader_.error()) {
            end_at_once(ExitCode::protocol_error, cat("the supervisor sent ", wire::word(*error)));
        }
        before_wait_();
        receive();
    }
}

void Inlet::receive() {
    const auto space = space_in(reader_);
    const ssize_t count = ::recv(socket_, space.data(), space.size(), 0);
    if (count > 0) {
        reader_.commit(static_cast<std::size_t>(count));
        return;
    }
    if (count < 0 && errno == EINTR) return;
    if (count == 0 || errno == ECONNRESET) end_at_once(ExitCode::supervisor_gone, {});
    end_at_once(ExitCode::socket_lost, "the socket to the supervisor was closed or replaced in this process");
}

}  // namespace caisson::host

// SPDX-License-Identifier: Apache-2.0
#include "base/channel.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace caisson {
namespace {
constexpr std::size_t first_read_bytes = 4096;
}

Channel::Channel(Loop& loop, Fd socket, Handlers handlers)
    : loop_(loop),
      socket_(std::move(socket)),
      handlers_(std::move(handlers)),
      watch_(loop.watch(socket_.get())),
      read_bytes_(first_read_bytes) {
    watch_.on_readable([this] { on_readable(); });
}

Channel::~Channel() {
    *alive_ = false;
    close();
}

void Channel::close() {
    muted_ = true;
    hang_up();
}

void Channel::hang_up() {
    watch_ = {};
    socket_.reset();
}

void Channel::end(Ending::Kind kind, std::string text) {
    if (closed()) return;
    hang_up();
    if (!draining_) handlers_.on_end({kind, std::move(text)});
}

void Channel::send(const wire::Header& header, std::string_view head, std::string_view head_rest,
                   std::span<const std::byte> body) {
    if (closed()) return;
    wire::append_frame(out_, header, head, head_rest, body);
    flush_at_end_of_turn();
}

void Channel::flush_at_end_of_turn() {
    if (flush_due_ || waiting_writable_) return;
    flush_due_ = true;
    loop_.at_end_of_turn([this, alive = alive_] {
        if (!*alive) return;
        flush_due_ = false;
        flush();
    });
}

void Channel::flush() {
    if (closed() || waiting_writable_) return;
    while (waiting_bytes() > 0) {
        const auto sent = ::send(socket_.get(), out_.data() + out_begin_, waiting_bytes(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            out_begin_ += static_cast<std::size_t>(sent);
            continue;
        }
        if (errno == EINTR) continue;
        if (errno == EAGAIN) {
            waiting_writable_ = true;
            watch_.on_writable_once([this] {
                waiting_writable_ = false;
                flush();
            });
        }
        // Any other error: the peer is gone, which the reading side finds and reports, after what it had sent before.
        else
            out_begin_ = out_.size();
        break;
    }
    if (out_begin_ == out_.size()) {
        out_.clear();
        out_begin_ = 0;
        if (out_.capacity() > limits::worker_output_bytes) wire::Buffer().swap(out_);  // a burst should not be kept
        if (handlers_.on_drained) handlers_.on_drained();
    } else if (out_begin_ > out_.size() / 2) {
        out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(out_begin_));
        out_begin_ = 0;
    }
}

void Channel::pause_reading() {
    if (!closed()) watch_.pause_reading();
}
void Channel::resume_reading() {
    if (!closed()) watch_.resume_reading();
}

void Channel::on_readable() {
    for (int reads = 0; reads < limits::reads_per_turn && read_once(); ++reads) {
    }
}

void Channel::drain() {
    // Bounded, for a process that still holds the other end could go on writing.
    draining_ = true;
    for (int reads = 0; reads < limits::reads_of_drain && read_once(); ++reads) {
    }
    draining_ = false;
}

bool Channel::read_once() {
    if (closed()) return false;
    const auto room = reader_.prepare(read_bytes_);
    const auto got = ::recv(socket_.get(), room.data(), room.size(), MSG_DONTWAIT);
    if (got < 0) {
        if (errno == EINTR) return true;
        if (errno != EAGAIN) end(Ending::Kind::error, std::generic_category().message(errno));
        return false;
    }
    if (got == 0) {
        if (reader_.midway())
            end(Ending::Kind::cut_off, "the connection ended in the middle of a frame");
        else
            end(Ending::Kind::closed, "the connection was closed");
        return false;
    }
    auto count = static_cast<std::size_t>(got);
    const bool filled = count == room.size();
    if (filled) read_bytes_ = std::min(read_bytes_ * 2, limits::socket_read_bytes);
    if (ahead_ > 0) {
        const auto known = static_cast<std::size_t>(std::min<std::uint64_t>(ahead_, count));
        ahead_ -= known;
        count -= known;
        std::memmove(room.data(), room.data() + known, count);
    }
    reader_.commit(count);
    stream_offset_ += count;
    feed_frames();
    return filled && !closed();
}

void Channel::take_ahead(std::span<const std::byte> bytes) {
    if (bytes.empty()) return;
    const auto room = reader_.prepare(bytes.size());
    std::memcpy(room.data(), bytes.data(), bytes.size());
    reader_.commit(bytes.size());
    stream_offset_ += bytes.size();
    ahead_ += bytes.size();
    feed_frames();
}

void Channel::feed_frames() {
    while (!muted_) {
        const auto frame = reader_.next();
        if (!frame) break;
        handlers_.on_frame(*frame);
    }
    if (const auto error = reader_.error(); error && !muted_) end(Ending::Kind::garbage, cat("sent ", word(*error)));
}

}  // namespace caisson

// SPDX-License-Identifier: Apache-2.0
#include "base/channel.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/limits.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "wire/rights.hpp"

namespace caisson {
namespace {

/// Room for the descriptors of one message: more than a peer of ours sends with one, for a message never holds two.
using Control = std::array<char, CMSG_SPACE(4 * sizeof(int))>;

}  // namespace

Channel::Channel(Loop& loop, Fd socket, Handlers handlers)
    : loop_(loop),
      socket_(std::move(socket)),
      handlers_(std::move(handlers)),
      watch_(loop.watch(socket_.get())),
      retry_timer_(loop.timer()) {
    watch_.on_readable([this] { on_readable(); });
    if (handlers_.on_gone) watch_.on_hang_up_once([this] { on_hang_up(); });
}

Channel::~Channel() {
    *alive_ = false;
    close();
}

void Channel::close() {
    muted_ = true;
    hang_up();
}

Channel::Rest Channel::release() {
    check(out_descriptors_.empty() && ahead_ == 0, "a channel is given up between two descriptors");
    muted_ = true;
    watch_ = {};
    retry_timer_.cancel();
    reader_.settle();
    const auto received = reader_.untaken();
    return {.socket = std::move(socket_),
            .received = {received.begin(), received.end()},
            .received_descriptors = std::exchange(in_descriptors_, {}),
            .unsent = {out_.begin() + static_cast<std::ptrdiff_t>(out_begin_), out_.end()}};
}

void Channel::resume(Rest rest) {
    const auto room = reader_.prepare(rest.received.size());
    std::ranges::copy(rest.received, room.begin());
    reader_.commit(rest.received.size());
    in_descriptors_ = std::move(rest.received_descriptors);
    out_ = std::move(rest.unsent);
    feed_at_end_of_turn();
    flush_at_end_of_turn();
}

// What else wakes this up (urgent data) is no end.
void Channel::on_hang_up() {
    pollfd entry{.fd = socket_.get(), .events = 0, .revents = 0};
    peer_gone_ = ::poll(&entry, 1, 0) == 1 && (entry.revents & POLLHUP) != 0;
    tell_gone();
}

// Where reading is not paused, it finds the end by itself; but it may be paused before it gets there.
void Channel::tell_gone() {
    if (!peer_gone_ || !paused_ || closed() || std::exchange(told_gone_, true)) return;
    handlers_.on_gone();
}

void Channel::hang_up() {
    watch_ = {};
    retry_timer_.cancel();
    socket_.reset();
    out_descriptors_.clear();
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

bool Channel::send_memory(wire::Header header, std::string_view head, std::string_view head_rest, const Fd& memory,
                          std::uint64_t memory_bytes) {
    if (closed()) return true;
    Fd copy{::fcntl(memory.get(), F_DUPFD_CLOEXEC, 0)};
    if (!copy) return false;
    header.flags |= wire::flag::detached;
    out_descriptors_.push_back({sent_ + waiting_bytes(), std::move(copy)});
    send(header, head, head_rest, std::as_bytes(std::span{&memory_bytes, 1}));
    return true;
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
        const auto sent = send_some();
        if (sent >= 0) {
            out_begin_ += static_cast<std::size_t>(sent);
            sent_ += static_cast<std::uint64_t>(sent);
            continue;
        }
        if (errno == EINTR) continue;
        if (errno == ETOOMANYREFS) {
            // The user's budget of descriptors in flight (unix(7)). It frees itself as peers read, which nobody tells
            // us.
            waiting_writable_ = true;
            retry_timer_.arm_after(limits::descriptor_retry, [this] {
                waiting_writable_ = false;
                flush();
            });
        } else if (errno == EAGAIN) {
            waiting_writable_ = true;
            watch_.on_writable_once([this] {
                waiting_writable_ = false;
                flush();
            });
        }
        // Any other error: the peer is gone, which the reading side finds and reports, after what it had sent before.
        else {
            out_begin_ = out_.size();
            out_descriptors_.clear();
        }
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

// A descriptor leaves with the first byte of its frame, and what stands before it leaves first.
ssize_t Channel::send_some() {
    constexpr int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    const auto* const from = out_.data() + out_begin_;
    if (out_descriptors_.empty()) return ::send(socket_.get(), from, waiting_bytes(), flags);
    auto& next = out_descriptors_.front();
    if (next.offset > sent_) return ::send(socket_.get(), from, static_cast<std::size_t>(next.offset - sent_), flags);
    const auto until = out_descriptors_.size() > 1 ? out_descriptors_[1].offset : sent_ + waiting_bytes();
    iovec part{const_cast<std::byte*>(from), static_cast<std::size_t>(until - sent_)};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    wire::Rights rights;
    rights.attach(message, next.descriptor.get());
    auto sent = ::sendmsg(socket_.get(), &message, flags);
    if (sent >= 0) out_descriptors_.pop_front();
    return sent;
}

void Channel::pause_reading() {
    paused_ = true;
    if (closed()) return;
    watch_.pause_reading();
    if (!peer_gone_ || told_gone_) return;
    loop_.post([this, alive = alive_] {
        if (*alive) tell_gone();
    });
}

void Channel::resume_reading() {
    if (!std::exchange(paused_, false) || closed()) return;
    watch_.resume_reading();
    feed_at_end_of_turn();
}

void Channel::feed_at_end_of_turn() {
    if (std::exchange(feed_due_, true)) return;
    loop_.at_end_of_turn([this, alive = alive_] {
        if (!*alive) return;
        feed_due_ = false;
        feed_frames();
    });
}

Fd Channel::take_descriptor() {
    if (in_descriptors_.empty()) return {};
    Fd first = std::move(in_descriptors_.front());
    in_descriptors_.pop_front();
    return first;
}

void Channel::on_readable() {
    if (feed_due_) feed_frames();  // before what comes now, which may be the end
    for (int reads = 0; reads < limits::reads_per_turn && read_once() && filled_; ++reads) {
    }
}

void Channel::drain() {
    // Bounded, for a process that still holds the other end could go on writing.
    draining_ = true;
    paused_ = false;
    feed_frames();
    for (int reads = 0; reads < limits::reads_of_drain && read_once(); ++reads) {
    }
    draining_ = false;
}

void Channel::read_all() {
    for (int reads = 0; reads < limits::reads_of_drain && read_once(); ++reads) {
    }
}

ssize_t Channel::receive_some(std::span<std::byte> room) {
    iovec part{room.data(), room.size()};
    alignas(cmsghdr) Control control;
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto got = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0 || message.msg_controllen == 0) return got;
    for (auto* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        const auto count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(c) + i * sizeof(int), sizeof number);
            in_descriptors_.emplace_back(number);
        }
    }
    if ((message.msg_flags & MSG_CTRUNC) == 0 && in_descriptors_.size() <= limits::channel_descriptors) return got;
    in_descriptors_.clear();
    end(Ending::Kind::garbage, "sent more descriptors than frames that speak of them (channel_descriptors)");
    return -1;
}

// How much came; nothing if there is nothing, or no more.
std::optional<std::size_t> Channel::receive(std::span<std::byte> room) {
    const auto got = receive_some(room);
    if (got < 0) {
        if (closed()) return std::nullopt;
        if (errno == EINTR) return 0;
        if (errno != EAGAIN) end(Ending::Kind::error, std::generic_category().message(errno));
        return std::nullopt;
    }
    if (got == 0) {
        if (reader_.midway())
            end(Ending::Kind::cut_off, "the connection ended in the middle of a frame");
        else
            end(Ending::Kind::closed, "the connection was closed");
        return std::nullopt;
    }
    filled_ = static_cast<std::size_t>(got) == room.size();
    return static_cast<std::size_t>(got);
}

// How many of the bytes that came were taken ahead.
std::size_t Channel::known_of(std::size_t count) {
    const auto known = static_cast<std::size_t>(std::min<std::uint64_t>(ahead_, count));
    ahead_ -= known;
    return known;
}

bool Channel::read_once() {
    if (closed() || paused_) return false;
    // A large frame goes where it can stay until all of it is there.
    if (reader_.missing() > wire::inline_body_bytes) return read_into_own();
    const auto scratch = loop_.scratch();
    if (scratch.bytes().empty()) return read_into_own();  // frames in the scratch are being handled right now
    const auto count = receive(scratch.bytes());
    if (!count) return false;
    const auto known = known_of(*count);
    reader_.lend(scratch.bytes().first(*count).subspan(known));
    return take_news(*count - known);
}

// No more than the frame under way needs, so that what comes behind it needs no memory.
bool Channel::read_into_own() {
    const auto missing = reader_.missing();
    const auto want = missing > 0 ? std::min(missing, limits::socket_read_bytes) : wire::inline_body_bytes;
    auto room = reader_.prepare(want);
    room = room.first(std::min(room.size(), std::max<std::size_t>(missing, want)));
    const auto count = receive(room);
    if (!count) {
        reader_.settle();
        return false;
    }
    const auto known = known_of(*count);
    std::memmove(room.data(), room.data() + known, *count - known);
    reader_.commit(*count - known);
    return take_news(*count - known);
}

bool Channel::take_news(std::size_t count) {
    stream_offset_ += count;
    feed_frames();
    return !closed() && !paused_;
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
    while (!muted_ && !paused_) {
        const auto frame = reader_.next();
        if (!frame) break;
        handlers_.on_frame(*frame);
    }
    reader_.settle();
    if (const auto error = reader_.error(); error && !muted_) end(Ending::Kind::garbage, cat("sent ", word(*error)));
}

}  // namespace caisson

// SPDX-License-Identifier: Apache-2.0
#include "host/outlet.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "host/ending.hpp"
#include "wire/codec.hpp"
#include "wire/rights.hpp"

namespace caisson::host {
namespace {

/// Results that are sent while there is more to do, so that the supervisor can work on them meanwhile: thousands of
/// small ones, so that the system call costs each next to nothing.
constexpr std::size_t worth_sending_bytes = 16 * 1024;

iovec as_iovec(std::span<const std::byte> piece) {
    // sendmsg() does not write through the pointer; iovec has no const.
    return {const_cast<std::byte*>(piece.data()), piece.size()};
}

[[noreturn]] void end_without_socket(int error) {
    if (error == EPIPE || error == ECONNRESET) end_at_once(ExitCode::supervisor_gone, {});
    end_at_once(ExitCode::socket_lost, "the socket to the supervisor was closed or replaced in this process");
}

}  // namespace

// Closes the open run, if there is one, and begins another with room for a record.
void Outlet::next_run(std::uint64_t item, wire::Encoding encoding, std::size_t record_bytes) {
    close_run();
    if (sizeof(wire::Header) + record_bytes > ring_.room()) flush();
    run_ = {.header = {.type = wire::Type::run, .encoding = encoding, .id = item}, .next_item = item};
    ring_.put(std::as_bytes(std::span{&run_.header, 1}));
}

void Outlet::close_run(std::int64_t more_ns) {
    if (run_.next_item == 0) return;
    run_.next_item = 0;
    run_.header.time_ns += more_ns;
    ring_.put_over(std::as_bytes(std::span{&run_.header, 1}));
    ring_.publish();
}

void Outlet::flush_if_much() {
    if (ring_.waiting() >= worth_sending_bytes) flush();
}

void Outlet::append(wire::Header header, std::string_view head, std::span<const std::byte> body) {
    close_run();
    header.head_size = static_cast<std::uint32_t>(head.size());
    header.payload_size = static_cast<std::uint32_t>(head.size() + body.size());
    const auto header_bytes = std::as_bytes(std::span{&header, 1});
    const auto head_bytes = wire::bytes_of(head);
    const std::size_t total = header_bytes.size() + head_bytes.size() + body.size();
    if (total > ring_.room()) flush();
    if (total <= ring_.room()) {
        ring_.put(header_bytes);
        ring_.put(head_bytes);
        ring_.put(body);
        ring_.publish();
        return;
    }
    put_in_pieces(header_bytes);
    put_in_pieces(head_bytes);
    put_in_pieces(body);
}

void Outlet::put_in_pieces(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        if (ring_.room() == 0) flush();
        const std::size_t count = std::min(bytes.size(), ring_.room());
        ring_.put(bytes.first(count));
        ring_.publish();
        bytes = bytes.subspan(count);
    }
}

bool Outlet::send_some(int flags, int& error, int descriptor) {
    const auto pieces = ring_.unsent();
    if (pieces[0].empty()) return false;
    iovec parts[2] = {as_iovec(pieces[0]), as_iovec(pieces[1])};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = pieces[1].empty() ? 1 : 2;
    wire::Rights rights;
    if (descriptor >= 0) rights.attach(message, descriptor);
    const ssize_t count = ::sendmsg(socket_, &message, MSG_NOSIGNAL | flags);
    if (count < 0) {
        error = errno;
        return false;
    }
    ring_.mark_sent(static_cast<std::size_t>(count));
    return true;
}

void Outlet::flush() {
    close_run();
    send_all(-1);
}

void Outlet::send_memory(std::uint64_t call, int descriptor) {
    flush();
    append({.type = wire::Type::memory, .id = call}, {});
    send_all(descriptor);
}

// The descriptor leaves with the first byte.
void Outlet::send_all(int descriptor) {
    // Only the fatal-signal handler ever holds the flag against us, and it does not give it back: wait for the end.
    while (sending_.test_and_set(std::memory_order_acquire)) sending_.wait(true);
    int error = 0;
    for (;;) {
        if (send_some(0, error, descriptor)) {
            descriptor = -1;
        } else if (error == ETOOMANYREFS) {
            // The user's budget of descriptors in flight (unix(7)); it frees itself as peers read theirs.
            constexpr timespec pause{0, 1'000'000};
            ::nanosleep(&pause, nullptr);
        } else if (error != EINTR) {
            break;
        }
        error = 0;
    }
    sending_.clear(std::memory_order_release);
    if (error != 0) end_without_socket(error);
}

void Outlet::flush_from_signal() {
    if (sending_.test_and_set(std::memory_order_acquire)) return;
    int error = 0;
    while (send_some(MSG_DONTWAIT, error)) {
    }
}

}  // namespace caisson::host

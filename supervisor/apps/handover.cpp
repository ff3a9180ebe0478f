// SPDX-License-Identifier: Apache-2.0
#include "apps/handover.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/limits.hpp"
#include "base/system.hpp"
#include "base/text.hpp"

namespace caisson::apps {

using nlohmann::json;

namespace {

/// Bytes of the text of a datagram. Larger documents go beside it: the socket's buffer has room for a few of these.
constexpr std::size_t max_datagram_bytes = 16 * 1024;
/// Bytes of a document beside it: a full table of poison has less than 1 MiB.
constexpr std::size_t max_message_document_bytes = 16 * 1024 * 1024;
/// Descriptors of one message: a session has its socket, and what its channel may have received.
constexpr std::size_t max_message_descriptors = 64;
static_assert(max_message_descriptors > limits::channel_descriptors + 4);
/// The name of the memfd with a large document.
constexpr const char* document_name = "document";

struct Received {
    Datagram datagram;
    bool ended = false;
};

// Nothing if there is nothing to read now.
Result<std::optional<Received>> receive_one(int socket, int flags) {
    std::string text(max_datagram_bytes, '\0');
    alignas(cmsghdr) std::array<char, CMSG_SPACE(max_message_descriptors * sizeof(int))> control;
    iovec part{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t got = 0;
    do got = ::recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN) return std::nullopt;
    if (got < 0 && errno == ECONNRESET) got = 0;
    if (got < 0) return fail_errno("recvmsg", errno);
    Received received;
    for (auto* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        for (std::size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(c) + i * sizeof(int), sizeof number);
            received.datagram.descriptors.emplace_back(number);
        }
    }
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return fail("a message that is too large");
    received.ended = got == 0;
    text.resize(static_cast<std::size_t>(got));
    received.datagram.text = std::move(text);
    return received;
}

// False with errno.
bool send_one(int socket, const Datagram& datagram) {
    std::vector<int> numbers;
    numbers.reserve(datagram.descriptors.size());
    for (const auto& descriptor : datagram.descriptors) numbers.push_back(descriptor.get());
    const auto bytes = std::span{numbers}.size_bytes();
    alignas(cmsghdr) std::array<char, CMSG_SPACE(max_message_descriptors * sizeof(int))> control{};
    iovec part{const_cast<char*>(datagram.text.data()), datagram.text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!numbers.empty()) {
        message.msg_control = control.data();
        message.msg_controllen = CMSG_SPACE(bytes);
        auto* const c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(bytes);
        std::memcpy(CMSG_DATA(c), numbers.data(), bytes);
    }
    ssize_t sent = 0;
    do sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

}  // namespace

// ---- messages -------------------------------------------------------------------------------------------------------

std::string Message::text(const char* key) const {
    const auto found = document.find(key);
    return found != document.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::uint64_t Message::number(const char* key) const {
    const auto found = document.find(key);
    return found != document.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

bool Message::flag(const char* key) const {
    const auto found = document.find(key);
    return found != document.end() && found->is_boolean() && found->get<bool>();
}

Fd Message::take(std::string_view name) {
    const auto found = std::ranges::find(descriptors, name, &Named::name);
    if (found == descriptors.end()) return {};
    Fd taken = std::move(found->descriptor);
    descriptors.erase(found);
    return taken;
}

void Message::add(std::string name, int descriptor) {
    if (Fd copy{::fcntl(descriptor, F_DUPFD_CLOEXEC, 0)}) descriptors.push_back({std::move(name), std::move(copy)});
}

Result<Fd> memory_of(std::string_view bytes) {
    Fd memory{::memfd_create("caisson-handover", MFD_CLOEXEC)};
    if (!memory) return fail_errno("memfd_create", errno);
    while (!bytes.empty()) {
        const auto count = ::write(memory.get(), bytes.data(), bytes.size());
        if (count <= 0) return fail_errno("cannot write a memfd", errno);
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return memory;
}

Result<std::string> bytes_of(const Fd& memory, std::size_t most) {
    struct stat facts{};
    if (::fstat(memory.get(), &facts) != 0) return fail_errno("cannot look at a memfd", errno);
    if (!S_ISREG(facts.st_mode) || facts.st_size < 0 || std::cmp_greater(facts.st_size, most))
        return fail("a memfd that is too large, or none");
    std::string bytes(static_cast<std::size_t>(facts.st_size), '\0');
    for (std::size_t at = 0; at < bytes.size();) {
        const auto count = ::pread(memory.get(), bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
        if (count <= 0) return fail_errno("cannot read a memfd", errno);
        at += static_cast<std::size_t>(count);
    }
    return bytes;
}

Result<Datagram> encode(Message message) {
    if (message.descriptors.size() >= max_message_descriptors) return fail("a message with too many descriptors");
    const auto dump = [](const json& document) {
        return document.dump(-1, ' ', false, json::error_handler_t::replace);
    };
    const auto named = [&](json document) {
        auto& names = document["descriptors"] = json::array();
        for (const auto& descriptor : message.descriptors) names.push_back(descriptor.name);
        return dump(document);
    };
    auto text = named(message.document);
    if (text.size() > max_datagram_bytes) {
        auto memory = memory_of(dump(message.document));
        if (!memory) return std::unexpected(memory.error());
        message.descriptors.push_back({document_name, std::move(*memory)});
        text = named(json::object());
    }
    Datagram datagram{.text = std::move(text), .descriptors = {}};
    for (auto& descriptor : message.descriptors) datagram.descriptors.push_back(std::move(descriptor.descriptor));
    return datagram;
}

Result<Message> decode(Datagram datagram) {
    Message message;
    message.document = json::parse(datagram.text, nullptr, false);
    if (!message.document.is_object()) return fail("a message that is no JSON object");
    const auto names = message.document.value("descriptors", json::array());
    if (!names.is_array() || names.size() != datagram.descriptors.size())
        return fail("a message with other descriptors than it names");
    for (std::size_t i = 0; i < names.size(); ++i)
        message.descriptors.push_back(
            {names[i].is_string() ? names[i].get<std::string>() : std::string{}, std::move(datagram.descriptors[i])});
    if (const auto memory = message.take(document_name)) {
        auto text = bytes_of(memory, max_message_document_bytes);
        if (!text) return std::unexpected(text.error());
        message.document = json::parse(*text, nullptr, false);
        if (!message.document.is_object()) return fail("a message whose document is no JSON object");
    }
    return message;
}

// ---- the line -------------------------------------------------------------------------------------------------------

Line::Line(Loop& loop, Fd socket, Handlers handlers)
    : loop_(loop),
      socket_(std::move(socket)),
      handlers_(std::move(handlers)),
      watch_(loop.watch(socket_.get())),
      retry_timer_(loop.timer()) {
    watch_.on_readable([this] { on_readable(); });
}

void Line::end(const std::string& why) {
    if (!socket_) return;
    watch_ = {};
    retry_timer_.cancel();
    socket_.reset();
    waiting_.clear();
    const auto alive = alive_;
    if (auto idle = std::exchange(on_idle_, nullptr)) idle();
    if (*alive) handlers_.on_end(why);
}

void Line::on_readable() {
    if (!socket_) return;
    const auto alive = alive_;
    for (int reads = 0; reads < limits::reads_per_turn * 8 && *alive && socket_; ++reads) {
        auto received = receive_one(socket_.get(), MSG_DONTWAIT);
        if (!received) return end(received.error().what);
        if (!*received) return;
        if ((*received)->ended) return end("");
        auto message = decode(std::move((*received)->datagram));
        if (!message) return end(message.error().what);
        handlers_.on_message(std::move(*message));
    }
}

bool Line::send(Message message) {
    if (!socket_) return false;
    auto datagram = encode(std::move(message));
    if (!datagram) {
        end(datagram.error().what);
        return false;
    }
    waiting_.push_back(std::move(*datagram));
    send_waiting();
    return static_cast<bool>(socket_);
}

void Line::send_waiting() {
    while (!waiting_.empty() && !waiting_writable_) {
        if (send_one(socket_.get(), waiting_.front())) {
            waiting_.pop_front();
            continue;
        }
        // An end is found by the reading side, after what the other had said before.
        if (errno != EAGAIN && errno != ETOOMANYREFS) {
            waiting_.clear();
            break;
        }
        const auto again = [this] {
            waiting_writable_ = false;
            send_waiting();
        };
        waiting_writable_ = true;
        // The budget of descriptors in flight frees itself, and nobody tells us.
        if (errno == ETOOMANYREFS)
            retry_timer_.arm_after(limits::descriptor_retry, again);
        else
            watch_.on_writable_once(again);
    }
    if (!waiting_.empty()) return;
    if (auto idle = std::exchange(on_idle_, nullptr)) idle();
}

void Line::on_idle(std::function<void()> callback) {
    if (idle()) return callback();
    on_idle_ = std::move(callback);
}

Result<Message> Line::receive(const Fd& socket, Duration patience) {
    pollfd entry{.fd = socket.get(), .events = POLLIN, .revents = 0};
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(patience).count();
    if (::poll(&entry, 1, static_cast<int>(ms)) != 1) return fail("nothing was said in time");
    auto received = receive_one(socket.get(), MSG_DONTWAIT);
    if (!received) return std::unexpected(received.error());
    if (!*received || (*received)->ended) return fail("the other side has gone");
    return decode(std::move((*received)->datagram));
}

void Line::say(const Fd& socket, Message message) {
    if (const auto datagram = encode(std::move(message))) static_cast<void>(send_one(socket.get(), *datagram));
}

}  // namespace caisson::apps

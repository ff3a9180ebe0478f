// SPDX-License-Identifier: Apache-2.0
#include "support/fake_service.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>

#include "base/result.hpp"
#include "wire/records.hpp"

namespace caisson::test {
namespace {

using wire::Type;

std::filesystem::path new_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "caisson-fake-XXXXXX").string();
    check(::mkdtemp(name.data()) != nullptr, "a temporary folder");
    return name;
}

Fd listen_on(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    check(path.native().size() < sizeof address.sun_path, "a short path for the socket");
    std::memcpy(address.sun_path, path.c_str(), path.native().size());
    Fd listener{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    check(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "bind");
    check(::listen(listener.get(), 8) == 0, "listen");
    return listener;
}

// True if the first is readable, false if it is time to stop.
bool wait(int descriptor, int stop) {
    std::array<pollfd, 2> entries{
        {{.fd = descriptor, .events = POLLIN, .revents = 0}, {.fd = stop, .events = POLLIN, .revents = 0}}};
    while (::poll(entries.data(), entries.size(), -1) < 0) {
    }
    return entries[1].revents == 0;
}

constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

Fd memory_of(const FakeService::Detached& output) {
    Fd memory{::memfd_create("fake-output", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    const auto bytes = static_cast<ssize_t>(output.contents.size());
    check(::write(memory.get(), output.contents.data(), output.contents.size()) == bytes, "a memfd");
    if (output.sealed) check(::fcntl(memory.get(), F_ADD_SEALS, seals) == 0, "seals");
    return memory;
}

// The bytes of a memfd that a client sent, which must be sealed and of this size.
std::string contents(const Fd& memory, std::uint64_t bytes) {
    check((::fcntl(memory.get(), F_GET_SEALS) & seals) == seals, "a sealed memfd");
    struct stat status{};
    check(::fstat(memory.get(), &status) == 0 && static_cast<std::uint64_t>(status.st_size) == bytes, "its size");
    std::string text(bytes, '\0');
    std::size_t done = 0;
    while (done < bytes) {
        const auto count = ::pread(memory.get(), text.data() + done, bytes - done, static_cast<off_t>(done));
        check(count > 0, "its bytes");
        done += static_cast<std::size_t>(count);
    }
    return text;
}

ssize_t receive(int descriptor, std::span<std::byte> room, std::deque<Fd>& memory) {
    iovec part{room.data(), room.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto count = ::recvmsg(descriptor, &message, MSG_CMSG_CLOEXEC);
    if (count <= 0) return count;
    check((message.msg_flags & MSG_CTRUNC) == 0, "one descriptor with each frame");
    const auto* const rights = CMSG_FIRSTHDR(&message);
    if (rights == nullptr) return count;
    int number = -1;
    std::memcpy(&number, CMSG_DATA(rights), sizeof number);
    memory.emplace_back(number);
    return count;
}

}  // namespace

void FakeService::Session::welcome(std::uint32_t version) {
    wire::append_frame(output_, {.type = Type::welcome, .a = version}, wire::bytes_of("{}"));
}
void FakeService::Session::chunk(Id call, std::string_view bytes) {
    wire::append_frame(output_, {.type = Type::chunk, .id = call.call}, {}, wire::bytes_of(bytes));
}
void FakeService::Session::progress(Id call, std::uint32_t ppm, std::string_view note) {
    wire::append_frame(output_, {.type = Type::progress, .id = call.call, .a = ppm}, wire::bytes_of(note));
}
void FakeService::Session::ok(Id call, std::string_view output, wire::Encoding encoding, std::uint8_t attempts) {
    ended(call);
    wire::Header header{.type = Type::outcome, .encoding = encoding, .attempt = attempts, .id = call.call};
    wire::Buffer body{wire::bytes_of(output).begin(), wire::bytes_of(output).end()};
    if (call.in_batch) {
        header.type = Type::run;
        header.a = call.item;
        body.clear();
        wire::append_record(body, wire::bytes_of(output));
    }
    wire::append_frame(output_, header, {}, body);
}
void FakeService::Session::ok(Id call, const Detached& output) {
    ended(call);
    std::vector<Fd> descriptors;
    for (int i = 0; i < output.descriptors; ++i) descriptors.push_back(memory_of(output));
    attach(std::move(descriptors));
    const std::uint64_t bytes = output.announced_bytes.value_or(output.contents.size());
    wire::append_frame(output_,
                       {.type = Type::outcome,
                        .flags = wire::flag::detached,
                        .attempt = 1,
                        .id = call.call,
                        .time_ns = wire::ItemRange{call.item, 1}.packed()},
                       {}, std::as_bytes(std::span{&bytes, 1}));
}
void FakeService::Session::end(Id call, wire::OutcomeKind kind, std::string_view json, std::uint8_t attempts) {
    ended(call);
    wire::append_frame(output_,
                       {.type = Type::outcome,
                        .attempt = attempts,
                        .id = call.call,
                        .a = static_cast<std::uint32_t>(kind),
                        .time_ns = call.in_batch ? wire::ItemRange{call.item, 1}.packed() : 0},
                       wire::bytes_of(json));
}
void FakeService::Session::end(std::uint64_t batch, wire::ItemRange items, wire::OutcomeKind kind,
                               std::string_view json) {
    for (std::uint32_t i = 0; i < items.count; ++i) ended({batch, items.first + i});
    wire::append_frame(
        output_, {.type = Type::outcome, .id = batch, .a = static_cast<std::uint32_t>(kind), .time_ns = items.packed()},
        wire::bytes_of(json));
}
void FakeService::Session::run(std::uint64_t batch, std::uint32_t first, const std::vector<std::string>& outputs) {
    wire::Buffer body;
    for (std::uint32_t i = 0; i < outputs.size(); ++i) {
        ended({batch, first + i});
        wire::append_record(body, wire::bytes_of(outputs[i]));
    }
    wire::append_frame(output_, {.type = Type::run, .id = batch, .a = first}, {}, body);
}
void FakeService::Session::cancel(std::uint64_t call) {
    const auto found = open_.find(call);
    if (found == open_.end()) return;
    const auto open = found->second;
    for (std::uint32_t item = 0; item < open.size(); ++item)
        if (open[item])
            end(call, {item, 1}, wire::OutcomeKind::cancelled, R"({"outcome":"cancelled","message":"cancelled"})");
}
void FakeService::Session::ended(Id call) {
    const auto found = open_.find(call.call);
    if (found == open_.end() || call.item >= found->second.size()) return;
    found->second[call.item] = false;
    if (std::ranges::find(found->second, true) == found->second.end()) open_.erase(found);
}
void FakeService::Session::reply(std::uint64_t request, std::string_view json, bool refused) {
    wire::append_frame(output_, {.type = Type::reply, .id = request, .a = refused ? 1U : 0U}, wire::bytes_of(json));
}
void FakeService::Session::goodbye(std::string_view json) {
    wire::append_frame(output_, {.type = Type::goodbye}, wire::bytes_of(json));
    close();
}
void FakeService::Session::raw(std::string_view bytes) {
    const auto more = wire::bytes_of(bytes);
    output_.insert(output_.end(), more.begin(), more.end());
}

bool FakeService::Session::send() {
    while (!riding_.empty()) {
        const auto descriptors = std::move(riding_.front().second);
        if (!send_until(riding_.front().first, {})) return false;
        riding_.pop_front();
        const auto end = riding_.empty() ? output_.size() : riding_.front().first;
        if (!send_until(end, descriptors)) return false;
    }
    if (!send_until(output_.size(), {})) return false;
    output_.clear();
    sent_ = 0;
    return true;
}

// The descriptors leave with the first byte.
bool FakeService::Session::send_until(std::size_t end, const std::vector<Fd>& descriptors) {
    std::vector<char> control(CMSG_SPACE(descriptors.size() * sizeof(int)));
    bool with_descriptors = !descriptors.empty();
    while (sent_ < end) {
        iovec part{output_.data() + sent_, end - sent_};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        if (with_descriptors) {
            message.msg_control = control.data();
            message.msg_controllen = control.size();
            auto* const rights = CMSG_FIRSTHDR(&message);
            rights->cmsg_level = SOL_SOCKET;
            rights->cmsg_type = SCM_RIGHTS;
            rights->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
            for (std::size_t i = 0; i < descriptors.size(); ++i) {
                const int number = descriptors[i].get();
                std::memcpy(CMSG_DATA(rights) + i * sizeof number, &number, sizeof number);
            }
        }
        const auto count = ::sendmsg(descriptor_, &message, MSG_NOSIGNAL);
        if (count <= 0) return false;
        sent_ += static_cast<std::size_t>(count);
        with_descriptors = false;
    }
    return true;
}

FakeService::FakeService(Script script)
    : script_(std::move(script)),
      folder_(new_folder()),
      listener_(listen_on(socket())),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
    // Signals are for the thread under test.
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

FakeService::~FakeService() {
    const std::uint64_t one = 1;
    check(::write(stop_.get(), &one, sizeof one) == sizeof one, "the stop event");
    thread_.join();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void FakeService::run() {
    while (wait(listener_.get(), stop_.get())) {
        const Fd session{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
        if (session) serve(session.get());
    }
}

void FakeService::serve(int descriptor) {
    Session session{descriptor};
    wire::FrameReader reader;
    std::deque<Fd> memory;
    while (!session.closing() && wait(descriptor, stop_.get())) {
        const auto count = receive(descriptor, reader.prepare(std::size_t{64} * 1024), memory);
        if (count <= 0) return;
        reader.commit(static_cast<std::size_t>(count));
        if (!answer(session, reader, memory) || !session.send()) return;
    }
}

bool FakeService::answer(Session& session, wire::FrameReader& reader, std::deque<Fd>& memory) {
    while (const auto frame = reader.next()) {
        const auto& header = frame->header;
        switch (header.type) {
            case Type::hello:
                script_.on_hello(session);
                break;
            case Type::call:
            case Type::batch:
                if (!on_call(session, *frame, memory)) return false;
                break;
            case Type::cancel:
                script_.on_cancel(session, header.id);
                break;
            case Type::request:
                script_.on_request(session, header.id, std::string{frame->head()});
                break;
            default:
                return false;
        }
    }
    return !reader.error();
}

bool FakeService::on_call(Session& session, const wire::Frame& frame, std::deque<Fd>& memory) {
    const auto& header = frame.header;
    const auto target = wire::Target::from(header.a);
    check(target.bytes <= frame.head().size(), "a target within the head");
    Call call{.id = header.id,
              .target = std::string{frame.head().substr(0, target.bytes)},
              .params = std::string{frame.head().substr(target.bytes)},
              .body = {},
              .time_ns = header.time_ns,
              .priority = target.priority,
              .attempt = header.attempt,
              .flags = header.flags};
    if (header.type == Type::call) {
        session.opened(header.id, 1);
        if (!frame.has(wire::flag::detached)) {
            call.body = wire::Frame::text(frame.body());
        } else {
            check(!memory.empty(), "a memfd with a detached frame");
            call.body = contents(memory.front(), frame.memory_bytes());
            memory.pop_front();
        }
        script_.on_call(session, call);
        return true;
    }
    std::vector<std::string> items;
    wire::RecordReader records{frame.body()};
    while (const auto record = records.next()) items.emplace_back(wire::Frame::text(*record));
    check(records.at_end() && !items.empty(), "a batch of records");
    call.batch_items = static_cast<std::uint32_t>(items.size());
    session.opened(header.id, call.batch_items);
    for (std::uint32_t i = 0; i < items.size(); ++i) {
        call.id = {header.id, i};
        call.body = std::move(items[i]);
        script_.on_call(session, call);
    }
    return true;
}

}  // namespace caisson::test

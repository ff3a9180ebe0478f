// SPDX-License-Identifier: Apache-2.0
#include "support/fake_service.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>

#include "base/result.hpp"

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

}  // namespace

void FakeService::Session::welcome(std::uint32_t version) {
    wire::append_frame(output_, {.type = Type::welcome, .a = version}, wire::bytes_of("{}"));
}
void FakeService::Session::chunk(std::uint64_t call, std::string_view bytes) {
    wire::append_frame(output_, {.type = Type::chunk, .id = call}, {}, wire::bytes_of(bytes));
}
void FakeService::Session::progress(std::uint64_t call, std::uint32_t ppm, std::string_view note) {
    wire::append_frame(output_, {.type = Type::progress, .id = call, .a = ppm}, wire::bytes_of(note));
}
void FakeService::Session::ok(std::uint64_t call, std::string_view output, wire::Encoding encoding) {
    wire::append_frame(output_, {.type = Type::outcome, .encoding = encoding, .id = call}, {}, wire::bytes_of(output));
}
void FakeService::Session::end(std::uint64_t call, wire::OutcomeKind kind, std::string_view json) {
    wire::append_frame(output_, {.type = Type::outcome, .id = call, .a = static_cast<std::uint32_t>(kind)},
                       wire::bytes_of(json));
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
    std::size_t sent = 0;
    while (sent < output_.size()) {
        const auto count = ::send(descriptor_, output_.data() + sent, output_.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) return false;
        sent += static_cast<std::size_t>(count);
    }
    output_.clear();
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
    while (!session.closing() && wait(descriptor, stop_.get())) {
        const auto room = reader.prepare(std::size_t{64} * 1024);
        const auto count = ::recv(descriptor, room.data(), room.size(), 0);
        if (count <= 0) return;
        reader.commit(static_cast<std::size_t>(count));
        if (!answer(session, reader) || !session.send()) return;
    }
}

bool FakeService::answer(Session& session, wire::FrameReader& reader) {
    while (const auto frame = reader.next()) {
        const auto& header = frame->header;
        const auto head = frame->head();
        switch (header.type) {
            case Type::hello:
                script_.on_hello(session);
                break;
            case Type::call:
                check(header.a <= head.size(), "a target within the head");
                script_.on_call(session, {.id = header.id,
                                          .target = std::string{head.substr(0, header.a)},
                                          .params = std::string{head.substr(header.a)},
                                          .body = std::string{wire::Frame::text(frame->body())},
                                          .time_ns = header.time_ns});
                break;
            case Type::cancel:
                script_.on_cancel(session, header.id);
                break;
            case Type::request:
                script_.on_request(session, header.id, std::string{head});
                break;
            default:
                return false;
        }
    }
    return !reader.error();
}

}  // namespace caisson::test

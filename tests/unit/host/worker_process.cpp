// SPDX-License-Identifier: Apache-2.0
#include "unit/host/worker_process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <new>
#include <stdexcept>

#include "base/system.hpp"

namespace caisson::test {
namespace {

constexpr int patience_ms = 10'000;

/// Numbers that the child's dup2 below does not overwrite.
Fd moved_up(const Fd& descriptor) { return Fd{::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 20)}; }

[[noreturn]] void become_worker(int output, int socket, int box, const std::string& keeper) {
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, 0);
    ::dup2(output, 1);
    ::dup2(socket, 3);
    ::dup2(box, 4);
    ::setsid();
    ::execl(CAISSON_WORKER, "caisson-worker", "test/1", keeper.c_str(), nullptr);
    ::_exit(127);
}

}  // namespace

WorkerProcess::WorkerProcess(pid_t keeper) {
    auto pair = sys::socket_pair(SOCK_STREAM);
    auto pipe = sys::pipe();
    auto memory = sys::sealed_memory("black-box", sizeof(wire::BlackBox));
    if (!pair || !pipe || !memory) throw std::runtime_error("no descriptors for the test");
    void* mapped = ::mmap(nullptr, sizeof(wire::BlackBox), PROT_READ | PROT_WRITE, MAP_SHARED, memory->get(), 0);
    if (mapped == MAP_FAILED) throw std::runtime_error("no memory for the test");
    box_ = static_cast<wire::BlackBox*>(mapped);
    box_->magic = wire::black_box_magic;
    box_->version = wire::black_box_version;
    box_->box_bytes = sizeof(wire::BlackBox);

    const Fd output = moved_up(pipe->second);
    const Fd socket = moved_up(pair->second);
    const Fd box = moved_up(*memory);
    const std::string argument = std::to_string(keeper != 0 ? keeper : ::getpid());
    pid_ = ::fork();
    if (pid_ == 0) become_worker(output.get(), socket.get(), box.get(), argument);
    socket_ = std::move(pair->first);
    output_ = std::move(pipe->first);
}

WorkerProcess::~WorkerProcess() {
    if (!waited_) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    ::munmap(box_, sizeof(wire::BlackBox));
}

void WorkerProcess::setup(std::string_view plugin, nlohmann::json more) {
    more["plugin"] =
        plugin.starts_with('/') ? std::string{plugin} : CAISSON_FIXTURES "/plugins/" + std::string{plugin} + ".so";
    add({.type = wire::Type::setup}, more.dump());
    send();
}

void WorkerProcess::start(std::string_view plugin, nlohmann::json more) {
    setup(plugin, std::move(more));
    const auto ready = receive();
    ASSERT_TRUE(ready) << "the worker ended in its start";
    ASSERT_EQ(ready->header.type, wire::Type::ready) << ready->head;
    const auto offer = nlohmann::json::parse(ready->head);
    for (const auto& method : offer["methods"]) methods_.push_back(method["name"]);
}

void WorkerProcess::add(std::uint64_t id, std::string_view method, std::string_view body, wire::Header more) {
    const auto found = std::ranges::find(methods_, method);
    if (more.type != wire::Type::batch) more.type = wire::Type::call;
    more.id = id;
    more.attempt = 1;
    more.a = static_cast<std::uint32_t>(found - methods_.begin());
    wire::append_frame(pending_, more, std::span<const std::byte>{}, wire::bytes_of(body));
}

void WorkerProcess::add(wire::Header header, std::string_view head) {
    wire::append_frame(pending_, header, wire::bytes_of(head));
}

void WorkerProcess::send() {
    std::span<const std::byte> rest = pending_;
    while (!rest.empty()) {
        const ssize_t count = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (count < 0) break;  // the worker has gone, which the test is about to see
        rest = rest.subspan(static_cast<std::size_t>(count));
    }
    pending_.clear();
}

Message WorkerProcess::call(std::uint64_t id, std::string_view method, std::string_view body, wire::Header more) {
    add(id, method, body, more);
    send();
    auto message = receive();
    if (!message) throw std::runtime_error("the worker ended in a call");
    return std::move(*message);
}

std::optional<Message> WorkerProcess::next() {
    const auto frame = reader_.next();
    if (!frame) return std::nullopt;
    return Message{frame->header, std::string{frame->head()}, std::string{wire::Frame::text(frame->body())}};
}

bool WorkerProcess::read_more() {
    pollfd poll{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&poll, 1, patience_ms) != 1) throw std::runtime_error("the worker says nothing");
    const auto space = reader_.prepare(256 * 1024);
    const ssize_t count = ::recv(socket_.get(), space.data(), space.size(), 0);
    if (count <= 0) return false;
    ++reads_;
    arrived_ += static_cast<std::uint64_t>(count);
    reader_.commit(static_cast<std::size_t>(count));
    return true;
}

std::optional<Message> WorkerProcess::receive() {
    for (;;) {
        if (auto message = next()) return message;
        if (reader_.error() || !read_more()) return std::nullopt;
    }
}

int WorkerProcess::wait() {
    int status = 0;
    const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    const Fd owned{pidfd};
    pollfd poll{.fd = pidfd, .events = POLLIN, .revents = 0};
    if (::poll(&poll, 1, patience_ms) != 1) {
        ADD_FAILURE() << "the worker does not end";
        ::kill(pid_, SIGKILL);
    }
    ::waitpid(pid_, &status, 0);
    waited_ = true;
    return status;
}

std::vector<Message> WorkerProcess::leftovers() {
    std::vector<Message> messages;
    while (auto message = receive()) messages.push_back(std::move(*message));
    const std::uint64_t written = box_->written.load();
    if (written > arrived_ && written - arrived_ <= wire::ring_bytes) {
        const auto space = reader_.prepare(written - arrived_);
        for (std::uint64_t n = arrived_; n < written; ++n) space[n - arrived_] = box_->ring[n % wire::ring_bytes];
        reader_.commit(written - arrived_);
        arrived_ = written;
    }
    while (auto message = next()) messages.push_back(std::move(*message));
    return messages;
}

std::string WorkerProcess::output() {
    std::string text;
    char piece[4096];
    for (;;) {
        pollfd poll{.fd = output_.get(), .events = POLLIN, .revents = 0};
        if (::poll(&poll, 1, 0) != 1) return text;
        const ssize_t count = ::read(output_.get(), piece, sizeof piece);
        if (count <= 0) return text;
        text.append(piece, static_cast<std::size_t>(count));
    }
}

}  // namespace caisson::test

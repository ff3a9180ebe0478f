// SPDX-License-Identifier: Apache-2.0
/// A worker as the supervisor has one: the real program, its socket, its black box, and how it ended.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "wire/black_box.hpp"
#include "wire/codec.hpp"

namespace caisson::test {

/// A frame that owns its bytes.
struct Message {
    wire::Header header;
    std::string head;
    std::string body;
};

class WorkerProcess {
   public:
    /// `keeper` is what the worker is told of its parent; 0 for the truth.
    explicit WorkerProcess(pid_t keeper = 0);
    ~WorkerProcess();
    WorkerProcess(const WorkerProcess&) = delete;
    WorkerProcess& operator=(const WorkerProcess&) = delete;

    /// Sends the setup frame for a fixture of fixtures/plugins, or for an absolute path.
    void setup(std::string_view plugin, nlohmann::json more = nlohmann::json::object());
    /// setup(), and takes the ready frame.
    void start(std::string_view plugin, nlohmann::json more = nlohmann::json::object());

    /// Adds a call to what send() sends. The method is a name of the ready frame.
    void add(std::uint64_t id, std::string_view method, std::string_view body = {}, wire::Header more = {});
    void add(wire::Header header, std::string_view head = {});
    /// Sends everything that was added in one system call.
    void send();
    /// One call and its answer.
    Message call(std::uint64_t id, std::string_view method, std::string_view body = {}, wire::Header more = {});

    /// The next frame; fails the test after ten seconds. Nothing at the end of the stream.
    [[nodiscard]] std::optional<Message> receive();
    /// System calls that receive() has needed.
    [[nodiscard]] int reads() const { return reads_; }

    /// Waits for the end; the status as waitpid has it.
    [[nodiscard]] int wait();
    /// After wait(): everything that was answered and not received, from the socket and then from the black box.
    [[nodiscard]] std::vector<Message> leftovers();
    /// What the worker wrote to stdout so far; call it after wait() for all of it.
    [[nodiscard]] std::string output();

    [[nodiscard]] wire::BlackBox& box() { return *box_; }
    [[nodiscard]] pid_t pid() const { return pid_; }
    void hang_up() { socket_.reset(); }

   private:
    [[nodiscard]] bool read_more();
    [[nodiscard]] std::optional<Message> next();

    Fd socket_;
    Fd output_;
    wire::BlackBox* box_ = nullptr;
    pid_t pid_ = -1;
    bool waited_ = false;
    int reads_ = 0;
    std::uint64_t arrived_ = 0;
    wire::FrameReader reader_;
    wire::Buffer pending_;
    std::vector<std::string> methods_;
};

}  // namespace caisson::test

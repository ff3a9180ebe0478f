// SPDX-License-Identifier: Apache-2.0
/// A real service for one test: `caisson serve` with a configuration and a folder of its own.
///
/// It is ready when the constructor returns. Its end checks what holds for every test: that nobody is left behind, and
/// that no sanitizer has complained.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "client/client.hpp"
#include "support/processes.hpp"
#include "support/program.hpp"

namespace caisson::test {

using Json = nlohmann::json;

/// What the build made, as absolute paths.
[[nodiscard]] std::filesystem::path caisson_program();
[[nodiscard]] std::filesystem::path plugin_folder();
[[nodiscard]] std::filesystem::path fixture_folder();
[[nodiscard]] std::string chaos_library();
[[nodiscard]] std::string fixture_library(std::string_view name);

/// `caisson ARGUMENTS…`, to its end.
Ended caisson(std::vector<std::string> arguments, const Program::Options& options = {});

[[nodiscard]] std::string read_file(const std::filesystem::path& file);
void write_file(const std::filesystem::path& file, std::string_view text);

/// A folder that goes with its owner.
class Folder {
   public:
    Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder();
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

   private:
    std::filesystem::path path_;
};

/// A fifo that a call of `ledger.gate` waits at, so that a test says when a running call ends.
class Gate {
   public:
    Gate();
    [[nodiscard]] std::string path() const { return (folder_ / "gate").string(); }
    /// Lets the call go on and answer `text`; throws if none comes.
    void open(std::string_view text) const;

   private:
    Folder folder_;
};

/// The programs of the build in a folder of their own, where a test may replace them.
class Install {
   public:
    Install();
    [[nodiscard]] std::filesystem::path program() const { return folder_ / "caisson"; }
    /// Puts another file in the place of one, as an installation does: the old one lives on for who has it open.
    void replace(std::string_view name, std::string_view contents) const;
    void replace_by_link(std::string_view name, const std::filesystem::path& other) const;
    void remove(std::string_view name) const;

   private:
    Folder folder_;
};

/// The parts of a configuration that a test says; the fixture adds socket, plugin_dir, state_dir and the log's file.
struct Configuration {
    std::string pools = "[pool.math]\nworkers = 4\n";  ///< the sections of pools, and of [defaults]
    std::string service = {};                          ///< more lines of [service]
    std::string log = {};                              ///< more lines of [log]
    std::string access = {};                           ///< lines of [access]
    std::filesystem::path plugin_dir = {};             ///< empty: the plugins of the build
    bool discover = false;
    bool watch = false;                         ///< else only a reload looks, so that a test says when
    std::filesystem::path program = {};         ///< empty: that of the build
    std::vector<std::string> environment = {};  ///< "NAME=value" of the supervisor, for as long as it lives
};

class Service {
   public:
    explicit Service(const Configuration& configuration = {}, const std::vector<std::string>& arguments = {});
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;
    ~Service();

    // The process.
    [[nodiscard]] pid_t pid() const { return serve_->pid(); }
    [[nodiscard]] pid_t keeper() const;
    void signal(int number) const { serve_->signal(number); }
    [[nodiscard]] bool running() const { return serve_->running(); }
    /// Waits for the supervisor's end.
    Ended wait() { return serve_->wait(); }
    /// SIGTERM, and the end of everything.
    Ended stop();
    /// Waits for the supervisor's end, which must be in good order, and goes on with the one that took over from it.
    void follow(pid_t successor);
    /// Starts another supervisor with the same configuration, after the end of the one before.
    void start();

    // The command and the client.
    [[nodiscard]] std::vector<std::string> command(std::vector<std::string> arguments) const;
    Ended run(std::vector<std::string> arguments, const Program::Options& options = {}) const;
    [[nodiscard]] Client client() const;
    /// A request on a session of its own; throws if it was refused.
    [[nodiscard]] Json request(const Json& request) const;

    // What it tells.
    [[nodiscard]] Json status() const;
    [[nodiscard]] Json pool(std::string_view name) const;
    /// Pids of the workers that can take calls, by their numbers.
    [[nodiscard]] std::vector<pid_t> workers(std::string_view pool) const;
    [[nodiscard]] Json crashes() const;
    [[nodiscard]] std::string log() const;

    // Waiting; each throws if it does not come.
    void await_pool(std::string_view name, std::string_view state = "ready") const;
    void await_running(std::string_view pool, std::size_t calls) const;
    void await_log(std::string_view text) const;
    void await_state(std::string_view state) const;

    // Its files.
    void configure(const Configuration& configuration) const;
    [[nodiscard]] std::filesystem::path socket() const { return folder_ / "caisson.sock"; }
    [[nodiscard]] std::filesystem::path config() const { return folder_ / "caisson.toml"; }
    [[nodiscard]] const Folder& folder() const { return folder_; }

   private:
    void launch();
    void await_ready() const;

    Folder folder_;
    std::vector<std::string> arguments_;
    std::filesystem::path program_;
    std::vector<std::string> environment_;
    std::unique_ptr<Program> serve_;
};

/// One call on a session; throws if the session is lost.
CallResult call(Client& client, std::string_view target, std::string_view body = {}, std::string_view params = {},
                std::optional<std::chrono::milliseconds> timeout = {});
/// The outcome document of a call that did not end well.
[[nodiscard]] Json document(const CallResult& result);
/// "ok", "crashed signaled SIGSEGV", "crashed exited 3", "timed_out killed", "failed internal", …: how it ended, to be
/// compared in one line.
[[nodiscard]] std::string summary(const CallResult& result);

}  // namespace caisson::test

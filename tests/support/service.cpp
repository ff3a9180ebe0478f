// SPDX-License-Identifier: Apache-2.0
#include "support/service.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "wire/codec.hpp"

namespace caisson::test {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void give_up(const std::string& what) { throw std::runtime_error(what); }

void expect(bool holds, const std::string& what) {
    if (!holds) give_up(what);
}

std::string toml_of(const Configuration& configuration, const Folder& folder) {
    const auto plugins = configuration.plugin_dir.empty() ? plugin_folder() : configuration.plugin_dir;
    return "[service]\nsocket = \"caisson.sock\"\nstate_dir = \"state\"\nplugin_dir = \"" + plugins.string() +
           "\"\ndiscover = " + (configuration.discover ? "true" : "false") +
           "\nwatch = " + (configuration.watch ? "true" : "false") + "\n" + configuration.service +
           "\n[log]\nfile = \"" + (folder / "serve.log").string() + "\"\n" + configuration.log + "\n[access]\n" +
           configuration.access + "\n" + configuration.pools;
}

// Nobody else waits for what this process has adopted.
void reap(const std::vector<pid_t>& pids) {
    for (const pid_t pid : pids) ::waitpid(pid, nullptr, WNOHANG);
}

}  // namespace

fs::path caisson_program() { return CAISSON_PROGRAM; }
fs::path plugin_folder() { return CAISSON_PLUGINS; }
fs::path fixture_folder() { return CAISSON_FIXTURES; }
std::string chaos_library() { return CAISSON_CHAOS; }
std::string fixture_library(std::string_view name) { return (fixture_folder() / "plugins" / name).string() + ".so"; }

Ended caisson(std::vector<std::string> arguments, const Program::Options& options) {
    arguments.insert(arguments.begin(), caisson_program().string());
    return run_program(std::move(arguments), options);
}

std::string read_file(const fs::path& file) {
    std::ifstream stream{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{stream}, {}};
}

void write_file(const fs::path& file, std::string_view text) {
    std::ofstream stream{file, std::ios::binary | std::ios::trunc};
    stream.write(text.data(), static_cast<std::streamsize>(text.size())).flush();
    expect(stream.good(), "cannot write " + file.string());
}

Folder::Folder() {
    std::string name = (fs::temp_directory_path() / "caisson-test-XXXXXX").string();
    expect(::mkdtemp(name.data()) != nullptr, "no temporary folder");
    path_ = name;
}

Folder::~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

Install::Install() {
    for (const auto* const name : {"caisson", "caisson-worker", "caisson-keeper", "caisson-symbolizer"})
        replace_by_link(name, caisson_program().parent_path() / name);
}

void Install::replace(std::string_view name, std::string_view contents) const {
    write_file(folder_ / "new", contents);
    fs::permissions(folder_ / "new", fs::perms::owner_all);
    fs::rename(folder_ / "new", folder_ / name);
}

// A link where it can be one: the programs are large.
void Install::replace_by_link(std::string_view name, const fs::path& other) const {
    std::error_code error;
    fs::create_hard_link(other, folder_ / "new", error);
    if (error) fs::copy_file(other, folder_ / "new");
    fs::rename(folder_ / "new", folder_ / name, error);
    expect(!error, "cannot replace " + std::string{name});
    fs::remove(folder_ / "new", error);  // two links to one file are not renamed
}

void Install::remove(std::string_view name) const { fs::remove(folder_ / name); }

Gate::Gate() { expect(::mkfifo(path().c_str(), 0600) == 0, "no fifo"); }

void Gate::open(std::string_view text) const {
    Fd fifo;
    expect(eventually([&] {
               fifo.reset(::open(path().c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
               return static_cast<bool>(fifo);
           }),
           "no call waits at the gate");
    expect(::write(fifo.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()), "the gate is narrow");
}

// ---- the process ----------------------------------------------------------------------------------------------------

Service::Service(const Configuration& configuration, const std::vector<std::string>& arguments)
    : arguments_(arguments),
      program_(configuration.program.empty() ? caisson_program() : configuration.program),
      environment_(configuration.environment) {
    adopt_orphans();
    configure(configuration);
    launch();
}

void Service::start() {
    expect(!serve_->running(), "the supervisor before still runs");
    (void)serve_->wait();
    launch();
}

void Service::follow(pid_t successor) {
    const auto ended = wait();
    expect(ended.code == 0, "the supervisor before ended with " + std::to_string(ended.code) + ": " + ended.err);
    serve_->follow(successor);
}

void Service::launch() {
    std::vector<std::string> line{program_.string(), "serve", "-c", config().string()};
    line.insert(line.end(), arguments_.begin(), arguments_.end());
    serve_ = std::make_unique<Program>(
        std::move(line), Program::Options{.folder = folder_.path().string(), .environment = environment_});
    await_ready();
}

void Service::await_ready() const {
    std::string why = "nothing was heard of it";
    const bool ready = eventually([&] {
        if (!serve_->running()) return true;
        auto client = Client::connect(socket(), 1s);
        if (!client) return why = client.error().message, false;
        const auto pools = status().at("pools");
        for (const auto& pool : pools)
            if (pool.at("state") != "ready" && pool.at("state") != "quarantined") return why = pool.dump(), false;
        return true;
    });
    expect(ready && serve_->running(), "the service did not get ready: " + why + "\n" + serve_->err() + log());
}

Ended Service::stop() {
    signal(SIGTERM);
    return wait();
}

Service::~Service() {
    try {
        const auto ended = stop();
        for (const char* sign : {"Sanitizer", "runtime error:"})
            EXPECT_EQ(ended.err.find(sign), std::string::npos) << ended.err;
        // Those of a supervisor that was killed end soon after it.
        std::vector<Process> left;
        const bool alone = eventually([&] {
            reap(zombies(::getpid()));
            return (left = descendants(::getpid())).empty();
        });
        EXPECT_TRUE(alone) << "left behind:\n" << describe(left);
        for (const auto& process : left) ::kill(process.pid, SIGKILL);
        if (testing::Test::HasFailure()) std::fprintf(stderr, "---- log of the service\n%s----\n", log().c_str());
    } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
    }
}

pid_t Service::keeper() const {
    for (const auto& process : descendants(pid()))
        if (process.parent == pid() && process.name == "caisson-keeper") return process.pid;
    give_up("the supervisor has no keeper");
}

// ---- the command and the client -------------------------------------------------------------------------------------

std::vector<std::string> Service::command(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {caisson_program().string(), "--socket", socket().string()});
    return arguments;
}

Ended Service::run(std::vector<std::string> arguments, const Program::Options& options) const {
    return run_program(command(std::move(arguments)), options);
}

Client Service::client() const {
    auto client = Client::connect(socket(), patience);
    if (!client) give_up(client.error().message);
    return std::move(*client);
}

Json Service::request(const Json& request) const {
    auto session = client();
    const auto answer = session.request(request.dump(), patience);
    if (!answer) give_up(answer.error().message);
    expect(answer->ok, request.dump() + " was refused: " + answer->json);
    return Json::parse(answer->json);
}

// ---- what it tells --------------------------------------------------------------------------------------------------

Json Service::status() const { return request({{"verb", "status"}}); }

Json Service::pool(std::string_view name) const {
    return request({{"verb", "status"}, {"pool", name}}).at("pools").at(0);
}

std::vector<pid_t> Service::workers(std::string_view name) const {
    std::vector<pid_t> pids;
    const auto workers = pool(name).at("workers");
    for (const auto& worker : workers)
        if (worker.at("state") == "idle" || worker.at("state") == "running") pids.push_back(worker.at("pid"));
    return pids;
}

Json Service::crashes() const { return request({{"verb", "crashes"}}).at("crashes"); }
std::string Service::log() const { return read_file(folder_ / "serve.log"); }

void Service::await_pool(std::string_view name, std::string_view state) const {
    Json last;
    const bool reached = eventually([&] { return (last = pool(name)).at("state") == state; });
    expect(reached, "pool " + std::string{name} + " did not become " + std::string{state} + ": " + last.dump());
}

void Service::await_running(std::string_view name, std::size_t calls) const {
    Json last;
    const bool reached = eventually([&] { return (last = pool(name)).at("running") == calls; });
    expect(reached, "there were never " + std::to_string(calls) + " calls running: " + last.dump());
}

void Service::await_log(std::string_view text) const {
    expect(eventually([&] { return log().find(text) != std::string::npos; }),
           "the log never said: " + std::string{text});
}

void Service::await_state(std::string_view state) const {
    expect(eventually([&] { return status().at("supervisor").at("state") == state; }),
           "the supervisor never was: " + std::string{state});
}

void Service::configure(const Configuration& configuration) const {
    write_file(config(), toml_of(configuration, folder_));
}

// ---- calls ----------------------------------------------------------------------------------------------------------

CallResult call(Client& client, std::string_view target, std::string_view body, std::string_view params,
                std::optional<std::chrono::milliseconds> timeout) {
    auto result = client.call({.target = target, .body = wire::bytes_of(body), .params = params, .timeout = timeout});
    if (!result) give_up(result.error().message);
    return std::move(*result);
}

Json document(const CallResult& result) { return Json::parse(result.json); }

std::string summary(const CallResult& result) {
    std::string text{word(result.outcome)};
    if (result.outcome == Outcome::ok) return text;
    const auto all = document(result);
    const auto add = [&](const Json& part) {
        if (part.is_string()) text += " " + part.get<std::string>();
        if (part.is_number()) text += " " + part.dump();
    };
    if (all.contains("status")) add(all["status"]);
    if (all.contains("phase")) add(all["phase"]);
    if (all.contains("bound")) add(all["bound"]);
    if (!all.contains("exit")) return text;
    const auto& exit = all["exit"];
    add(exit.at("kind"));
    if (exit.at("kind") == "signaled") add(exit.at("signal"));
    if (exit.at("kind") == "exited") add(exit.at("code"));
    return text;
}

}  // namespace caisson::test

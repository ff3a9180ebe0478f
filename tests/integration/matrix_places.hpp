// SPDX-License-Identifier: Apache-2.0
/// Where the matrix is played: in a real service, and in this program. Each has a pool "good" of two workers, and maybe
/// one beside it that cannot start.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <caisson/pool.hpp>
#include <chrono>
#include <csignal>
#include <future>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/ends.hpp"
#include "support/service.hpp"
#include "wire/codec.hpp"

namespace caisson::test {

/// What a pool is made of.
struct Setup {
    std::string plugin = chaos_library();
    std::string crash = {};  ///< the setting of chaos
    std::map<std::string, std::string> env = {};
};

struct Task {
    std::string method = {};
    std::string body = {};
    std::string params = {};
    std::chrono::milliseconds timeout = patience;
};

/// Limits that a plugin can reach in a moment.
inline constexpr std::uint64_t memory_mib = 256;
inline constexpr std::uint64_t files = 256;

class Place {
   public:
    Place() = default;
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    virtual ~Place() = default;

    /// Hands a call over; the number is for `end`.
    virtual std::uint64_t begin(const Task& task) = 0;
    virtual CallResult end(std::uint64_t number) = 0;
    /// A call of the pool that cannot start.
    virtual CallResult call_bad_pool() = 0;
    /// Workers that can take calls.
    virtual std::vector<pid_t> workers() = 0;
    virtual void resize(int workers) = 0;
    virtual pid_t keeper() = 0;
    /// The signal that ended the worker, of each crash report so far.
    virtual std::vector<std::string> reports() = 0;
    /// SIGKILL for the supervisor, which starts again.
    virtual void kill() = 0;
};

class ServicePlace : public Place {
   public:
    ServicePlace(const Setup& good, const std::optional<Setup>& bad)
        : service_({.pools = toml(good, bad)}), session_(service_.client()), ends_(session_) {}

    std::uint64_t begin(const Task& task) override {
        const auto target = "good." + task.method;
        const auto id = ends_->submit(
            {.target = target, .body = wire::bytes_of(task.body), .params = task.params, .timeout = task.timeout});
        if (!session_.flush()) throw std::runtime_error("the session is lost");
        return id;
    }
    CallResult end(std::uint64_t number) override {
        (void)ends_->await(number);
        auto result = ends_->result(number);
        if (lost_) connect();
        return result;
    }
    CallResult call_bad_pool() override { return call(session_, "bad.ok", "1"); }
    std::vector<pid_t> workers() override { return service_.workers("good"); }
    void resize(int workers) override { service_.run({"resize", "good", std::to_string(workers)}); }
    pid_t keeper() override { return service_.keeper(); }
    std::vector<std::string> reports() override {
        std::vector<std::string> all;
        const auto crashes = service_.crashes();
        for (const auto& crash : crashes) all.push_back(crash.at("exit").value("signal", ""));
        return all;
    }
    void kill() override {
        const auto everybody = watch_all(descendant_pids(service_.pid()));
        service_.signal(SIGKILL);
        (void)service_.wait();
        if (!left_after(everybody, 2s).empty()) throw std::runtime_error("somebody outlives the supervisor");
        service_.start();
        lost_ = true;
    }

   private:
    static std::string section(const std::string& name, const Setup& setup) {
        auto text = "[pool." + name + "]\nworkers = 2\nplugin = \"" + setup.plugin + "\"\n";
        text +=
            "limits = { memory = \"" + std::to_string(memory_mib) + "MiB\", files = " + std::to_string(files) + " }\n";
        if (!setup.crash.empty()) text += "settings = { crash = \"" + setup.crash + "\" }\n";
        text += "[pool." + name + ".env]\n";
        for (const auto& [variable, value] : setup.env) text.append(variable).append(" = \"" + value + "\"\n");
        return text;
    }
    static std::string toml(const Setup& good, const std::optional<Setup>& bad) {
        auto text = "[defaults.stop]\ngrace = \"100ms\"\n" + section("good", good);
        if (bad)
            text += section("bad", *bad) +
                    "[pool.bad.restart]\nintensity = 1\nperiod = \"1h\"\ncooldown = \"1h\"\n"
                    "backoff = { min = \"1ms\", max = \"1ms\" }\n";
        return text;
    }
    void connect() {
        lost_ = false;
        ends_.reset();
        session_ = service_.client();
        ends_.emplace(session_);
    }

    Service service_;
    Client session_;
    std::optional<Ends> ends_;
    bool lost_ = false;  // the session is with a supervisor that has died
};

class EmbeddedPlace : public Place {
   public:
    EmbeddedPlace(const Setup& good, std::optional<Setup> bad)
        : engine_({.report_dir = folder_.path()}), pool_(engine_, options("good", good)), bad_(std::move(bad)) {}

    std::uint64_t begin(const Task& task) override {
        ends_.push_back(std::async(std::launch::async, [this, task] {
            return pool_.call(task.method, task.body, {.params = task.params, .timeout = task.timeout});
        }));
        return ends_.size() - 1;
    }
    CallResult end(std::uint64_t number) override { return ends_.at(number).get(); }
    CallResult call_bad_pool() override {
        auto terms = options("bad", *bad_);
        terms.restart = {.intensity = 1, .period = 1h, .backoff_min = 1ms, .backoff_max = 1ms, .cooldown = 1h};
        try {
            return Pool{engine_, std::move(terms)}.call("ok", "1");
        } catch (const PoolError& error) {
            return {.outcome = Outcome::refused, .message = error.what(), .json = "{}"};
        }
    }
    std::vector<pid_t> workers() override {
        std::vector<pid_t> pids;
        for (const auto& worker : pool_.workers())
            if (worker.state == "idle" || worker.state == "running") pids.push_back(static_cast<pid_t>(worker.pid));
        return pids;
    }
    void resize(int workers) override { pool_.resize(workers); }
    pid_t keeper() override {
        for (const auto& process : descendants(::getpid()))
            if (process.parent == ::getpid() && process.name == "caisson-keeper") return process.pid;
        throw std::runtime_error("the engine has no keeper");
    }
    std::vector<std::string> reports() override {
        std::vector<std::string> all;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
            const auto report = Json::parse(read_file(entry.path()), nullptr, false);
            if (report.is_object()) all.push_back(report.at("exit").value("signal", ""));
        }
        return all;
    }
    void kill() override { throw std::logic_error("that is this program"); }

   private:
    static PoolOptions options(std::string name, const Setup& setup) {
        return {.plugin = setup.plugin,
                .workers = 2,
                .name = std::move(name),
                .grace = 100ms,
                .limits = {.memory = memory_mib * 1024 * 1024, .files = files},
                .env = setup.env,
                .settings = setup.crash.empty() ? "" : R"({"crash": ")" + setup.crash + "\"}"};
    }

    Folder folder_;
    Engine engine_;
    Pool pool_;
    std::optional<Setup> bad_;
    std::vector<std::future<CallResult>> ends_;
};

}  // namespace caisson::test

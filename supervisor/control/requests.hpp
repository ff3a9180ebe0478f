// SPDX-License-Identifier: Apache-2.0
/// What can be asked of a service beside calls: the verbs, the right that each takes, and their answers.
///
/// Both doors ask here, the sockets of clients and the page. An answer may come later than the question; whoever asked
/// must bear that, and must be gone without harm by then.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/loop.hpp"
#include "control/access.hpp"
#include "control/news.hpp"
#include "control/status.hpp"
#include "dispatch/dispatcher.hpp"

namespace caisson::control {

/// Takes what was asked for, or why it was not done; at most once.
using Done = std::move_only_function<void(Result<nlohmann::json>)>;

/// What only the program itself can do.
struct Operations {
    /// Reads the configuration again; the changes as text, or why nothing was changed.
    std::function<Result<std::vector<std::string>>()> reload;
    /// What `reload` would do now; nothing is changed.
    std::function<Result<std::vector<std::string>>()> preview;
    /// Begins to stop; `now`: without letting accepted calls finish.
    std::function<void(bool now)> stop;
    /// Lets the program that stands at its own path take over; answers when that has, or has not.
    std::function<void(Done)> upgrade = {};
    /// How many clients are connected, by the service's socket and over HTTP.
    struct Connections {
        std::size_t sessions = 0;
        std::size_t http = 0;
    };
    std::function<Connections()> connections = {};
};

class Requests {
   public:
    /// `ok`: it was done, and `json` is what was asked for; else `json` is {"message", "hint"}.
    struct Reply {
        bool ok = true;
        std::string json;
    };
    /// Called once, on the loop's thread, from inside `answer` or later.
    using Respond = std::move_only_function<void(Reply)>;
    /// Who asks: a name for messages, and what he may.
    struct Asker {
        std::string name;
        std::function<bool(Verb)> may;
    };

    Requests(Loop& loop, Log& log, dispatch::Dispatcher& dispatcher, ServiceFacts facts, Operations operations);

    /// Answers one request, a JSON object with "verb" in it.
    void answer(const Asker& asker, std::string_view text, Respond respond);

    /// The metrics of now, as Prometheus reads them.
    [[nodiscard]] std::string metrics();
    /// Answers who waits for news now, with what there is: the service ends, or his session is to go elsewhere.
    void flush_waiting() { news_.flush(); }

    [[nodiscard]] const ServiceFacts& facts() const { return facts_; }
    void set_http(ServiceFacts::Http http) { facts_.http = std::move(http); }
    void set_before(std::uint32_t generation, ServiceFacts::Before before) {
        facts_.generation = generation;
        facts_.upgraded_from = std::move(before);
    }
    void set_problems(std::vector<std::string> problems) { facts_.problems = std::move(problems); }
    void set_reload(ServiceFacts::Reload reload) { facts_.reload = std::move(reload); }
    void set_config(std::filesystem::path file) { facts_.config = std::move(file); }

   private:
    struct Row;
    static const Row table[];

    // Each answers `done`, most at once.
    void show_status(const nlohmann::json& request, Done done);
    void show_crashes(const nlohmann::json& request, Done done);
    void show_poison(const nlohmann::json& request, Done done);
    void show_events(const nlohmann::json& request, Done done);
    void show_logs(const nlohmann::json& request, Done done);
    void show_metrics(const nlohmann::json& request, Done done);
    void clear_poison(const nlohmann::json& request, Done done);
    void resize(const nlohmann::json& request, Done done);
    void restart(const nlohmann::json& request, Done done);
    void drain(const nlohmann::json& request, Done done);
    void resume(const nlohmann::json& request, Done done);
    void reload(const nlohmann::json& request, Done done);
    void stop(const nlohmann::json& request, Done done);
    void upgrade(const nlohmann::json& request, Done done);
    /// The pool that a request names, or why there is none to operate.
    [[nodiscard]] Result<dispatch::Pool*> pool_in(const nlohmann::json& request);

    Loop& loop_;
    Log& log_;
    dispatch::Dispatcher& dispatcher_;
    ServiceFacts facts_;
    Operations operations_;
    News news_;
};

}  // namespace caisson::control

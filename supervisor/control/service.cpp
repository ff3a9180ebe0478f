// SPDX-License-Identifier: Apache-2.0
#include "control/service.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "settings/validate.hpp"

namespace caisson::control {

using nlohmann::json;
using namespace std::chrono_literals;

namespace {

/// Bytes of a request that is answered; a request names things, it carries no data.
constexpr std::size_t max_operation_bytes = 64 * 1024;
/// Between two looks whether the last sessions have taken their answers.
constexpr auto close_look = 5ms;

std::string text_in(const json& request, const char* key) {
    const auto found = request.find(key);
    return found != request.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::string dump(const json& document) { return document.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

Service::Service(Loop& loop, Log& log, dispatch::Dispatcher& dispatcher, Listener listener, Access access,
                 const settings::Service& settings, ServiceFacts facts, Operations operations)
    : loop_(loop),
      log_(log),
      dispatcher_(dispatcher),
      listener_(std::move(listener)),
      access_(std::move(access)),
      settings_(settings),
      facts_(std::move(facts)),
      operations_(std::move(operations)),
      surroundings_{loop,
                    log,
                    dispatcher,
                    access_,
                    settings,
                    [this](const Peer& peer, std::string_view text) { return answer(peer, text); },
                    [this](Session& session) { on_end(session); }},
      close_timer_(loop.timer()) {
    listener_.accept(loop_, log_, [this](Fd socket) { on_connection(std::move(socket)); });
}

// ---- sessions -------------------------------------------------------------------------------------------------------

void Service::on_connection(Fd socket) {
    auto peer = peer_of(socket.get());
    if (!peer) return;
    const auto same_user = static_cast<std::uint32_t>(
        std::ranges::count_if(sessions_, [&](const auto& session) { return session->peer().uid == peer->uid; }));
    const char* bound = nullptr;
    if (sessions_.size() >= settings_.max_sessions) bound = "service.max_sessions";
    if (same_user >= settings_.max_sessions_per_user) bound = "service.max_sessions_per_user";
    auto session = std::make_unique<Session>(surroundings_, std::move(socket), std::move(*peer));
    auto* const added = session.get();
    sessions_.push_back(std::move(session));
    if (bound != nullptr) added->end("bound", cat("too many sessions (", std::string_view{bound}, ")"));
}

void Service::on_end(Session& session) {
    const auto found = std::ranges::find(sessions_, &session, [](const auto& s) { return s.get(); });
    if (found == sessions_.end()) return;
    // It is still in its callback: it goes in a later turn.
    loop_.post([gone = std::shared_ptr<Session>(std::move(*found))] {});
    sessions_.erase(found);
}

void Service::close(Duration patience, std::function<void()> done) {
    listener_.close();
    closed_ = std::move(done);
    close_until_ = Clock::now() + patience;
    check_closed();
}

void Service::check_closed() {
    const bool patient = Clock::now() < close_until_;
    for (std::size_t i = sessions_.size(); i-- > 0;)
        if (!patient || sessions_[i]->waiting_bytes() == 0) sessions_[i]->end("stopping", "the service stopped");
    if (sessions_.empty()) return loop_.post(std::exchange(closed_, nullptr));
    close_timer_.arm_after(close_look, [this] { check_closed(); });
}

// ---- requests -------------------------------------------------------------------------------------------------------

Session::Reply Service::answer(const Peer& peer, std::string_view text) {
    const auto refuse = [](std::string_view message, std::string_view hint) {
        return Session::Reply{false, dump({{"message", message}, {"hint", hint}})};
    };
    const auto request = text.size() > max_operation_bytes ? json{} : json::parse(text, nullptr, false);
    if (!request.is_object()) return refuse("the request is not a JSON object", "");
    const auto verb = text_in(request, "verb");

    struct Row {
        std::string_view verb;
        Verb right;
        Result<json> (Service::*perform)(const json&);
    };
    static constexpr std::array<Row, 7> table{{
        {"status", Verb::call, &Service::show_status},
        {"crashes", Verb::call, &Service::show_crashes},
        {"poison", Verb::call, &Service::show_poison},
        {"clear_poison", Verb::operate, &Service::clear_poison},
        {"resize", Verb::operate, &Service::resize},
        {"reload", Verb::operate, &Service::reload},
        {"stop", Verb::admin, &Service::stop},
    }};
    const auto row = std::ranges::find(table, verb, &Row::verb);
    if (row == table.end())
        return refuse(cat("unknown verb ", printable(verb)), "the client may be newer than the service");
    if (!access_.allows(peer, row->right))
        return refuse(cat("user ", peer.uid, " may not ", verb, " this service"),
                      cat("add the user to access.", word(row->right)));
    auto done = (this->*row->perform)(request);
    if (!done) return refuse(done.error().what, done.error().hint);
    return {true, dump(*done)};
}

Result<json> Service::show_status(const json& request) {
    const auto pool = text_in(request, "pool");
    if (!pool.empty() && dispatcher_.find(pool) == nullptr) {
        std::string names;
        for (const auto& [name, known] : dispatcher_.pools()) names += cat(names.empty() ? "" : ", ", name);
        return fail(cat("there is no pool ", printable(pool)), cat("the pools are: ", names));
    }
    return status(dispatcher_, facts_, pool);
}

Result<json> Service::show_crashes(const json& request) {
    const auto id = text_in(request, "id");
    if (id.empty()) return json{{"crashes", dispatcher_.reports().list()}};
    const auto report = dispatcher_.reports().find(id);
    if (!report)
        return fail(cat("there is no crash report ", printable(id)), "see `caisson crashes`; a prefix must be unique");
    return json{{"crash", json::parse(*report, nullptr, false)}};
}

Result<json> Service::show_poison(const json& request) {
    (void)request;
    return json{{"poison", dispatcher_.poison()}};
}

Result<json> Service::clear_poison(const json& request) {
    const auto id = text_in(request, "id");
    const auto pool = text_in(request, "pool");
    if (!pool.empty() && dispatcher_.find(pool) == nullptr)
        return fail(cat("there is no pool ", printable(pool)), "see `caisson status`");
    const auto cleared = dispatcher_.clear_poison(id, pool);
    if (cleared == 0 && !id.empty()) return fail(cat("there is no poison ", printable(id)), "see `caisson poison`");
    return json{{"cleared", cleared}};
}

Result<json> Service::resize(const json& request) {
    const auto name = text_in(request, "pool");
    auto* const pool = dispatcher_.find(name);
    if (pool == nullptr || pool->removed)
        return fail(cat("there is no pool ", printable(name)), "see `caisson status`");
    const auto workers = request.find("workers");
    if (workers == request.end() || !workers->is_number_integer() || workers->get<std::int64_t>() < 1 ||
        workers->get<std::int64_t>() > std::int64_t{settings::bounds::workers.max})
        return fail(cat("workers must be a number from 1 to ", settings::bounds::workers.max), "");
    const auto was = dispatcher_.crew(name).target();
    const auto now = workers->get<std::uint32_t>();
    dispatcher_.crew(name).resize(now);
    log_.info("pool resized", {{"pool", name}, {"was", was}, {"workers", now}});
    return json{{"pool", name}, {"was", was}, {"workers", now}};
}

Result<json> Service::reload(const json& request) {
    (void)request;
    auto changes = operations_.reload();
    if (!changes) return std::unexpected(changes.error());
    return json{{"changes", *changes}, {"config", facts_.config.string()}};
}

Result<json> Service::stop(const json& request) {
    const auto now = request.find("now");
    const bool at_once = now != request.end() && now->is_boolean() && now->get<bool>();
    log_.info("told to stop by a client", {{"now", at_once ? "true" : "false"}});
    // In a later turn, so that the answer is on its way first.
    loop_.post([this, at_once] { operations_.stop(at_once); });
    return json{{"stopping", true}};
}

}  // namespace caisson::control

// SPDX-License-Identifier: Apache-2.0
#include "control/requests.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "control/metrics.hpp"
#include "settings/validate.hpp"

namespace caisson::control {

using nlohmann::json;

namespace {

/// Bytes of a request that is answered; a request names things, it carries no data.
constexpr std::size_t max_operation_bytes = 64 * 1024;

std::string text_in(const json& request, const char* key) {
    const auto found = request.find(key);
    return found != request.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

bool flag_in(const json& request, const char* key) {
    const auto found = request.find(key);
    return found != request.end() && found->is_boolean() && found->get<bool>();
}

std::string dump(const json& document) { return document.dump(-1, ' ', false, json::error_handler_t::replace); }

Requests::Reply refusal(std::string_view message, std::string_view hint) {
    return {false, dump({{"message", message}, {"hint", hint}})};
}

}  // namespace

struct Requests::Row {
    std::string_view verb;
    Verb right;
    void (Requests::*perform)(const json&, Done);
};

const Requests::Row Requests::table[] = {
    {"status", Verb::call, &Requests::show_status},
    {"events", Verb::call, &Requests::show_events},
    {"logs", Verb::call, &Requests::show_logs},
    {"metrics", Verb::call, &Requests::show_metrics},
    {"crashes", Verb::call, &Requests::show_crashes},
    {"poison", Verb::call, &Requests::show_poison},
    {"clear_poison", Verb::operate, &Requests::clear_poison},
    {"resize", Verb::operate, &Requests::resize},
    {"reload", Verb::operate, &Requests::reload},
    {"restart", Verb::operate, &Requests::restart},
    {"drain", Verb::operate, &Requests::drain},
    {"resume", Verb::operate, &Requests::resume},
    {"stop", Verb::admin, &Requests::stop},
    {"upgrade", Verb::admin, &Requests::upgrade},
};

Requests::Requests(Loop& loop, Log& log, dispatch::Dispatcher& dispatcher, ServiceFacts facts, Operations operations)
    : loop_(loop),
      log_(log),
      dispatcher_(dispatcher),
      facts_(std::move(facts)),
      operations_(std::move(operations)),
      news_(loop, log) {}

void Requests::answer(const Asker& asker, std::string_view text, Respond respond) {
    const auto request = text.size() > max_operation_bytes ? json{} : json::parse(text, nullptr, false);
    if (!request.is_object()) return respond(refusal("the request is not a JSON object", ""));
    const auto verb = text_in(request, "verb");
    const auto* const row = std::ranges::find(table, verb, &Row::verb);
    if (row == std::end(table))
        return respond(refusal(cat("unknown verb ", printable(verb)), "the client may be newer than the service"));
    if (!asker.may(row->right))
        return respond(refusal(cat(asker.name, " may not ", verb, " this service"),
                               cat("add the user to access.", word(row->right))));
    (this->*row->perform)(request, [respond = std::move(respond)](Result<json> done) mutable {
        respond(done ? Reply{true, dump(*done)} : refusal(done.error().what, done.error().hint));
    });
}

Result<dispatch::Pool*> Requests::pool_in(const json& request) {
    const auto name = text_in(request, "pool");
    auto* const pool = dispatcher_.find(name);
    if (pool != nullptr && dispatcher_.stopping()) return fail("the service is stopping");
    if (pool != nullptr && !pool->removed) return pool;
    std::string names;
    for (const auto& [known, other] : dispatcher_.pools()) names += cat(names.empty() ? "" : ", ", known);
    return fail(cat("there is no pool ", printable(name)), cat("the pools are: ", names));
}

// ---- looking --------------------------------------------------------------------------------------------------------

void Requests::show_status(const json& request, Done done) {
    const auto name = text_in(request, "pool");
    if (!name.empty() && dispatcher_.find(name) == nullptr) return done(std::unexpected(pool_in(request).error()));
    dispatcher_.measure_now();
    auto document = status(dispatcher_, facts_, name);
    const auto connections = operations_.connections();
    document["supervisor"]["sessions"] = connections.sessions;
    document["supervisor"]["log_dropped"] = log_.dropped();
    done(std::move(document));
}

void Requests::show_crashes(const json& request, Done done) {
    const auto id = text_in(request, "id");
    if (id.empty()) return done(json{{"crashes", dispatcher_.reports().list()}});
    const auto report = dispatcher_.reports().find(id);
    if (!report)
        return done(
            fail(cat("there is no crash report ", printable(id)), "see `caisson crashes`; a prefix must be unique"));
    done(json{{"crash", json::parse(*report, nullptr, false)}});
}

void Requests::show_poison(const json& request, Done done) {
    (void)request;
    done(json{{"poison", dispatcher_.poison()}});
}

void Requests::show_events(const json& request, Done done) { news_.ask(News::Kind::events, request, std::move(done)); }

void Requests::show_logs(const json& request, Done done) { news_.ask(News::Kind::logs, request, std::move(done)); }

void Requests::show_metrics(const json& request, Done done) {
    (void)request;
    done(json{{"metrics", metrics()}});
}

std::string Requests::metrics() {
    auto facts = gather_metrics(dispatcher_, facts_);
    const auto connections = operations_.connections();
    facts.sessions = connections.sessions;
    facts.http_connections = connections.http;
    facts.log_dropped = log_.dropped();
    return metrics_text(facts);
}

// ---- operating ------------------------------------------------------------------------------------------------------

void Requests::clear_poison(const json& request, Done done) {
    const auto id = text_in(request, "id");
    const auto pool = text_in(request, "pool");
    if (!pool.empty() && dispatcher_.find(pool) == nullptr) return done(std::unexpected(pool_in(request).error()));
    const auto cleared = dispatcher_.clear_poison(id, pool);
    if (cleared == 0 && !id.empty())
        return done(fail(cat("there is no poison ", printable(id)), "see `caisson poison`"));
    done(json{{"cleared", cleared}});
}

void Requests::resize(const json& request, Done done) {
    const auto pool = pool_in(request);
    if (!pool) return done(std::unexpected(pool.error()));
    const auto workers = request.find("workers");
    if (workers == request.end() || !workers->is_number_integer() || workers->get<std::int64_t>() < 1 ||
        workers->get<std::int64_t>() > std::int64_t{settings::bounds::workers.max})
        return done(fail(cat("workers must be a number from 1 to ", settings::bounds::workers.max), ""));
    const auto& name = (*pool)->hands->name();
    const auto was = dispatcher_.crew(name).target();
    const auto now = workers->get<std::uint32_t>();
    dispatcher_.crew(name).resize(now);
    log_.event("pool_resized", LogLevel::info, "pool resized", {{"pool", name}, {"was", was}, {"workers", now}});
    done(json{{"pool", name}, {"was", was}, {"workers", now}});
}

void Requests::reload(const json& request, Done done) {
    const bool dry = flag_in(request, "dry_run");
    auto changes = dry ? operations_.preview() : operations_.reload();
    if (!changes) return done(std::unexpected(changes.error()));
    json answer{{"changes", *changes}, {"config", facts_.config.string()}};
    if (dry) answer["dry_run"] = true;
    done(std::move(answer));
}

void Requests::stop(const json& request, Done done) {
    const bool at_once = flag_in(request, "now");
    log_.event("service_stopping", LogLevel::info, "told to stop by a client", {{"now", at_once ? "true" : "false"}});
    // In a later turn, so that the answer is on its way first.
    loop_.post([this, at_once] { operations_.stop(at_once); });
    done(json{{"stopping", true}});
}

void Requests::upgrade(const json& request, Done done) {
    (void)request;
    operations_.upgrade(std::move(done));
}

}  // namespace caisson::control

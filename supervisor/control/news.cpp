// SPDX-License-Identifier: Apache-2.0
#include "control/news.hpp"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace caisson::control {

using nlohmann::json;

namespace {

/// Lines of an answer to who does not say how many he wants.
constexpr std::size_t usual_lines = 100;

/// A number of a request: nothing if it is not there; an error if it is no number from 0 to `most`.
Result<std::optional<std::uint64_t>> number_in(const json& request, const char* key, std::uint64_t most) {
    const auto found = request.find(key);
    if (found == request.end() || found->is_null()) return std::nullopt;
    if (found->is_number_unsigned() && found->get<std::uint64_t>() <= most) return found->get<std::uint64_t>();
    return fail(cat(std::string_view{key}, " must be a whole number from 0 to ", most));
}

json line_json(const LogRecord& record) {
    auto line = json::parse(record.fields, nullptr, false);
    if (!line.is_object()) line = json::object();
    line["seq"] = record.sequence;
    line["time"] = record.time;
    line["level"] = word(record.level);
    line["event"] = record.event;
    line["message"] = record.message;
    return line;
}

json answer_of(News::Kind kind, const LogRing::Found& found) {
    auto lines = json::array();
    for (const auto* const record : found.records) lines.push_back(line_json(*record));
    // The pid tells a client that its numbers are of another life.
    return {{kind == News::Kind::events ? "events" : "lines", std::move(lines)},
            {"next", found.next},
            {"lost", found.lost},
            {"pid", ::getpid()}};
}

}  // namespace

struct News::Waiter {
    Kind kind = Kind::events;
    std::uint64_t after = 0;
    std::string pool;
    std::size_t limit = 0;
    TimePoint until;
    Done done;

    [[nodiscard]] LogRing::Wish wish() const {
        return {.events_only = kind == Kind::events, .pool = pool, .limit = limit};
    }
};

News::News(Loop& loop, Log& log) : loop_(loop), log_(log), timer_(loop.timer()) {
    log_.on_record([this](const LogRecord&) { on_record(); });
}

News::~News() {
    *alive_ = false;
    log_.on_record(nullptr);
}

void News::ask(Kind kind, const json& request, Done done) {
    constexpr auto longest = static_cast<std::uint64_t>(std::chrono::seconds{limits::news_wait_max}.count());
    const auto after = number_in(request, "after", UINT64_MAX);
    const auto wait_s = number_in(request, "wait_s", longest);
    const auto limit = number_in(request, "limit", limits::log_answer_lines);
    for (const auto* const number : {&after, &wait_s, &limit})
        if (!*number) return done(std::unexpected(number->error()));
    const auto pool = request.find("pool");
    Waiter waiter{.kind = kind,
                  .after = after->value_or(0),
                  .pool = pool != request.end() && pool->is_string() ? pool->get<std::string>() : std::string{},
                  .limit = limit->value_or(usual_lines),
                  .until = Clock::now() + std::chrono::seconds{wait_s->value_or(0)},
                  .done = std::move(done)};
    const auto found = *after ? log_.records().after(waiter.after, waiter.wish()) : log_.records().last(waiter.wish());
    const bool waits = *after && wait_s->value_or(0) > 0 && found.records.empty() && found.lost == 0;
    if (!waits) return waiter.done(answer_of(kind, found));
    if (waiters_.size() >= limits::news_waiters)
        return waiter.done(fail(cat("too many wait for news already (news_waiters, ", limits::news_waiters, ")"),
                                "ask again later, or without wait_s"));
    waiter.after = found.next;
    waiters_.push_back(std::move(waiter));
    look(Clock::now());
}

// At the end of the turn: what one turn brings is one answer.
void News::on_record() {
    if (waiters_.empty() || std::exchange(look_due_, true)) return;
    loop_.at_end_of_turn([this, alive = alive_] {
        if (!*alive) return;
        look_due_ = false;
        look(Clock::now());
    });
}

void News::look(TimePoint now) {
    std::vector<std::pair<Done, json>> answers;
    auto next = TimePoint::max();
    std::erase_if(waiters_, [&](Waiter& waiter) {
        const auto found = log_.records().after(waiter.after, waiter.wish());
        waiter.after = found.next;
        if (found.records.empty() && found.lost == 0 && now < waiter.until) {
            next = std::min(next, waiter.until);
            return false;
        }
        answers.emplace_back(std::move(waiter.done), answer_of(waiter.kind, found));
        return true;
    });
    if (next == TimePoint::max())
        timer_.cancel();
    else
        timer_.arm_at(next, [this] { look(Clock::now()); });
    for (auto& [done, answer] : answers) done(std::move(answer));
}

void News::flush() { look(TimePoint::max()); }

}  // namespace caisson::control

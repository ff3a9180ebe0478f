// SPDX-License-Identifier: Apache-2.0
#include "dispatch/dispatcher.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/system.hpp"
#include "base/text.hpp"
#include "dispatch/crash_report.hpp"

namespace caisson::dispatch {

using fleet::Crew;
using fleet::CrewState;
using nlohmann::json;

namespace {

/// When the library was last changed: a new version has other places at the same offsets.
std::string stamp_of(const std::filesystem::path& library) {
    std::error_code error;
    const auto changed = std::filesystem::last_write_time(library, error);
    return error ? std::string{} : cat(changed.time_since_epoch().count());
}

std::uint64_t new_secret() {
    std::uint64_t secret = 0;
    sys::random_bytes(&secret, sizeof secret);
    return secret;
}

}  // namespace

Dispatcher::Dispatcher(Surroundings surroundings)
    : around_(std::move(surroundings)),
      keeper_(around_.loop, around_.log, around_.program_dir),
      reports_(around_.loop, around_.log, around_.report_dir, around_.report_count),
      symbols_(around_.loop, around_.log, keeper_),
      scheduler_(static_cast<Port&>(*this), new_secret()),
      look_timer_(around_.loop.timer()),
      drain_timer_(around_.loop.timer()) {
    if (around_.images) librarian_.emplace(around_.loop);
}

Dispatcher::~Dispatcher() { *alive_ = false; }

// ---- pools ----------------------------------------------------------------------------------------------------------

void Dispatcher::add_pool(const settings::Pool& settings) {
    auto& crew = crews_[settings.name];
    crew = std::make_unique<Crew>(fleet::Worker::Surroundings{around_.loop, around_.log, keeper_, around_.output_rules,
                                                              around_.on_output, librarian_ ? &*librarian_ : nullptr},
                                  static_cast<Crew::Listener&>(*this), settings);
    scheduler_.add_pool(settings.name, *crew);
    crew->start();
}

void Dispatcher::apply(const settings::Pool& settings) {
    auto* const pool = find(settings.name);
    if (pool == nullptr) return;
    crew(settings.name).apply(settings);
    scheduler_.on_change(*pool);  // its queue may be longer now
}

void Dispatcher::remove_pool(std::string_view name) {
    auto* const pool = find(name);
    if (pool == nullptr) return;
    scheduler_.remove_pool(*pool);
    if (crew(name).state() == CrewState::stopped) forget_pool(std::string{name});  // nobody will say so again
}

// Its crew may be in a callback: the pool goes in a later turn, when its last calls have their outcomes.
void Dispatcher::forget_pool(const std::string& name) {
    around_.loop.post([this, alive = alive_, name] {
        if (!*alive) return;
        scheduler_.turn();
        scheduler_.erase_pool(name);
        crews_.erase(name);
        if (around_.on_gone) around_.on_gone(name);
    });
}

void Dispatcher::look_at_libraries() {
    for (const auto& [name, crew] : crews_) crew->look_at_library();
}

Crew& Dispatcher::crew(std::string_view pool) const {
    const auto found = crews_.find(pool);
    check(found != crews_.end(), "a pool has a crew");
    return *found->second;
}

// ---- what outlives this process -------------------------------------------------------------------------------------

json Dispatcher::save() const {
    auto pools = json::object();
    for (const auto& [name, crew] : crews_)
        pools[name] = {{"workers", crew->target()}, {"resized", crew->resized()}, {"drained", crew->drained()}};
    return {{"poison", scheduler_.poison().save()}, {"pools", std::move(pools)}};
}

void Dispatcher::load(const json& saved) {
    if (!saved.is_object()) return;
    scheduler_.poison().load(saved.value("poison", json{}));
    const auto pools = saved.value("pools", json::object());
    for (const auto& [name, pool] : pools.items())
        if (const auto crew = crews_.find(name); crew != crews_.end()) load_pool(*crew->second, pool);
}

// What is of another type than this version knows is left alone.
void Dispatcher::load_pool(Crew& crew, const json& saved) {
    const auto is = [&](const char* key) { return saved.is_object() && saved.value(key, json{}) == json(true); };
    const auto workers = saved.is_object() ? saved.value("workers", json{}) : json{};
    if (workers.is_number_unsigned() && workers > 0) {
        if (is("resized"))
            crew.resize(workers.get<std::uint32_t>());
        else
            crew.start_from(workers.get<std::uint32_t>());
    }
    if (!is("drained"))
        crew.resume();
    else if (!crew.drained())
        crew.drain();
}

// ---- poison ---------------------------------------------------------------------------------------------------------

json Dispatcher::poison() const { return scheduler_.poison().list(); }

std::size_t Dispatcher::clear_poison(std::string_view id, std::string_view pool) {
    const auto cleared = scheduler_.poison().clear(id, pool);
    around_.log.event("poison_cleared", LogLevel::info, "poison cleared",
                      {{"id", id}, {"pool", pool}, {"count", cleared}});
    return cleared;
}

// ---- from the crews -------------------------------------------------------------------------------------------------

void Dispatcher::on_room(Crew& crew) {
    if (auto* const pool = find(crew.name())) scheduler_.on_change(*pool);
}

void Dispatcher::on_chunk(CallToken token, wire::Encoding encoding, std::span<const std::byte> bytes) {
    scheduler_.on_chunk(token, encoding, bytes);
}

void Dispatcher::on_progress(CallToken token, double fraction, std::string_view note) {
    scheduler_.on_progress(token, fraction, note);
}

void Dispatcher::on_answer(Crew& crew, CallToken token, const fleet::Answer& answer) {
    scheduler_.on_answer(crew, token, answer);
}

void Dispatcher::on_death(Crew& crew, fleet::Worker& worker, const fleet::Death& death) {
    if (auto* const pool = find(crew.name())) {
        const auto kind = death.exit.kind;
        const bool by_signal = kind == fleet::Exit::Kind::signaled || kind == fleet::Exit::Kind::setup_failed;
        if (by_signal && death.exit.signal != 0) ++pool->measures.crashes[fleet::signal_name(death.exit.signal)];
        ++pool->measures.ends[std::string{word(kind)}];
    }
    scheduler_.on_death(crew, worker, death);
    if (around_.on_change) around_.on_change(crew, &death);
    check_stopped();
}

void Dispatcher::on_state(Crew& crew) {
    around_.log.event("pool_state", LogLevel::info, "pool state",
                      {{"pool", crew.name()}, {"state", word(crew.state())}, {"reason", crew.reason()}});
    if (around_.on_change) around_.on_change(crew, nullptr);
    auto* const pool = find(crew.name());
    if (pool == nullptr) return;
    scheduler_.on_change(*pool);
    if (crew.state() == CrewState::stopped && pool->removed) forget_pool(crew.name());
    check_stopped();
}

// ---- for the scheduler ----------------------------------------------------------------------------------------------

std::string Dispatcher::wall_time() { return sys::wall_time(); }

void Dispatcher::want_turn() {
    around_.loop.at_end_of_turn([this, alive = alive_] {
        if (*alive) scheduler_.turn();
    });
}

void Dispatcher::want_look(TimePoint when) {
    look_timer_.arm_at(when, [this] { scheduler_.look(); });
}

std::string Dispatcher::report(const fleet::Hands& hands, const fleet::Hand& hand, const fleet::Death& death,
                               const Call* call, std::uint32_t max_attempts, CallToken token) {
    const auto& info = death.info ? death.info : hands.info();
    CrashReport report{.id = new_report_id(),
                       .time = sys::wall_time(),
                       .pool = hands.name(),
                       .plugin = hands.settings().plugin.filename().string(),
                       .version = info ? info->version : std::string{},
                       .method = call != nullptr ? call->method() : std::string{},
                       .call = call != nullptr ? call->number : 0,
                       .worker = hand.id(),
                       .pid = death.pid,
                       .exit = death.exit,
                       .stack = {},
                       .output = death.output,
                       .attempts = call != nullptr ? call->attempt : 0U,
                       .max_attempts = max_attempts};
    auto id = report.id;
    auto stack = death.exit.crash ? death.exit.crash->stack : std::vector<fleet::StackAddress>{};
    symbols_.resolve(std::move(stack), death.library ? death.library->hash : stamp_of(hands.settings().plugin),
                     death.library,
                     [this, alive = alive_, report = std::move(report), token](std::vector<StackPlace> places) mutable {
                         if (!*alive) return;
                         report.stack = std::move(places);
                         const auto document = report.to_json();
                         reports_.add(report.id, document);
                         around_.log.event("crash_reported", LogLevel::warn, report.message(),
                                           {{"pool", report.pool},
                                            {"worker", report.worker},
                                            {"pid", report.pid},
                                            {"call", report.call},
                                            {"method", report.method},
                                            {"attempt", report.attempts},
                                            {"report", report.id}});
                         if (auto* const pool = find(report.pool))
                             pool->measures.last_crash = {report.id, report.time, report.message()};
                         if (token != 0) scheduler_.reported(token, document);
                     });
    return id;
}

void Dispatcher::on_empty() {
    if (stopping()) stop_crews();
}

// ---- stop -----------------------------------------------------------------------------------------------------------

void Dispatcher::stop(TimePoint drain_until, std::function<void()> done) {
    scheduler_.stop();
    stopped_ = std::move(done);
    drain_until_ = std::min(drain_until_, drain_until);
    if (scheduler_.outstanding() == 0 || drain_until_ <= Clock::now()) {
        stop_crews();
    } else {
        around_.log.event("service_draining", LogLevel::info, "draining", {{"calls", scheduler_.outstanding()}});
        drain_timer_.arm_at(drain_until_, [this] { stop_crews(); });
    }
}

void Dispatcher::stop_crews() {
    if (!std::exchange(crews_stopped_, true)) {
        drain_timer_.cancel();
        scheduler_.cancel_waiting();
        for (const auto& [name, crew] : crews_) crew->stop(Clock::now());
    }
    around_.loop.post([this, alive = alive_] {
        if (*alive) check_stopped();
    });
}

void Dispatcher::check_stopped() {
    if (!crews_stopped_ || scheduler_.outstanding() > 0 || !stopped_) return;
    for (const auto& [name, crew] : crews_)
        if (crew->state() != CrewState::stopped) return;
    std::exchange(stopped_, nullptr)();
}

}  // namespace caisson::dispatch

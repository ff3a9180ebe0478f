// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "dispatch/scheduler.hpp"

// What is measured and counted of calls; see measures.hpp.
namespace caisson::dispatch {

using nlohmann::json;

// The last items of a record are answered. Those that were given together are measured together: what is quick comes in
// runs anyway, of which the worker says one time.
void Scheduler::measure(Call& call, const fleet::Answer& answer) {
    call.pool->measures.at(answer.at, call.pool->counters.by_outcome);
    auto* const extra = call.extra();
    if (extra == nullptr || !extra->batch) return measure_answered(call, 1, answer.run_ns, answer.at);
    const auto items = answer.items + extra->answered;
    const auto run_ns = answer.run_ns + extra->run_ns;
    count_answered(call);
    measure_answered(call, items, run_ns, answer.at);
}

// Those before the last ended well, and are counted for their method.
void Scheduler::count_answered(Call& call) {
    auto& extra = *call.extra();
    if (auto* const method = measures_of(call))
        method->by_outcome[static_cast<std::size_t>(OutcomeKind::ok)] += extra.answered;
    extra.answered = 0;
    extra.run_ns = 0;
}

void Scheduler::measure_answered(Call& call, std::uint32_t items, std::int64_t run_ns, TimePoint at) {
    auto* const method = measures_of(call);
    if (method == nullptr) return;
    const auto total = std::max<std::int64_t>(0, to_ns(at) - call.accepted_ns);
    const auto mean = items == 1 ? run_ns : run_ns / items;
    const auto running = std::clamp<std::int64_t>(mean, 0, total);
    call.pool->measures.add(*method, {items, total - running, running});
}

MethodMeasures* Scheduler::find_measures(const Call& call) {
    const auto& info = call.pool->hands->info();
    if (!info || info->find(call.method()) == nullptr) return nullptr;
    return call.name.measures() = &call.pool->measures.method(call.method());
}

void Scheduler::count_end(Call& call, OutcomeKind kind) {
    auto& pool = *call.pool;
    if (kind != OutcomeKind::ok) pool.measures.at(port_.now(), pool.counters.by_outcome);
    pool.counters.by_outcome[static_cast<std::size_t>(kind)] += call.items;
    if (auto* const method = measures_of(call)) method->by_outcome[static_cast<std::size_t>(kind)] += call.items;
    // Items before those that end now were answered, and the last will not be.
    const auto* const extra = call.extra();
    if (extra == nullptr || extra->answered == 0) return;
    measure_answered(call, extra->answered, extra->run_ns, port_.now());
    count_answered(call);
}

void Scheduler::count_refusal(Pool* pool, std::uint32_t items, const json& document) {
    const auto reason = document.find("refusal");
    auto& counts = pool != nullptr ? pool->measures.refused : refused_;
    if (reason != document.end()) counts[reason->get<std::string>()] += items;
}

void Scheduler::measure_now() {
    for (const auto& [name, pool] : pools_) pool->measures.at(port_.now(), pool->counters.by_outcome);
}

}  // namespace caisson::dispatch

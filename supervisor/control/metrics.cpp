// SPDX-License-Identifier: Apache-2.0
#include "control/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <span>
#include <utility>

namespace caisson::control {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// The upper bounds of the histograms, as powers of two of nanoseconds: from 4 us to 69 s, each four times the one
/// before. They are ends of buckets of what is measured, so nothing is estimated.
constexpr std::array bound_bits{12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36};

// What a pool and a worker may be. Each is always there, with 0 or 1 and a count, so that a query need not know which
// have been seen.
constexpr std::array<std::string_view, 8> pool_states{"starting", "ready",   "degraded", "quarantined",
                                                      "draining", "drained", "stopping", "stopped"};
constexpr std::array<std::string_view, 7> worker_states{"waiting", "starting", "idle",    "running",
                                                        "spare",   "paused",   "stopping"};
constexpr std::array<std::string_view, 4> restart_causes{"start", "idle", "call", "stop"};

/// The families in the making: each is declared once, with its words, and gets its values one by one.
class Families {
   public:
    void declare(std::string_view name, MetricType type, std::string_view help) {
        families_.push_back({std::string{name}, std::string{help}, type, {}});
    }
    /// A value of the family that was declared last.
    void add(Labels labels, double value) {
        auto& metric = make(labels);
        if (families_.back().type == MetricType::Counter)
            metric.counter.value = value;
        else
            metric.gauge.value = value;
    }
    void add(Labels labels, std::uint64_t value) { add(labels, static_cast<double>(value)); }
    void add(Labels labels, const dispatch::Histogram& histogram, double sum_s) {
        auto& out = make(labels).histogram;
        out.sample_count = histogram.count();
        out.sample_sum = sum_s;
        for (const int bits : bound_bits)
            out.bucket.push_back({histogram.count_below(bits), 1e-9 * static_cast<double>(std::uint64_t{1} << bits)});
    }
    void single(std::string_view name, MetricType type, std::string_view help, double value) {
        declare(name, type, help);
        add({}, value);
    }
    void single(std::string_view name, MetricType type, std::string_view help, std::uint64_t value) {
        single(name, type, help, static_cast<double>(value));
    }
    [[nodiscard]] std::string text() const { return prometheus::TextSerializer{}.Serialize(families_); }

   private:
    ClientMetric& make(Labels labels) {
        auto& metric = families_.back().metric.emplace_back();
        for (const auto& [name, value] : labels) metric.label.push_back({std::string{name}, std::string{value}});
        return metric;
    }

    std::vector<MetricFamily> families_;
};

// The words that there always are, and others that were counted.
void add_by_word(Families& out, std::string_view pool, std::string_view label, std::span<const std::string_view> words,
                 const CountsByWord& counts) {
    for (const auto word : words) {
        const auto found = counts.find(word);
        out.add({{"pool", pool}, {label, word}}, found == counts.end() ? std::uint64_t{0} : found->second);
    }
    for (const auto& [word, count] : counts)
        if (std::ranges::find(words, word) == words.end()) out.add({{"pool", pool}, {label, word}}, count);
}

void add_calls(Families& out, const std::vector<PoolMetrics>& pools) {
    out.declare("caisson_calls_total", MetricType::Counter, "Calls that ended, by pool and outcome.");
    for (const auto& pool : pools)
        for (std::size_t i = 0; i < pool.by_outcome.size(); ++i)
            out.add({{"pool", pool.name}, {"outcome", wire::outcome_words[i]}}, pool.by_outcome[i]);
    out.declare("caisson_method_calls_total", MetricType::Counter,
                "Calls that ended, by pool, method and outcome. Methods beyond the first 32 of a pool are one, \"\".");
    for (const auto& pool : pools)
        for (const auto& [method, measures] : pool.measures->methods())
            for (std::size_t i = 0; i < measures->by_outcome.size(); ++i)
                if (measures->by_outcome[i] > 0)
                    out.add({{"pool", pool.name}, {"method", method}, {"outcome", wire::outcome_words[i]}},
                            measures->by_outcome[i]);
    out.declare("caisson_call_retries_total", MetricType::Counter, "Attempts of calls beyond the first.");
    for (const auto& pool : pools) out.add({{"pool", pool.name}}, pool.retries);
    out.declare("caisson_calls_timed_out_total", MetricType::Counter,
                "Calls whose deadline passed while they waited, or while they ran.");
    for (const auto& pool : pools) {
        out.add({{"pool", pool.name}, {"phase", "waiting"}}, pool.measures->timed_out_waiting);
        out.add({{"pool", pool.name}, {"phase", "running"}}, pool.measures->timed_out_running);
    }
}

void add_refusals(Families& out, const ServiceMetrics& facts) {
    out.declare("caisson_calls_refused_total", MetricType::Counter,
                "Calls that were refused, by reason. Those of pools that do not exist have the pool \"\".");
    for (const auto& [reason, count] : facts.refused) out.add({{"pool", ""}, {"reason", reason}}, count);
    for (const auto& pool : facts.pools)
        for (const auto& [reason, count] : pool.measures->refused)
            out.add({{"pool", pool.name}, {"reason", reason}}, count);
}

void add_times(Families& out, const std::vector<PoolMetrics>& pools) {
    out.declare("caisson_call_wait_seconds", MetricType::Histogram,
                "How long calls waited that a worker answered: until their answer was there, without their running.");
    for (const auto& pool : pools)
        for (const auto& [method, measures] : pool.measures->methods())
            out.add({{"pool", pool.name}, {"method", method}}, measures->waiting, measures->waiting_s);
    out.declare("caisson_call_run_seconds", MetricType::Histogram,
                "How long calls ran that a worker answered, as the worker measured it.");
    for (const auto& pool : pools)
        for (const auto& [method, measures] : pool.measures->methods())
            out.add({{"pool", pool.name}, {"method", method}}, measures->running, measures->running_s);
}

void add_workers(Families& out, const std::vector<PoolMetrics>& pools) {
    out.declare("caisson_workers", MetricType::Gauge, "Workers, by state.");
    for (const auto& pool : pools) add_by_word(out, pool.name, "state", worker_states, pool.workers);
    out.declare("caisson_worker_crashes_total", MetricType::Counter,
                "Workers that were ended by a signal of their own.");
    for (const auto& pool : pools)
        for (const auto& [signal, count] : pool.measures->crashes)
            out.add({{"pool", pool.name}, {"signal", signal}}, count);
    out.declare("caisson_worker_exits_total", MetricType::Counter, "Workers that ended, by the kind of their exit.");
    for (const auto& pool : pools)
        for (const auto& [kind, count] : pool.measures->ends) out.add({{"pool", pool.name}, {"kind", kind}}, count);
    out.declare(
        "caisson_worker_restarts_total", MetricType::Counter,
        "Workers that were started in place of others, by why those had ended: at their start, idle, in a call, "
        "or because they were stopped.");
    for (const auto& pool : pools) add_by_word(out, pool.name, "cause", restart_causes, pool.restarts);
}

void add_pools(Families& out, const std::vector<PoolMetrics>& pools) {
    out.declare("caisson_pool_state", MetricType::Gauge, "1 for the state that the pool is in, 0 for the others.");
    for (const auto& pool : pools) add_by_word(out, pool.name, "state", pool_states, {{pool.state, 1}});
    out.declare("caisson_queue_calls", MetricType::Gauge, "Calls that wait for a worker.");
    for (const auto& pool : pools) out.add({{"pool", pool.name}}, pool.queued);
    out.declare("caisson_queue_bytes", MetricType::Gauge, "Bytes of input of the calls that wait for a worker.");
    for (const auto& pool : pools) out.add({{"pool", pool.name}}, pool.queued_bytes);
    out.declare("caisson_running_calls", MetricType::Gauge, "Calls that a worker has.");
    for (const auto& pool : pools) out.add({{"pool", pool.name}}, pool.running);
}

void add_service(Families& out, const ServiceMetrics& facts) {
    out.declare("caisson_build_info", MetricType::Gauge, "Always 1; the version of the service is in the label.");
    out.add({{"version", facts.version}}, 1.0);
    out.single("caisson_sessions", MetricType::Gauge, "Clients that are connected.", facts.sessions);
    out.single("caisson_http_connections", MetricType::Gauge, "Connections over HTTP.", facts.http_connections);
    out.single("caisson_log_dropped_total", MetricType::Counter,
               "Lines of the log that were dropped because the writer was behind, or could not be written.",
               facts.log_dropped);
    const auto& process = facts.process;
    out.single("process_cpu_seconds_total", MetricType::Counter, "Processor time of the supervisor.", process.cpu_s);
    out.single("process_resident_memory_bytes", MetricType::Gauge, "Memory that the supervisor has in use.",
               process.resident_bytes);
    out.single("process_virtual_memory_bytes", MetricType::Gauge, "Address space of the supervisor.",
               process.virtual_bytes);
    out.single("process_open_fds", MetricType::Gauge, "Open descriptors of the supervisor.", process.open_fds);
    out.single("process_max_fds", MetricType::Gauge, "The most descriptors that the supervisor may open.",
               process.max_fds);
    out.single("process_start_time_seconds", MetricType::Gauge, "When the supervisor was started, since 1970.",
               process.started_s);
}

}  // namespace

std::string metrics_text(const ServiceMetrics& facts) {
    Families out;
    add_calls(out, facts.pools);
    add_refusals(out, facts);
    add_times(out, facts.pools);
    add_workers(out, facts.pools);
    add_pools(out, facts.pools);
    add_service(out, facts);
    return out.text();
}

}  // namespace caisson::control

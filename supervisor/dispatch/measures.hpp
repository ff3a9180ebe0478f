// SPDX-License-Identifier: Apache-2.0
/// What is measured of the calls of one pool: how long they waited and ran, how many end in a second, what was refused
/// and what crashed. Pure: times are arguments.
///
/// What is done for each call is a few additions. Nothing here has a timer: seconds and minutes are closed when the
/// next call ends after them, or when somebody asks.
///
/// A call waited from when it was accepted (or might be tried again after it had timed out) until its answer was there,
/// but for the time that its worker says it ran. Only calls that a worker answered are measured so. Items of a batch
/// that are answered together count with their mean.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "dispatch/histogram.hpp"
#include "wire/outcome.hpp"

namespace caisson::dispatch {

using OutcomeCounts = std::array<std::uint64_t, wire::outcome_words.size()>;

/// Times since the start, for one method.
struct MethodMeasures {
    Histogram waiting;
    Histogram running;
    double waiting_s = 0;  ///< the sum
    double running_s = 0;
    OutcomeCounts by_outcome{};
};

/// Times of one stretch, for all methods of a pool.
struct Latencies {
    Histogram waiting;
    Histogram running;
    Histogram total;

    void add(const Latencies& other);
    void clear();
};

/// How many calls ended in each of the last seconds.
class Rate {
   public:
    static constexpr std::int64_t seconds = 60;

    /// `total` calls have ended by now.
    void note(std::int64_t now_s, std::uint64_t total);
    /// Calls a second, over the last `over_s` seconds that are over.
    [[nodiscard]] double over(std::int64_t over_s) const;

   private:
    static constexpr std::size_t marks = seconds + 1;
    std::array<std::uint64_t, marks> totals_{};  // at the end of each second; the newest at `newest_s_` - 1
    std::int64_t newest_s_ = 0;                  // the second that is not over
    std::int64_t first_s_ = 0;
};

class Measures {
   public:
    /// Calls that were answered. `waiting` and `running` of each of them.
    struct Answered {
        std::uint32_t items = 1;
        std::int64_t waiting_ns = 0;
        std::int64_t running_ns = 0;
    };
    void add(MethodMeasures& method, const Answered& answered) {
        const auto waiting = Histogram::index_of(answered.waiting_ns);
        const auto running = Histogram::index_of(answered.running_ns);
        const auto total = Histogram::index_of(answered.waiting_ns + answered.running_ns);
        method.waiting.add(waiting, answered.items);
        method.running.add(running, answered.items);
        method.waiting_s += 1e-9 * static_cast<double>(answered.waiting_ns) * answered.items;
        method.running_s += 1e-9 * static_cast<double>(answered.running_ns) * answered.items;
        auto& now = minute()[slot_];
        now.waiting.add(waiting, answered.items);
        now.running.add(running, answered.items);
        now.total.add(total, answered.items);
    }
    /// Before anything is counted: closes what is over. `ended`: calls that have had an outcome so far.
    void at(TimePoint now, const OutcomeCounts& ended) {
        if (now >= turn_) turn(now, ended);
    }

    /// The measures of a method; those of methods beyond limits::measured_methods are kept together.
    [[nodiscard]] MethodMeasures& method(std::string_view name);
    /// By name; the rest, if there is one, as "".
    [[nodiscard]] const std::map<std::string, std::unique_ptr<MethodMeasures>, std::less<>>& methods() const {
        return methods_;
    }
    [[nodiscard]] const Rate& rate() const { return rate_; }
    /// Of about the last minute; of all time.
    [[nodiscard]] Latencies last_minute() const;
    [[nodiscard]] Latencies since_start() const;

    // Counted where it happens, seldom.
    std::map<std::string, std::uint64_t, std::less<>> refused;  ///< calls, by the word of the reason
    std::map<std::string, std::uint64_t, std::less<>> crashes;  ///< of workers, by the name of the signal
    std::map<std::string, std::uint64_t, std::less<>> ends;     ///< of workers, by the kind of exit
    std::uint64_t timed_out_waiting = 0;
    std::uint64_t timed_out_running = 0;
    struct LastCrash {
        std::string report;
        std::string time;
        std::string message;
    } last_crash;

   private:
    static constexpr std::size_t slots = 6;  // of the last minute
    static constexpr std::int64_t slot_s = 10;
    using Minute = std::array<Latencies, slots>;

    void turn(TimePoint now, const OutcomeCounts& ended);
    [[nodiscard]] Minute& minute() {
        if (!minute_) minute_ = std::make_unique<Minute>();
        return *minute_;
    }

    TimePoint turn_{};  // when the second is over
    std::map<std::string, std::unique_ptr<MethodMeasures>, std::less<>> methods_;
    Rate rate_;
    std::unique_ptr<Minute> minute_;     // once a call was measured
    std::unique_ptr<Latencies> before_;  // what is older
    std::size_t slot_ = 0;
    std::int64_t slot_number_ = 0;  // the time of the slot, in slots
};

}  // namespace caisson::dispatch

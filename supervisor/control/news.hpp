// SPDX-License-Identifier: Apache-2.0
/// Answers those who ask what happened, from what the log remembers; who asks to wait for news is answered when there
/// are some, or when his time is over.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "base/log.hpp"
#include "base/loop.hpp"
#include "base/result.hpp"

namespace caisson::control {

class News {
   public:
    using Done = std::move_only_function<void(Result<nlohmann::json>)>;
    /// Events, or all lines of the log.
    enum class Kind : std::uint8_t { events, logs };

    News(Loop& loop, Log& log);
    ~News();
    News(const News&) = delete;
    News& operator=(const News&) = delete;

    /// {"after", "wait_s", "pool", "limit"} -> {"events" or "lines", "next", "lost"}.
    void ask(Kind kind, const nlohmann::json& request, Done done);
    /// Answers all who wait, now: the service ends, or hands over.
    void flush();

   private:
    struct Waiter;
    void on_record();
    void look(TimePoint now);

    Loop& loop_;
    Log& log_;
    std::vector<Waiter> waiters_;
    Loop::Timer timer_;  // armed while somebody waits
    bool look_due_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace caisson::control

// SPDX-License-Identifier: Apache-2.0
/// The workers of one pool as the scheduler sees them: who has room, what they hold, how they take and give back.
///
/// fleet::Crew and fleet::Worker are the real ones; the scheduler's property test has a model. Used on the loop's
/// thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "fleet/crew_state.hpp"
#include "fleet/elastic.hpp"
#include "fleet/exit.hpp"
#include "fleet/library.hpp"
#include "fleet/plugin_info.hpp"
#include "settings/settings.hpp"
#include "wire/frame.hpp"

namespace caisson::fleet {

/// The scheduler's number of what it gives to a worker; the fleet only carries it.
using CallToken = std::uint64_t;

/// One call, or items of one batch, as a worker gets it. Views live for the call of the function only.
struct Work {
    std::string_view method;
    std::string_view params;
    std::span<const std::byte> body;  ///< of a batch: the records of its items
    wire::Encoding encoding = wire::Encoding::bytes;
    std::uint32_t items = 0;     ///< of a batch; 0: it is a call
    const Fd* memory = nullptr;  ///< instead of `body`: a sealed memfd
    std::uint64_t memory_bytes = 0;
    bool stream = false;           ///< the output comes in pieces
    bool copied = false;           ///< whoever gets the result copies it within the callback
    std::int64_t deadline_ns = 0;  ///< CLOCK_MONOTONIC; 0: none
    std::uint8_t attempt = 1;
    std::uint64_t number = 0;  ///< of the call, for the log
};

/// What became of an attempt to give.
enum class Given : std::uint8_t {
    taken,
    no_method,      ///< the plugin has no such method
    no_descriptor,  ///< no descriptor was left to hand over the memfd
};

/// What a worker answered to a call, or to the first items that it holds of a batch. Views live for the callback only.
struct Answer {
    std::uint32_t items = 1;
    bool records = false;      ///< the items are ok, and the body is records, one for each (wire/records.hpp)
    std::uint32_t status = 0;  ///< caisson_status, checked
    bool started = true;       ///< false: the worker turned it away, for its deadline had passed
    std::string_view error;
    wire::Encoding encoding = wire::Encoding::bytes;
    std::span<const std::byte> body;
    const Fd* memory = nullptr;  ///< instead of `body`: a sealed memfd, checked
    std::uint64_t memory_bytes = 0;
    TimePoint at{};           ///< when it came
    std::int64_t run_ns = 0;  ///< how long the items ran, all together: as the worker says
};

/// Items at the front or at the end of what was given under one token; a call is one item.
struct Part {
    CallToken call = 0;
    std::uint32_t items = 1;
};

/// How a worker ended, and what it held.
struct Death {
    Exit exit;
    pid_t pid = 0;
    std::vector<Part> started;        ///< first items: ran when it died. One at most, unless the worker lied
    std::vector<Part> unstarted;      ///< last items: waited; the oldest first
    std::vector<std::string> output;  ///< its last lines
    bool was_serving = false;         ///< it had been ready
    bool intended = false;            ///< the supervisor stopped it
    bool keeper_lost = false;         ///< it went with the keeper or its zygote, through no fault of its own
    bool ordered = false;  ///< its call is crashed, and not to blame: an operator had it killed, or it was on trial
    std::shared_ptr<const PluginInfo> info = {};  ///< of what it ran; null if it was never ready
    LibraryRef library = {};                      ///< what it ran; null if it was not said
};

/// One worker.
class Hand {
   public:
    /// Items that it may be given now, by its state and credit.
    [[nodiscard]] virtual std::uint32_t room() const = 0;
    /// Items that it has.
    [[nodiscard]] virtual std::size_t held() const = 0;
    /// True if what the token names has been started, as far as is known.
    [[nodiscard]] virtual bool running(CallToken call) const = 0;
    /// Asks a call to give up, if it runs.
    virtual void cancel(CallToken call) = 0;
    /// Takes back what has not been started, the oldest first.
    [[nodiscard]] virtual std::vector<Part> take_back() = 0;
    /// SIGKILL now; `why` becomes the cause, unless there is an earlier one.
    virtual void kill(Exit::Kind kind, std::string why) = 0;
    /// Whether what it says is read. A worker that nobody listens to waits in its next write.
    virtual void listen(bool to_it) = 0;
    [[nodiscard]] virtual std::uint32_t id() const = 0;
    [[nodiscard]] virtual pid_t pid() const = 0;

   protected:
    ~Hand() = default;
};

/// All workers of one pool.
class Hands {
   public:
    /// Appends those that have room; the more of them the more calls wait, all only if many do.
    virtual void find_room(std::vector<Hand*>& with_room, std::size_t calls) = 0;
    [[nodiscard]] virtual Given give(Hand& hand, CallToken call, const Work& work) = 0;
    /// Somebody is idle and nothing waits: what waits behind something slow is taken back. If it may become so in a
    /// moment, the scheduler will be asked again (Scheduler::turn).
    [[nodiscard]] virtual std::vector<Part> take_back_stuck() = 0;
    /// What waits because nobody has room; said after each turn.
    virtual void note_waiting(const Waiting& waiting) = 0;
    /// Stops every worker and starts no other; running calls may go on until `drain_until`.
    virtual void stop(TimePoint drain_until) = 0;
    /// The last call of a pool that is drained has ended: its workers go, until it is resumed.
    virtual void rest() = 0;

    [[nodiscard]] virtual const settings::Pool& settings() const = 0;
    [[nodiscard]] virtual CrewState state() const = 0;
    /// Why it is not ready; may be empty.
    [[nodiscard]] virtual const std::string& reason() const = 0;
    [[nodiscard]] virtual std::uint32_t target() const = 0;
    [[nodiscard]] virtual std::uint32_t ready_workers() const = 0;
    /// Of the plugin as last loaded; empty before the first worker was ready.
    [[nodiscard]] virtual const std::shared_ptr<const PluginInfo>& info() const = 0;
    [[nodiscard]] const std::string& name() const { return settings().name; }

   protected:
    ~Hands() = default;
};

}  // namespace caisson::fleet

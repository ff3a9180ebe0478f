// SPDX-License-Identifier: Apache-2.0
/// The zygotes that the keeper has: their sockets, and the copies that they were asked for and have not made yet.
#pragma once

#include <poll.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "base/result.hpp"
#include "keeper/copies.hpp"

namespace caisson::keeper {

class Zygotes {
   public:
    /// A zygote is about to be started; the descriptor is its end of the socket.
    [[nodiscard]] Result<Fd> add(std::uint64_t id);
    /// It has gone. The copies that it owes.
    [[nodiscard]] std::deque<std::uint64_t> remove(std::uint64_t id);
    /// Asks for a copy, which gets the descriptors. 0 or errno.
    [[nodiscard]] int ask(std::uint64_t zygote, std::uint64_t id, std::string_view name,
                          std::span<const Fd> descriptors);

    struct Answer {
        std::uint64_t zygote = 0;
        CopyReply reply;
    };
    /// The next reply, of whichever zygote, without waiting.
    [[nodiscard]] std::optional<Answer> next();
    /// Zygotes that must go: they talk nonsense, or have not answered for a long time.
    [[nodiscard]] std::vector<std::uint64_t> take_condemned(TimePoint now);

    /// Copies are on their way: a child that nobody knows may be one.
    [[nodiscard]] bool busy() const;
    /// Appends what to wait for.
    void wait_for(std::vector<pollfd>& waits) const;
    /// How long to wait at most; -1: for ever.
    [[nodiscard]] int wait_ms() const;
    /// Whoever lies to its keeper must go, too.
    void condemn(std::uint64_t id) { condemned_.push_back(id); }

   private:
    struct Zygote {
        Fd socket;
        std::deque<std::uint64_t> asked;  // in their order
        int looks = 0;                    // without an answer
    };
    std::unordered_map<std::uint64_t, Zygote> all_;
    std::vector<std::uint64_t> condemned_;
    TimePoint next_look_{};
};

}  // namespace caisson::keeper

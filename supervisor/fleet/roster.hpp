// SPDX-License-Identifier: Apache-2.0
/// Who of many workers may be given calls, found without looking at all of them.
///
/// A list of the idle and one of the busy. Both may name workers that have no room any more: those are dropped when
/// they are come across, and named again when something happened that may have made room (`note`). So what `find` looks
/// at is either given calls or looked at for the last time.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "fleet/hands.hpp"

namespace caisson::fleet {

class Roster {
   public:
    /// A worker that can be on the lists. The marks are for the roster.
    class Member : public Hand {
       public:
        bool among_idle = false;
        bool among_busy = false;

       protected:
        ~Member() = default;
    };

    /// It may have room now: it has become ready, has answered, or was taken calls back from.
    void note(Member& worker);
    /// It goes.
    void forget(Member& worker);
    /// Appends workers with room for `calls` calls: the idle, and if they are too few, some of the busy, in turns.
    void find(std::vector<Hand*>& with_room, std::size_t calls);

   private:
    void find_idle(std::vector<Hand*>& with_room, std::size_t most);
    void find_busy(std::vector<Hand*>& with_room, std::size_t most);

    std::vector<Member*> idle_;
    std::deque<Member*> busy_;  // whose turn it is first
};

}  // namespace caisson::fleet

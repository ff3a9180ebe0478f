// SPDX-License-Identifier: Apache-2.0
/// What happens to one tiny call in each part of its way: without another process, and the same in every run, so that
/// instructions can be counted.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace bench::parts {

/// Calls that one turn of the loop handles together.
inline constexpr std::size_t calls_per_turn = 64;

// Each does it for so many calls, a multiple of calls_per_turn.

/// A frame is written and read.
void codec(std::size_t calls);
/// A frame is sent through a channel, and received by another.
void channel(std::size_t calls);
/// A call is accepted, given to a worker, answered, and its caller told.
void scheduler_call(std::size_t calls);
/// The same for an item of a batch.
void scheduler_item(std::size_t calls);
/// The worker claims a call, publishes that it runs, takes what the plugin writes, publishes the result and sends it.
void worker_call(std::size_t calls);

struct Case {
    std::string_view name;
    void (*run)(std::size_t calls);
};
inline constexpr std::array cases{Case{"codec", codec}, Case{"channel", channel},
                                  Case{"scheduler_call", scheduler_call}, Case{"scheduler_item", scheduler_item},
                                  Case{"worker_call", worker_call}};

}  // namespace bench::parts

// SPDX-License-Identifier: Apache-2.0
/// The keeper: spawns what the supervisor orders, reports how it ended, kills what was left behind, and ends everything
/// when the supervisor is gone. See orders.hpp for why it exists.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/fd.hpp"
#include "keeper/orders.hpp"
#include "keeper/zygotes.hpp"

namespace caisson::keeper {

class Keeper {
   public:
    /// `orders` is the keeper's end of the pair; `programs` are the files of keeper::program_files.
    Keeper(Fd orders, std::vector<Fd> programs);

    /// Serves until the supervisor `supervisor` is gone, then kills all that is left. Returns the exit code.
    int run(pid_t supervisor);

   private:
    struct Received;

    [[nodiscard]] bool read_order();  // false once the supervisor has gone
    void spawn(const Order& order, std::span<const char> strings, std::vector<Fd> descriptors);
    void copy(const Order& order, std::span<const char> strings, std::span<const Fd> descriptors);
    void hear_zygotes();
    void take_copy(const Zygotes::Answer& answer);
    void adopt(pid_t pid, std::uint64_t id);
    void signal_group(const Order& order);
    void reap();
    void tell_pauses();
    void reap_one(pid_t pid, int code, int status);
    void forget_zygote(std::uint64_t id);
    void kill_strays();
    void end_everything();
    void tell(const Notice& notice, int descriptor = -1);

    Fd orders_;
    std::vector<Fd> programs_;
    std::unordered_map<pid_t, std::uint64_t> ids_;
    std::unordered_map<std::uint64_t, pid_t> pids_;
    Zygotes zygotes_;
    std::unordered_map<pid_t, Notice> early_ends_;  // of children that may be copies, not named yet
    bool strays_due_ = false;                       // they could not be told from copies
};

}  // namespace caisson::keeper

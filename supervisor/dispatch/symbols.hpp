// SPDX-License-Identifier: Apache-2.0
/// Names for addresses. The work is done by caisson-symbolizer, a throw-away process with limits: the supervisor itself
/// never reads a plugin's file. What was resolved is remembered, so that a crash loop costs one process, not one each.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/log.hpp"
#include "base/loop.hpp"
#include "dispatch/crash_report.hpp"
#include "fleet/exit.hpp"
#include "fleet/keeper_link.hpp"
#include "fleet/library.hpp"

namespace caisson::dispatch {

class Symbols {
   public:
    using Done = std::move_only_function<void(std::vector<StackPlace>)>;

    Symbols(Loop& loop, Log& log, fleet::KeeperLink& keeper);
    ~Symbols();

    /// Resolves a stack, the place of the fault first. `stamp` tells apart versions of one library; if its image is
    /// there, its file is not read, which may have become another by now. `done` is called once, at once if nothing has
    /// to be asked; with addresses only where no answer came in time.
    void resolve(std::vector<fleet::StackAddress> stack, std::string stamp, fleet::LibraryRef library, Done done);

   private:
    struct Job;
    struct Stack {
        std::vector<fleet::StackAddress> addresses;
        std::string stamp;
        fleet::LibraryRef library;
        /// What is remembered of one of the addresses stands under this.
        [[nodiscard]] std::string key(std::size_t i) const;
    };

    void start_next();
    [[nodiscard]] bool start_process();
    void read_answer();
    void learn(const Job& job);
    void finish();
    void next();
    [[nodiscard]] bool known(const Stack& stack) const;
    [[nodiscard]] std::vector<StackPlace> assemble(const Stack& stack) const;
    void remember(const std::string& key, std::vector<StackPlace> places);

    Loop& loop_;
    Log& log_;
    fleet::KeeperLink& keeper_;
    std::deque<std::unique_ptr<Job>> queue_;
    std::unique_ptr<Job> job_;
    std::unordered_map<std::string, std::vector<StackPlace>> cache_;
    std::deque<std::string> cache_order_;  // oldest first
};

}  // namespace caisson::dispatch

// SPDX-License-Identifier: Apache-2.0
/// A client that maps items of its own over `ledger.try`, as batches and as single calls, and writes down how each
/// ended.
///
/// What an item does is decided by the seed and its number alone: nearly all answer their name, some kill their worker
/// in one of several ways, some hang.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "client/client.hpp"

namespace caisson::test {

/// What became of an item.
struct Fate {
    std::uint8_t outcomes = 0;  ///< how many it got: it should be one
    Outcome outcome = Outcome::ok;
    bool right = true;
    bool waited = false;  ///< phase waiting: it was not started
    std::uint8_t attempts = 0;
};

class Crowd {
   public:
    struct Orders {
        std::filesystem::path socket;
        std::string method;  ///< "pool.method"
        std::uint64_t seed = 0;
        std::uint64_t first = 0;  ///< items are first, first + step, first + 2 step, …
        std::uint64_t step = 1;
        std::uint64_t at_least = 0;
        const std::atomic<bool>* over = nullptr;  ///< go on after `at_least` items until this is set
    };
    explicit Crowd(Orders orders) : orders_(std::move(orders)), chance_(orders_.seed ^ orders_.first) {}

    /// Runs on a thread of its own, to the end of its items.
    void run();

    [[nodiscard]] std::uint64_t number(std::size_t index) const { return orders_.first + index * orders_.step; }
    [[nodiscard]] const std::vector<Fate>& fates() const { return fates_; }
    /// Why it could not go on; empty if it did.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }
    /// For a message: how the first wrong one went.
    [[nodiscard]] const std::string& first_wrong() const { return first_wrong_; }

   private:
    struct Open {
        std::size_t first = 0;  // index of its first item
        std::uint32_t left = 1;
    };

    [[nodiscard]] std::string body_of(std::uint64_t number) const;
    void submit_some(Client& client);
    void take(const Event& event);
    void end(std::uint64_t call, std::uint32_t first, std::uint32_t count, const CallResult& result);
    void end_one(std::size_t index, Outcome outcome, std::uint32_t attempts, bool right, bool waited);

    Orders orders_;
    std::mt19937_64 chance_;
    std::vector<Fate> fates_;
    std::unordered_map<std::uint64_t, Open> open_;
    std::size_t outstanding_ = 0;
    std::string trouble_;
    std::string first_wrong_;
};

}  // namespace caisson::test

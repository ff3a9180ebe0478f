// SPDX-License-Identifier: Apache-2.0
/// A client that keeps a pool busy from a session of its own, many calls at a time, and checks every answer.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>

namespace caisson::test {

class Load {
   public:
    /// `target` squares numbers.
    explicit Load(std::filesystem::path socket, std::string target = "math.square");
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;
    ~Load();

    /// Right answers so far.
    [[nodiscard]] std::uint64_t right() const { return right_; }
    /// Waits until there are `more` right answers than now; throws if they do not come.
    void await(std::uint64_t more = 200) const;

    /// Lets what is under way end, and stops. Empty if every call that was made had its right answer.
    [[nodiscard]] std::string stop();

   private:
    void run();

    std::filesystem::path socket_;
    std::string target_;
    std::atomic<bool> stopping_ = false;
    std::atomic<std::uint64_t> right_ = 0;
    std::string wrong_;  // the first wrong one
    std::thread thread_;
};

}  // namespace caisson::test

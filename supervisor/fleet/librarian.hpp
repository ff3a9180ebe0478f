// SPDX-License-Identifier: Apache-2.0
/// Reads libraries on a thread of its own, one after the other: a disk can be slow, and the loop does not wait for it.
#pragma once

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/loop.hpp"
#include "fleet/library.hpp"

namespace caisson::fleet {

class Librarian {
   public:
    /// What was read; null if the file is as `known` says; or why nothing was read.
    using Done = std::move_only_function<void(Result<LibraryRef>)>;

    explicit Librarian(Loop& loop) : loop_(loop) {}
    Librarian(const Librarian&) = delete;
    Librarian& operator=(const Librarian&) = delete;
    /// Waits for the step under way. What was asked for is not answered any more.
    ~Librarian();

    /// Reads a library, unless its stamp is `known`. `done` is called on the loop's thread, in a later turn. Each pool
    /// asks for one at a time: that bounds what waits.
    void read(std::filesystem::path path, std::string known, Done done);

   private:
    struct Order {
        std::filesystem::path path;
        std::string known;
        Done done;
    };
    void work();
    void answer(Done done, Result<LibraryRef> result);

    Loop& loop_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::mutex mutex_;
    std::condition_variable news_;
    std::deque<Order> orders_;
    std::atomic<bool> over_ = false;
    std::thread thread_;  // from the first order on
};

}  // namespace caisson::fleet

// SPDX-License-Identifier: Apache-2.0
/// The engine in this program: the dispatcher and its loop, on a thread of their own.
#pragma once

#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "base/log.hpp"
#include "base/loop.hpp"
#include "dispatch/dispatcher.hpp"
#include "embed/callbacks.hpp"
#include "embed/inbox.hpp"
#include "embed/owner.hpp"
#include "embed/pool/engine.hpp"
#include "embed/pool/options.hpp"

namespace caisson::embed {
class LocalDoor;
}

namespace caisson::detail {

/// Shared by all that use it; the last of them ends it, on any thread but its own.
class EngineCore final : public std::enable_shared_from_this<EngineCore> {
   public:
    EngineCore(EngineOptions options, const Places& places);
    EngineCore(const EngineCore&) = delete;
    EngineCore& operator=(const EngineCore&) = delete;
    ~EngineCore();

    [[nodiscard]] const std::filesystem::path& plugin_dir() const;
    [[nodiscard]] const std::shared_ptr<embed::Callbacks>& callbacks() const;
    [[nodiscard]] const embed::Owner& owner() const { return owner_; }

    /// Waits until the lines that plugins have printed so far were told.
    void flush_output();

    /// Orders for the engine's thread, from any.
    bool push(embed::Inbox::Order order);
    /// `rouse` false: the caller drives right after, or rouses.
    bool push_when_room(embed::Inbox::Order order, bool rouse = true);
    /// For a thread that waits for nothing but `done`: runs the engine itself (embed/helm.hpp). False if somebody else
    /// does.
    [[nodiscard]] bool drive(const std::function<bool()>& done, TimePoint latest);
    void rouse();
    /// Runs a question on the engine's thread, and waits for the answer.
    template <class Ask>
    auto ask(Ask&& question) -> decltype(question()) {
        std::packaged_task<decltype(question())()> task{std::forward<Ask>(question)};
        auto answer = task.get_future();
        if (!push([&task] { task(); })) throw PoolError("the engine has ended");
        return answer.get();
    }

    // On the engine's thread.
    [[nodiscard]] dispatch::Dispatcher& dispatcher();
    [[nodiscard]] Loop& loop();
    /// A thread slept until now for the result of one call.
    void offer_helm();
    /// Starts a pool, under its name or, if another has that, a name like it, which it returns. What happens to the
    /// pool is told to the door until it is removed.
    std::string add(embed::LocalDoor& door, settings::Pool settings);
    void remove(embed::LocalDoor& door);

   private:
    struct State;
    embed::Owner owner_;
    std::unique_ptr<State> state_;
};

}  // namespace caisson::detail

// SPDX-License-Identifier: Apache-2.0
/// A pool as jobs and users of it see it, whether its workers are this program's or a service's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "embed/callbacks.hpp"
#include "embed/parcel.hpp"
#include "embed/pool/options.hpp"

namespace caisson::embed {

/// What a job may have under way at once.
struct Window {
    std::uint32_t batch_items = 1;
    std::size_t batch_bytes = 0;
    std::size_t items = 1;
    std::size_t bytes = 0;
};

/// Used by any thread.
class Door {
   public:
    Door() = default;
    Door(const Door&) = delete;
    Door& operator=(const Door&) = delete;
    virtual ~Door() = default;

    [[nodiscard]] virtual const std::string& name() const = 0;
    [[nodiscard]] virtual const std::vector<MethodInfo>& methods() const = 0;
    [[nodiscard]] virtual Window window() const = 0;
    [[nodiscard]] virtual Callbacks& callbacks() const = 0;

    /// Hands a parcel over. With `may_wait` it waits for room, if the pool's queue is full and lets callers wait. Each
    /// item's outcome reaches the parcel's job, maybe from inside this call.
    virtual void submit(std::shared_ptr<Parcel> parcel, bool may_wait) = 0;
    /// For a thread that waits for nothing but `done`: may run what has to be done for it, and returns before or after.
    virtual void drive(const std::function<bool()>& done, TimePoint latest) { (void)done, (void)latest; }
    /// On the door's thread: a thread slept until now for the result of one call.
    virtual void offer_helm() {}
    /// Gives up what has no outcome yet.
    virtual void cancel(const std::shared_ptr<Parcel>& parcel) = 0;
    /// The pieces of a streaming call are taken again (Job::on_piece had said that it is behind).
    virtual void resume(const std::shared_ptr<Parcel>& parcel) = 0;

    /// A callback waits for work: streams that are held back for the sake of callbacks go on.
    virtual void lift_holds() = 0;

    /// Waits until nothing is under way.
    virtual void wait_idle() = 0;
    /// Cancels what is under way, or lets it end, then stops the workers if they are ours. Waits for all of it.
    virtual void stop(bool cancel) = 0;

    [[nodiscard]] virtual std::vector<WorkerInfo> workers() = 0;
    virtual void resize(std::uint32_t workers) = 0;
    [[nodiscard]] virtual std::vector<PoisonInfo> poison() = 0;
    virtual std::size_t clear_poison(std::string_view id) = 0;
};

}  // namespace caisson::embed

// SPDX-License-Identifier: Apache-2.0
/// A session with a running service, on a thread of its own, for any number of pools.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/fd.hpp"
#include "client/client.hpp"
#include "embed/callbacks.hpp"
#include "embed/inbox.hpp"
#include "embed/owner.hpp"
#include "embed/parcel.hpp"
#include "embed/pool/failure.hpp"

namespace caisson::embed {
class RemoteDoor;
}

namespace caisson::detail {

/// Shared by the pools that use it; the last of them ends it, on any thread but its own.
class ServiceCore final {
   public:
    /// Takes the session over. Throws PoolError if there is no thread to be had for it.
    explicit ServiceCore(Client client);
    ServiceCore(const ServiceCore&) = delete;
    ServiceCore& operator=(const ServiceCore&) = delete;
    ~ServiceCore();

    [[nodiscard]] const std::shared_ptr<embed::Callbacks>& callbacks() const { return callbacks_; }
    [[nodiscard]] const embed::Owner& owner() const { return owner_; }
    bool push(embed::Inbox::Order order);
    bool push_when_room(embed::Inbox::Order order);
    /// Operates the service; the answer. Throws PoolError if it says no or does not answer.
    [[nodiscard]] std::string request(const std::string& json);

    // On the session's thread.
    void submit(std::shared_ptr<embed::RemoteDoor> door, std::shared_ptr<embed::Parcel> parcel);
    void cancel(embed::RemoteDoor& door, const std::shared_ptr<embed::Parcel>& parcel);
    void cancel_all(embed::RemoteDoor& door);
    /// While something is held, the session is not read.
    void hold(bool held);

   private:
    struct State;
    const embed::Owner owner_;
    const std::shared_ptr<embed::Callbacks> callbacks_;
    std::unique_ptr<State> state_;
};

}  // namespace caisson::detail

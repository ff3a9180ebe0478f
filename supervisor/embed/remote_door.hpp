// SPDX-License-Identifier: Apache-2.0
/// A pool of a running service, through a session.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "embed/door.hpp"
#include "embed/session.hpp"
#include "wire/frame.hpp"

namespace caisson::embed {

class RemoteDoor final : public Door, public std::enable_shared_from_this<RemoteDoor> {
   public:
    /// Waits while the pool starts. Throws PoolError if the service has none of this name.
    [[nodiscard]] static std::shared_ptr<RemoteDoor> open(const std::shared_ptr<detail::ServiceCore>& session,
                                                          std::string_view pool);
    RemoteDoor(const std::shared_ptr<detail::ServiceCore>& session, std::string name, std::vector<MethodInfo> methods);

    [[nodiscard]] const std::string& name() const override { return name_; }
    [[nodiscard]] const std::vector<MethodInfo>& methods() const override { return methods_; }
    [[nodiscard]] Window window() const override;
    [[nodiscard]] Callbacks& callbacks() const override { return *callbacks_; }
    void submit(std::shared_ptr<Parcel> parcel, bool may_wait) override;
    void cancel(const std::shared_ptr<Parcel>& parcel) override;
    void resume(const std::shared_ptr<Parcel>& parcel) override;
    void lift_holds() override;
    void wait_idle() override;
    void stop(bool cancel) override;
    [[nodiscard]] std::vector<WorkerInfo> workers() override;
    void resize(std::uint32_t workers) override;
    [[nodiscard]] std::vector<PoisonInfo> poison() override;
    std::size_t clear_poison(std::string_view id) override;

    // From the session, on its thread.
    void on_ok(const std::shared_ptr<Parcel>& parcel, std::uint32_t item, BodyEncoding encoding,
               std::string_view output);
    void on_result(const std::shared_ptr<Parcel>& parcel, wire::ItemRange items, CallResult result);
    void on_piece(const std::shared_ptr<Parcel>& parcel, std::string_view bytes);

   private:
    [[nodiscard]] std::shared_ptr<detail::ServiceCore> session() const;
    [[nodiscard]] std::string status() const;
    void note_end(std::uint32_t items, const Parcel& parcel);

    // Not its owner: a door may go on the session's thread, which must not end itself.
    const std::weak_ptr<detail::ServiceCore> session_;
    detail::ServiceCore* const core_;  // on the session's thread
    const std::shared_ptr<Callbacks> callbacks_;
    const std::string name_;
    const std::vector<MethodInfo> methods_;

    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopped_ = false;
    std::size_t items_out_ = 0;
    std::size_t bytes_out_ = 0;
    std::size_t large_out_ = 0;
};

}  // namespace caisson::embed

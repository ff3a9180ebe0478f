// SPDX-License-Identifier: Apache-2.0
/// A pool whose workers are those of the engine in this program.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "dispatch/request.hpp"
#include "embed/door.hpp"
#include "embed/engine.hpp"
#include "settings/settings.hpp"

namespace caisson::embed {

class LocalDoor final : public Door, public std::enable_shared_from_this<LocalDoor>, private dispatch::Receiver {
   public:
    /// How the process of a single worker ended.
    struct WorkerEnd {
        int signal = 0;  ///< 0: it exited
        int code = 0;
    };

    /// A pool that serves. Waits until a worker is ready; the error says why none is. With `single`, the pool is for
    /// one call: its worker is not replaced, and is stopped when nothing is under way any more.
    [[nodiscard]] static Result<std::shared_ptr<LocalDoor>> open(const std::shared_ptr<detail::EngineCore>& engine,
                                                                 const settings::Pool& settings, bool single = false);
    LocalDoor(const std::shared_ptr<detail::EngineCore>& engine, const settings::Pool& settings, bool single);

    [[nodiscard]] const std::string& name() const override { return settings_.name; }
    [[nodiscard]] const std::vector<MethodInfo>& methods() const override { return methods_; }
    [[nodiscard]] Window window() const override;
    [[nodiscard]] Callbacks& callbacks() const override { return *callbacks_; }
    void submit(std::shared_ptr<Parcel> parcel, bool may_wait) override;
    void drive(const std::function<bool()>& done, TimePoint latest) override;
    void offer_helm() override;
    void cancel(const std::shared_ptr<Parcel>& parcel) override;
    void resume(const std::shared_ptr<Parcel>& parcel) override;
    void lift_holds() override;
    void wait_idle() override;
    void stop(bool cancel) override;
    [[nodiscard]] std::vector<WorkerInfo> workers() override;
    void resize(std::uint32_t workers) override;
    [[nodiscard]] std::vector<PoisonInfo> poison() override;
    std::size_t clear_poison(std::string_view id) override;

    /// As `stop`, and does not wait.
    void begin_stop(bool cancel);

    // Of a single worker; any thread.
    [[nodiscard]] std::int64_t first_pid() const { return first_pid_; }
    /// Waits for its end; nothing when the deadline came first.
    [[nodiscard]] std::optional<WorkerEnd> wait_worker_end(
        std::optional<std::chrono::steady_clock::time_point> deadline);
    /// SIGKILL for the worker.
    void kill_worker();

    /// From the engine, on its thread.
    void on_change(fleet::Crew& crew, const fleet::Death* death);

   private:
    enum class Phase : std::uint8_t { starting, serving, failed, stopped };
    using Lock = std::unique_lock<std::mutex>;

    void on_chunk(std::uint64_t id, wire::Encoding encoding, std::span<const std::byte> bytes) override;
    void on_progress(std::uint64_t id, double fraction, std::string_view note) override;
    void on_outcome(std::uint64_t id, wire::ItemRange items, const dispatch::Outcome& outcome) override;
    void on_room() override;

    // On the engine's thread.
    void begin(const std::shared_ptr<Parcel>& parcel);
    [[nodiscard]] bool try_submit(const std::shared_ptr<Parcel>& parcel);
    [[nodiscard]] bool has_place(const Parcel& parcel) const;
    void submit_parked();
    void give_up(const std::shared_ptr<Parcel>& parcel);
    void cancel_all();
    void stop_crew();
    void let_go();
    void accept(Parcel& parcel);
    void end_items(const std::shared_ptr<Parcel>& parcel, std::uint32_t items);

    // On any.
    [[nodiscard]] std::shared_ptr<detail::EngineCore> engine() const;
    void push(Inbox::Order order);
    void refuse_stopped(const std::shared_ptr<Parcel>& parcel);
    [[nodiscard]] std::optional<std::string> wait_ready();

    // Not its owner: a door may go on the engine's thread, which must not end itself.
    const std::weak_ptr<detail::EngineCore> engine_;
    detail::EngineCore* const core_;  // on the engine's thread
    const std::shared_ptr<Callbacks> callbacks_;
    settings::Pool settings_;  // does not change once it serves
    const bool single_;
    std::vector<MethodInfo> methods_;  // does not change once it serves
    std::int64_t first_pid_ = 0;

    // The engine's.
    std::uint64_t last_id_ = 0;
    std::unordered_map<std::uint64_t, std::shared_ptr<Parcel>> begun_;
    std::deque<std::shared_ptr<Parcel>> parked_;  // the queue has no place for them
    std::size_t begun_items_ = 0;
    std::size_t begun_bytes_ = 0;
    bool submitting_ = false;
    bool ending_ = false;  // what comes now is cancelled
    bool gone_ = false;    // the name may be another pool's

    // Shared.
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    Phase phase_ = Phase::starting;
    std::string why_failed_;
    std::size_t items_out_ = 0;  // handed over, and without an outcome
    std::size_t bytes_out_ = 0;  // of the parcels of these
    std::size_t large_out_ = 0;  // with a memfd
    std::optional<WorkerEnd> worker_end_;
};

}  // namespace caisson::embed

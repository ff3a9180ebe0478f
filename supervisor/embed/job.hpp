// SPDX-License-Identifier: Apache-2.0
/// The calls that were asked for together: cuts them into parcels, hands these over as far as the window allows, and
/// keeps the outcomes until they are taken.
///
/// One thread fills it, any thread waits, and the door's thread brings outcomes.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "embed/callbacks.hpp"
#include "embed/door.hpp"
#include "embed/owner.hpp"
#include "embed/parcel.hpp"
#include "embed/pool/work.hpp"
#include "wire/frame.hpp"

namespace caisson::embed {

class Job final : public detail::Work, public std::enable_shared_from_this<Job> {
   public:
    Job(std::string method, detail::Plan plan, const std::shared_ptr<Door>& door, std::shared_ptr<CallbackScope> scope);

    // As users see it; see there.
    void add(const detail::Encoded& body) override;
    void add_packed(std::span<const std::byte> values, std::size_t value_bytes) override;
    void send() override;
    void seal() override;
    [[nodiscard]] bool wait(detail::Deadline deadline) override;
    [[nodiscard]] std::optional<std::size_t> wait_next() override;
    [[nodiscard]] detail::Item item(std::size_t index) override;
    [[nodiscard]] std::size_t copy_packed(std::size_t first, std::size_t value_bytes, std::span<std::byte> to) override;
    [[nodiscard]] CallResult take() override;
    void drop(std::size_t index) override;
    [[nodiscard]] std::size_t items() const override;
    [[nodiscard]] std::optional<std::size_t> first_failed() const override;
    void cancel() override;
    [[nodiscard]] Progress progress() const override;

    // As doors see it.
    [[nodiscard]] const std::string& method() const { return method_; }
    [[nodiscard]] const CallTerms& terms() const { return plan_.terms; }
    [[nodiscard]] bool streams() const { return static_cast<bool>(plan_.listeners.on_piece); }
    [[nodiscard]] bool has_listeners() const;
    [[nodiscard]] bool caller_waits() const { return plan_.caller_waits; }
    /// Items are ok and their outputs small; several stand in records (wire/records.hpp).
    void on_ok(Door& door, Parcel& parcel, std::uint32_t item, BodyEncoding encoding, std::span<const std::byte> bytes);
    void on_run(Door& door, Parcel& parcel, wire::ItemRange items, BodyEncoding encoding,
                std::span<const std::byte> records);
    void on_result(Door& door, Parcel& parcel, wire::ItemRange items, CallResult result);
    void on_progress(Door& door, double fraction, std::string_view note);
    /// False: the caller is behind, and should get no more until the door is told to resume.
    [[nodiscard]] bool on_piece(Door& door, const std::shared_ptr<Parcel>& parcel, std::string_view bytes);

   private:
    using Lock = std::unique_lock<std::mutex>;
    class CallbackWait;

    [[nodiscard]] bool is_map() const;
    [[nodiscard]] bool all_ended() const { return sealed_ && ended_ == items_; }
    [[nodiscard]] std::shared_ptr<Door> door() const;
    [[nodiscard]] std::shared_ptr<Parcel>& first_pending() { return parcels_[parcels_.size() - pending_parcels_]; }
    [[nodiscard]] Parcel& parcel_of(std::size_t index);
    [[nodiscard]] Slot& slot_of(std::size_t index);
    [[nodiscard]] static bool take_values(Parcel& parcel, wire::ItemRange items, BodyEncoding encoding,
                                          std::span<const std::byte> records);
    [[nodiscard]] static std::vector<Slot>& slots_of(Parcel& parcel);

    [[nodiscard]] std::size_t batch_items() const;
    [[nodiscard]] bool fits_filling(const detail::Encoded& body) const;
    void open_parcel(const detail::Encoded& body);
    void launch();
    [[nodiscard]] bool window_allows(const Parcel& parcel) const;
    void hand_over(Lock& lock, Door& door, bool may_wait);

    void note_end(Lock& lock, Door& door, Parcel& parcel, std::uint32_t items);
    void note_failure(Lock& lock, Door& door, std::size_t index, Outcome outcome);
    void end_pending(Door& door);
    void end_others(Lock& lock, Door& door);
    void tell_progress(Door& door);
    void post_pieces(Door& door, const std::shared_ptr<Parcel>& parcel);
    void deliver_pieces(const std::shared_ptr<Parcel>& parcel);
    void stop_pieces(const std::shared_ptr<Parcel>& parcel);
    void resume_stream(const std::shared_ptr<Parcel>& parcel);
    void tell_end(Door& door);

    const std::string method_;
    const detail::Plan plan_;
    const std::weak_ptr<Door> door_;
    const std::shared_ptr<CallbackScope> scope_;
    const Window window_;
    const Owner owner_;

    std::shared_ptr<Parcel> filling_;  // of the thread that fills

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    // In the order of their items. No deques here: an empty one allocates, and most jobs are one call.
    std::vector<std::shared_ptr<Parcel>> parcels_;
    std::size_t gone_parcels_ = 0;     // at the front: all their items were dropped
    std::size_t pending_parcels_ = 0;  // at the back: not handed over, for the window is full
    std::size_t items_ = 0;
    std::size_t ended_ = 0;
    std::size_t items_out_ = 0;  // handed over, and the parcel not ended
    std::size_t bytes_out_ = 0;
    bool sealed_ = false;
    std::atomic<bool> over_ = false;  // all_ended, for those who look without the lock
    bool sleeper_ = false;            // a thread waits for the one call
    bool told_end_ = false;
    bool cancelled_ = false;  // by the caller, or after a failure
    std::optional<std::size_t> failed_;
    std::optional<std::size_t> failed_by_cancel_;
    std::size_t next_ = 0;                          // of a stream: the item that is taken next
    std::optional<std::deque<std::size_t>> ready_;  // of an unordered stream: ended and not taken
    std::size_t taken_ = 0;
    Progress progress_;
    bool progress_posted_ = false;
    std::vector<std::string> pieces_;
    std::size_t piece_bytes_ = 0;
    bool pieces_posted_ = false;
    bool behind_ = false;
    bool piece_failed_ = false;  // the callback threw: it gets no more
};

}  // namespace caisson::embed

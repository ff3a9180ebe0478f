// SPDX-License-Identifier: Apache-2.0
/// The supervisor's side of one black box: what it tells the worker, and what it reads there as hostile input.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "base/result.hpp"
#include "fleet/exit.hpp"
#include "wire/black_box.hpp"
#include "wire/frame.hpp"

namespace caisson::fleet {

class Box {
   public:
    [[nodiscard]] static Result<Box> make();
    Box(Box&& other) noexcept;
    Box& operator=(Box&& other) noexcept;
    ~Box();

    /// To hand to the worker.
    [[nodiscard]] int descriptor() const { return memory_.get(); }
    /// Tests scribble here.
    [[nodiscard]] wire::BlackBox& raw() { return *box_; }

    // To the worker.
    void cancel(std::uint64_t sequence);
    void stop();
    /// Where the large input of a call goes, and where the large output of a result is (wire/black_box.hpp).
    [[nodiscard]] std::span<std::byte> input() { return box_->input; }
    [[nodiscard]] std::span<const std::byte> output() const { return box_->output; }
    /// The large output was copied: the worker may fill the place again.
    void note_output_taken() { box_->output_taken.fetch_add(1, std::memory_order_release); }

    /// Closes the claim word. Every call after the returned number is the supervisor's again.
    [[nodiscard]] wire::Claim close_claim();
    [[nodiscard]] wire::Claim claim() const;

    // From the worker, who may lie.
    [[nodiscard]] std::uint64_t running() const;
    [[nodiscard]] TimePoint started() const;
    [[nodiscard]] wire::SetupStep step() const;
    /// Changes while the worker gets to run; 0 if it never says so.
    [[nodiscard]] std::int64_t beat() const { return box_->beat_ns.load(std::memory_order_acquire); }
    /// The bytes of the output stream after `offset`: computed, and not delivered if `offset` bytes were. Empty if what
    /// the box says cannot be.
    [[nodiscard]] std::vector<std::byte> output_after(std::uint64_t offset) const;
    /// The frame that is being filled behind the first `offset` bytes of the output stream: its header and its complete
    /// records. Nothing if there is none there, or it makes no sense.
    struct OpenRun {
        wire::Header header;
        std::vector<std::byte> records;
    };
    [[nodiscard]] std::optional<OpenRun> open_run(std::uint64_t offset) const;
    [[nodiscard]] std::optional<Crash> crash() const;

   private:
    [[nodiscard]] std::vector<std::byte> copy(std::uint64_t from, std::uint64_t until) const;

    Box(Fd memory, wire::BlackBox* box) : memory_(std::move(memory)), box_(box) {}

    Fd memory_;
    wire::BlackBox* box_ = nullptr;
};

[[nodiscard]] std::string_view word(wire::SetupStep step);

}  // namespace caisson::fleet

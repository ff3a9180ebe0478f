// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "base/text.hpp"
#include "embed/job.hpp"

// What a job tells the user's callbacks: how far it is, pieces of output, its end.
namespace caisson::embed {
namespace {

/// Bytes of pieces that wait for a callback; above, the method is made to wait, until half of them are taken.
constexpr std::size_t piece_bytes_waiting = 1024 * 1024;

}  // namespace

Progress Job::progress() const {
    owner_.require("this work");
    const Lock lock{mutex_};
    if (!is_map()) return progress_;
    return {.fraction = items_ == 0 ? 1.0 : static_cast<double>(ended_) / static_cast<double>(items_),
            .note = cat(ended_, " of ", items_)};
}

void Job::on_progress(Door& door, double fraction, std::string_view note) {
    if (is_map()) return;
    {
        const Lock lock{mutex_};
        progress_ = {.fraction = fraction, .note = std::string{note}};
    }
    if (plan_.listeners.on_progress) tell_progress(door);
}

// Notes that come faster than they are taken are not piled up: the last one counts.
void Job::tell_progress(Door& door) {
    {
        const Lock lock{mutex_};
        if (std::exchange(progress_posted_, true)) return;
    }
    door.callbacks().post(scope_, method_, [self = shared_from_this()] {
        {
            const Lock lock{self->mutex_};
            self->progress_posted_ = false;
        }
        const auto progress = self->progress();
        self->plan_.listeners.on_progress(progress.fraction, progress.note);
    });
}

bool Job::on_piece(Door& door, const std::shared_ptr<Parcel>& parcel, std::string_view bytes) {
    bool post = false;
    bool behind = false;
    {
        const Lock lock{mutex_};
        if (piece_failed_) return true;
        pieces_.emplace_back(bytes);
        piece_bytes_ += bytes.size();
        post = !std::exchange(pieces_posted_, true);
        behind = behind_ = behind_ || piece_bytes_ > piece_bytes_waiting;
    }
    if (post) post_pieces(door, parcel);
    return !behind;
}

// Only what is here now: other callbacks have their turn before what comes meanwhile.
void Job::deliver_pieces(const std::shared_ptr<Parcel>& parcel) {
    Lock lock{mutex_};
    for (auto& piece : std::exchange(pieces_, {})) {
        if (piece_failed_) break;
        piece_bytes_ -= piece.size();
        const bool resume = piece_bytes_ <= piece_bytes_waiting / 2 && std::exchange(behind_, false);
        lock.unlock();
        if (resume) resume_stream(parcel);
        try {
            plan_.listeners.on_piece(piece);
        } catch (...) {
            stop_pieces(parcel);
            throw;
        }
        lock.lock();
    }
    const bool more = pieces_posted_ = !pieces_.empty();
    lock.unlock();
    if (const auto door = more ? door_.lock() : nullptr) post_pieces(*door, parcel);
}

void Job::post_pieces(Door& door, const std::shared_ptr<Parcel>& parcel) {
    door.callbacks().post(scope_, method_, [self = shared_from_this(), parcel] { self->deliver_pieces(parcel); });
}

// The callback threw: nobody wants the others, and the method goes on.
void Job::stop_pieces(const std::shared_ptr<Parcel>& parcel) {
    Lock lock{mutex_};
    piece_failed_ = true;
    pieces_.clear();
    const bool held = std::exchange(behind_, false);
    lock.unlock();
    if (held) resume_stream(parcel);
}

void Job::resume_stream(const std::shared_ptr<Parcel>& parcel) {
    if (const auto door = door_.lock()) door->resume(parcel);
}

void Job::tell_end(Door& door) {
    {
        const Lock lock{mutex_};
        if (std::exchange(told_end_, true)) return;
    }
    if (plan_.listeners.on_end)
        door.callbacks().post(scope_, method_, [self = shared_from_this()] { self->plan_.listeners.on_end(*self); });
}

}  // namespace caisson::embed

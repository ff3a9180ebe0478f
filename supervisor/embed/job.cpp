// SPDX-License-Identifier: Apache-2.0
#include "embed/job.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/result.hpp"
#include "base/text.hpp"
#include "client/sealed.hpp"
#include "embed/document.hpp"
#include "wire/black_box.hpp"
#include "wire/records.hpp"

namespace caisson::embed {
using detail::Shape;

Job::Job(std::string method, detail::Plan plan, const std::shared_ptr<Door>& door, std::shared_ptr<CallbackScope> scope)
    : method_(std::move(method)),
      plan_(std::move(plan)),
      door_(door),
      scope_(std::move(scope)),
      window_(door->window()) {
    if (plan_.shape == Shape::unordered) ready_.emplace();
}

bool Job::is_map() const { return plan_.shape == Shape::map || plan_.shape == Shape::map_all; }

bool Job::has_listeners() const {
    const auto& listeners = plan_.listeners;
    return listeners.on_end || listeners.on_progress || listeners.on_piece;
}

std::shared_ptr<Door> Job::door() const {
    owner_.require("this work");
    return door_.lock();
}

// ---- filling --------------------------------------------------------------------------------------------------------

std::size_t Job::batch_items() const {
    return std::clamp<std::size_t>(plan_.chunk.value_or(window_.batch_items), 1, window_.batch_items);
}

bool Job::fits_filling(const detail::Encoded& body) const {
    if (!filling_ || filling_->encoding != body.encoding || !filling_->batch) return false;
    return filling_->items < batch_items() &&
           filling_->body.size() + body.bytes.size() + wire::record_head_bytes <= window_.batch_bytes;
}

void Job::open_parcel(const detail::Encoded& body) {
    filling_ = std::make_shared<Parcel>();
    filling_->job = shared_from_this();
    filling_->encoding = body.encoding;
    filling_->items = 0;
    const auto size = body.bytes.size();
    filling_->batch = plan_.shape != Shape::call && size <= wire::inline_body_bytes &&
                      size + wire::record_head_bytes <= window_.batch_bytes;
    if (filling_->batch) return;
    if (size <= wire::boxed_bytes) {  // a copy costs less than the pages of a new memfd
        if (plan_.lends)
            filling_->lent = body.bytes;
        else
            filling_->body.assign(body.bytes.begin(), body.bytes.end());
    } else {
        auto memory = client::sealed_copy(body.bytes);
        if (!memory)
            throw PoolError(fail_errno(cat("no memfd for an input of ", size, " bytes"), memory.error()).error().what);
        filling_->memory.reset(memory->release());
        filling_->memory_bytes = size;
    }
    filling_->items = 1;
}

void Job::add(const detail::Encoded& body) {
    if (!fits_filling(body)) {
        launch();
        open_parcel(body);
    }
    if (filling_->batch) {
        wire::append_record(filling_->body, body.bytes);
        ++filling_->items;
    }
    if (!filling_->batch) launch();
}

void Job::add_packed(std::span<const std::byte> values, std::size_t value_bytes) {
    const auto record_bytes = wire::record_head_bytes + value_bytes;
    while (!values.empty()) {
        const detail::Encoded one{BodyEncoding::packed, values.first(value_bytes)};
        if (!fits_filling(one)) {
            launch();
            open_parcel(one);
        }
        const auto fit =
            std::min((window_.batch_bytes - filling_->body.size()) / record_bytes, batch_items() - filling_->items);
        const auto items = filling_->batch ? std::min(fit, values.size() / value_bytes) : 0;
        wire::append_records(filling_->body, values.first(items * value_bytes), value_bytes);
        filling_->items += static_cast<std::uint32_t>(items);
        if (!filling_->batch) launch();  // it holds the one
        values = values.subspan(std::max<std::size_t>(items, 1) * value_bytes);
    }
}

void Job::send() { launch(); }

void Job::seal() {
    launch();
    const auto door = this->door();
    Lock lock{mutex_};
    sealed_ = true;
    if (!all_ended()) return;
    changed_.notify_all();
    lock.unlock();
    if (door) tell_end(*door);
}

void Job::launch() {
    if (!filling_) return;
    const auto door = this->door();
    if (!door) throw PoolError("the pool is gone");
    if (has_listeners()) door->callbacks().wait_for_room();
    auto parcel = std::exchange(filling_, nullptr);
    parcel->open = parcel->items;
    parcel->weight = parcel->input().size();
    Lock lock{mutex_};
    parcel->first = items_;
    items_ += parcel->items;
    parcels_.push_back(std::move(parcel));
    ++pending_parcels_;
    if (cancelled_) {
        lock.unlock();
        return end_pending(*door);
    }
    hand_over(lock, *door, true);
}

bool Job::window_allows(const Parcel& parcel) const {
    return items_out_ == 0 ||
           (items_out_ + parcel.items <= window_.items && bytes_out_ + parcel.weight <= window_.bytes);
}

void Job::hand_over(Lock& lock, Door& door, bool may_wait) {
    while (pending_parcels_ > 0 && (!is_map() || window_allows(*first_pending()))) {
        auto parcel = first_pending();
        --pending_parcels_;
        parcel->handed_over = true;
        items_out_ += parcel->items;
        bytes_out_ += parcel->weight;
        lock.unlock();
        door.submit(std::move(parcel), may_wait);
        lock.lock();
    }
}

// ---- ends -----------------------------------------------------------------------------------------------------------

void Job::on_ok(Door& door, Parcel& parcel, std::uint32_t item, BodyEncoding encoding,
                std::span<const std::byte> bytes) {
    const auto self = shared_from_this();  // its last parcel lets go of it
    if (!is_map()) {                       // taken one by one while others come: each has bytes of its own
        CallResult result;
        result.output = wire::Frame::text(bytes);
        result.encoding = encoding;
        result.attempts = 1;
        return on_result(door, parcel, {item, 1}, std::move(result));
    }
    Lock lock{mutex_};
    slots_of(parcel)[item] = {Slot::State::here, encoding, static_cast<std::uint32_t>(parcel.outputs.size()),
                              static_cast<std::uint32_t>(bytes.size())};
    parcel.outputs.insert(parcel.outputs.end(), bytes.begin(), bytes.end());
    note_end(lock, door, parcel, 1);
}

void Job::on_run(Door& door, Parcel& parcel, wire::ItemRange items, BodyEncoding encoding,
                 std::span<const std::byte> records) {
    const auto self = shared_from_this();  // its last parcel lets go of it
    wire::RecordReader reader{records};
    if (!is_map()) {
        for (auto item = items.first; const auto bytes = reader.next(); ++item)
            on_ok(door, parcel, item, encoding, *bytes);
        return;
    }
    Lock lock{mutex_};
    if (take_values(parcel, items, encoding, records)) return note_end(lock, door, parcel, items.count);
    auto& slots = slots_of(parcel);
    const auto base = parcel.outputs.size();
    parcel.outputs.insert(parcel.outputs.end(), records.begin(), records.end());
    for (auto item = items.first; const auto bytes = reader.next(); ++item)
        slots[item] = {Slot::State::here, encoding,
                       static_cast<std::uint32_t>(base + static_cast<std::size_t>(bytes->data() - records.data())),
                       static_cast<std::uint32_t>(bytes->size())};
    note_end(lock, door, parcel, items.count);
}

// True if they are of one size, as those before.
bool Job::take_values(Parcel& parcel, wire::ItemRange items, BodyEncoding encoding,
                      std::span<const std::byte> records) {
    if (encoding != BodyEncoding::packed || !parcel.slots.empty()) return false;
    std::uint32_t size = 0;
    std::memcpy(&size, records.data(), sizeof size);
    const auto record_bytes = wire::record_head_bytes + size;
    if (size == 0 || record_bytes * items.count != records.size()) return false;
    if (parcel.value_bytes != 0 && parcel.value_bytes != size) return false;
    parcel.values.resize(std::size_t{size} * parcel.items);
    if (!wire::copy_records(records, size, parcel.values.data() + std::size_t{size} * items.first)) return false;
    parcel.value_bytes = size;
    parcel.value_runs.push_back(items);
    return true;
}

// Where values came first and then something else, they become outputs like the others.
std::vector<Slot>& Job::slots_of(Parcel& parcel) {
    if (!parcel.slots.empty()) return parcel.slots;
    parcel.slots.resize(parcel.items);
    parcel.outputs = std::move(parcel.values);
    const auto size = static_cast<std::uint32_t>(parcel.value_bytes);
    for (const auto& run : parcel.value_runs)
        for (auto item = run.first; item < run.first + run.count; ++item)
            parcel.slots[item] = {Slot::State::here, BodyEncoding::packed, item * size, size};
    return parcel.slots;
}

void Job::on_result(Door& door, Parcel& parcel, wire::ItemRange items, CallResult result) {
    const auto self = shared_from_this();  // its last parcel lets go of it
    Lock lock{mutex_};
    const auto outcome = result.outcome;
    const auto place = static_cast<std::uint32_t>(parcel.results.size());
    parcel.results.push_back(std::make_unique<CallResult>(std::move(result)));
    auto& slots = slots_of(parcel);
    for (std::uint32_t i = items.first; i < items.first + items.count; ++i) {
        slots[i].state = Slot::State::result;
        slots[i].at = place;
        if (plan_.shape == Shape::unordered) ready_->push_back(parcel.first + i);
    }
    if (outcome != Outcome::ok) note_failure(lock, door, parcel.first + items.first, outcome);
    note_end(lock, door, parcel, items.count);
}

void Job::note_end(Lock& lock, Door& door, Parcel& parcel, std::uint32_t items) {
    ended_ += items;
    parcel.ended += items;
    if (parcel.ended == parcel.items) parcel.job.reset();  // we keep it, and it would keep us
    const bool last = all_ended();
    if (last) over_.store(true, std::memory_order_release);
    if (last && sleeper_) door.offer_helm();
    if (last || plan_.shape == Shape::unordered || plan_.shape == Shape::stream) changed_.notify_all();
    if (parcel.ended == parcel.items) {
        items_out_ -= parcel.items;
        bytes_out_ -= parcel.weight;
        parcel.body = {};
        parcel.memory.reset();
        hand_over(lock, door, false);
    }
    lock.unlock();
    if (is_map() && plan_.listeners.on_progress) tell_progress(door);
    if (last) tell_end(door);
}

void Job::note_failure(Lock& lock, Door& door, std::size_t index, Outcome outcome) {
    auto& first = outcome == Outcome::cancelled && cancelled_ ? failed_by_cancel_ : failed_;
    first = std::min(first.value_or(index), index);
    if (plan_.shape == Shape::map && !cancelled_) end_others(lock, door);
}

// Gives up everything that has not ended.
void Job::end_others(Lock& lock, Door& door) {
    cancelled_ = true;
    std::vector<std::shared_ptr<Parcel>> out;
    for (const auto& parcel : parcels_)
        if (parcel && parcel->handed_over && parcel->ended < parcel->items) out.push_back(parcel);
    lock.unlock();
    for (const auto& parcel : out) door.cancel(parcel);
    end_pending(door);
    lock.lock();
}

// What was never handed over.
void Job::end_pending(Door& door) {
    Lock lock{mutex_};
    while (pending_parcels_ > 0) {
        const auto parcel = first_pending();
        --pending_parcels_;
        items_out_ += parcel->items;  // as note_end takes them away
        bytes_out_ += parcel->weight;
        lock.unlock();
        on_result(door, *parcel, {0, parcel->items}, cancelled_result(door.name(), method_));
        lock.lock();
    }
}

void Job::cancel() {
    const auto door = this->door();
    if (!door) return;  // its end has ended everything
    Lock lock{mutex_};
    if (!cancelled_ && !all_ended()) end_others(lock, *door);
}

// ---- taking ---------------------------------------------------------------------------------------------------------

// A callback that waits takes nothing else meanwhile, so nothing may be held until it does.
class Job::CallbackWait {
   public:
    explicit CallbackWait(const Job& job) : door_(job.door_.lock()) {
        if (door_ && !door_->callbacks().on_this_thread()) door_.reset();
        if (!door_) return;
        door_->callbacks().set_waits(true);
        door_->lift_holds();
    }
    CallbackWait(const CallbackWait&) = delete;
    CallbackWait& operator=(const CallbackWait&) = delete;
    ~CallbackWait() {
        if (door_) door_->callbacks().set_waits(false);
    }

   private:
    std::shared_ptr<Door> door_;
};

bool Job::wait(detail::Deadline deadline) {
    owner_.require("this work");
    const CallbackWait inside{*this};
    Lock lock{mutex_};
    const auto done = [&] { return all_ended(); };
    if (plan_.shape == Shape::call && !done()) {
        sleeper_ = true;
        lock.unlock();
        if (const auto door = door_.lock())
            door->drive([this] { return over_.load(std::memory_order_acquire); }, deadline.value_or(TimePoint::max()));
        lock.lock();
    }
    if (deadline) return changed_.wait_until(lock, *deadline, done);
    changed_.wait(lock, done);
    return true;
}

std::optional<std::size_t> Job::wait_next() {
    owner_.require("this work");
    const CallbackWait inside{*this};
    Lock lock{mutex_};
    const bool ordered = plan_.shape != Shape::unordered;
    changed_.wait(lock, [&] {
        if (taken_ == items_) return true;
        return ordered ? slot_of(next_).state != Slot::State::open : !ready_->empty();
    });
    if (taken_ == items_) return std::nullopt;
    ++taken_;
    if (ordered) return next_++;
    const auto index = ready_->front();
    ready_->pop_front();
    return index;
}

// Parcels are in the order of their items, and those at the front may have been dropped.
Parcel& Job::parcel_of(std::size_t index) {
    const auto here = std::span{parcels_}.subspan(gone_parcels_);
    const auto after = std::ranges::upper_bound(here, index, {}, [](const auto& parcel) { return parcel->first; });
    check(after != here.begin(), "the item was not dropped");
    return **std::prev(after);
}

Slot& Job::slot_of(std::size_t index) {
    auto& parcel = parcel_of(index);
    return slots_of(parcel)[index - parcel.first];
}

detail::Item Job::item(std::size_t index) {
    owner_.require("this work");
    const Lock lock{mutex_};
    auto& parcel = parcel_of(index);
    if (parcel.slots.empty() && parcel.value_bytes > 0) {
        const auto at = (index - parcel.first) * parcel.value_bytes;
        return {BodyEncoding::packed, wire::Frame::text(std::span{parcel.values}.subspan(at, parcel.value_bytes)),
                nullptr};
    }
    const auto& slot = slots_of(parcel)[index - parcel.first];
    if (slot.state == Slot::State::here)
        return {slot.encoding, wire::Frame::text(std::span{parcel.outputs}.subspan(slot.at, slot.size)), nullptr};
    const auto& result = *parcel.results[slot.at];
    return {result.encoding, result.bytes(), &result};
}

std::size_t Job::copy_packed(std::size_t first, std::size_t value_bytes, std::span<std::byte> to) {
    owner_.require("this work");
    const Lock lock{mutex_};
    auto index = first;
    while (index < items_ && to.size() >= value_bytes) {
        auto& parcel = parcel_of(index);
        const auto at = index - parcel.first;
        if (parcel.slots.empty() && parcel.value_bytes == value_bytes) {
            const auto count = std::min(parcel.items - at, to.size() / value_bytes);
            std::memcpy(to.data(), parcel.values.data() + at * value_bytes, count * value_bytes);
            index += count;
            to = to.subspan(count * value_bytes);
            continue;
        }
        const auto& slot = slots_of(parcel)[at];
        if (slot.state != Slot::State::here || slot.encoding != BodyEncoding::packed || slot.size != value_bytes) break;
        std::memcpy(to.data(), parcel.outputs.data() + slot.at, value_bytes);
        ++index;
        to = to.subspan(value_bytes);
    }
    return index - first;
}

void Job::drop(std::size_t index) {
    const Lock lock{mutex_};
    auto& parcel = parcel_of(index);
    auto& slot = slots_of(parcel)[index - parcel.first];
    if (slot.state == Slot::State::result) parcel.results[slot.at].reset();
    slot.state = Slot::State::dropped;
    ++parcel.dropped;
    for (; gone_parcels_ < parcels_.size(); ++gone_parcels_) {
        auto& first = parcels_[gone_parcels_];
        if (first->dropped < first->items) break;
        first.reset();
    }
    // Now and then, so that each is moved once on the average.
    if (gone_parcels_ * 2 <= parcels_.size()) return;
    parcels_.erase(parcels_.begin(), parcels_.begin() + static_cast<std::ptrdiff_t>(std::exchange(gone_parcels_, 0)));
}

CallResult Job::take() {
    const Lock lock{mutex_};
    return std::move(*parcels_.front()->results.front());
}

std::size_t Job::items() const {
    const Lock lock{mutex_};
    return items_;
}

std::optional<std::size_t> Job::first_failed() const {
    const Lock lock{mutex_};
    return failed_ ? failed_ : failed_by_cancel_;
}

}  // namespace caisson::embed

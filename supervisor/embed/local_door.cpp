// SPDX-License-Identifier: Apache-2.0
#include "embed/local_door.hpp"

#include <fcntl.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "embed/document.hpp"
#include "embed/job.hpp"

namespace caisson::embed {
namespace {

/// Beyond limits.start_timeout: the worker's end by then, and the keeper's word of it.
constexpr auto start_margin = std::chrono::seconds{10};
/// Large inputs of one pool under way; who hands over more waits for some of them. Several pools may share an engine.
constexpr std::size_t large_inputs = limits::large_payloads / 4;
/// Items of one map under way: plenty for every worker, and cheap to give up.
constexpr std::size_t map_items = 64 * 1024;
constexpr std::uint32_t map_batch_items = wire::max_batch_items;

}  // namespace

LocalDoor::LocalDoor(const std::shared_ptr<detail::EngineCore>& engine, const settings::Pool& settings, bool single)
    : engine_(engine), core_(engine.get()), callbacks_(engine->callbacks()), settings_(settings), single_(single) {}

std::shared_ptr<detail::EngineCore> LocalDoor::engine() const {
    auto engine = engine_.lock();
    if (!engine) throw PoolError("the engine has ended");
    return engine;
}

void LocalDoor::push(Inbox::Order order) {
    if (const auto engine = engine_.lock()) engine->push(std::move(order));
}

// ---- start ----------------------------------------------------------------------------------------------------------

Result<std::shared_ptr<LocalDoor>> LocalDoor::open(const std::shared_ptr<detail::EngineCore>& engine,
                                                   const settings::Pool& settings, bool single) {
    auto door = std::make_shared<LocalDoor>(engine, settings, single);
    engine->ask([&] { door->settings_.name = engine->add(*door, settings); });
    if (const auto why = door->wait_ready()) {
        door->stop(true);
        return fail(cat("pool ", settings.name, ": ", *why));
    }
    return door;
}

std::optional<std::string> LocalDoor::wait_ready() {
    Lock lock{mutex_};
    const bool decided = changed_.wait_for(lock, settings_.limits.start_timeout + start_margin,
                                           [&] { return phase_ != Phase::starting; });
    if (!decided) return "no worker was ready in time (limits.start_timeout)";
    if (phase_ == Phase::serving) return std::nullopt;
    return why_failed_;
}

void LocalDoor::on_change(fleet::Crew& crew, const fleet::Death* death) {
    bool stop_now = false;
    {
        const Lock lock{mutex_};
        if (phase_ == Phase::starting && crew.ready_workers() > 0) {
            for (const auto& method : crew.info()->methods)
                methods_.push_back({method.name, method.help, method.input, method.output, method.idempotent});
            for (const auto& slot : crew.slots())
                if (first_pid_ == 0 && slot->worker) first_pid_ = slot->worker->pid();
            phase_ = Phase::serving;
        } else if (phase_ == Phase::starting && death != nullptr && !death->intended && !death->was_serving) {
            why_failed_ = words(death->exit, false);
            for (const auto& line : death->output) why_failed_ += cat("\n  it printed: ", line);
            phase_ = Phase::failed;
        }
        if (single_ && death != nullptr && !worker_end_) {
            const auto& exit = death->exit;
            worker_end_ = {.signal = death->keeper_lost ? SIGKILL : exit.signal, .code = exit.code};
            stop_now = true;
        }
        if (crew.state() == fleet::CrewState::stopped) phase_ = Phase::stopped;
        changed_.notify_all();
    }
    if (stop_now) crew.stop(Clock::now());  // before it starts another
}

// ---- calls ----------------------------------------------------------------------------------------------------------

Window LocalDoor::window() const {
    const auto calls = std::max<std::size_t>(settings_.queue.calls, 1);
    const auto bytes = settings_.queue.bytes;
    return {.batch_items = static_cast<std::uint32_t>(std::min<std::size_t>(map_batch_items, (calls + 3) / 4)),
            .batch_bytes = std::min<std::size_t>(wire::max_batch_bytes, bytes / 4),
            .items = std::min(map_items, calls),
            .bytes = bytes};
}

void LocalDoor::refuse_stopped(const std::shared_ptr<Parcel>& parcel) {
    parcel->job->on_result(*this, *parcel, {0, parcel->items}, cancelled_result(name(), parcel->job->method()));
}

void LocalDoor::submit(std::shared_ptr<Parcel> parcel, bool may_wait) {
    const auto engine = engine_.lock();
    bool await_acceptance = false;
    {
        Lock lock{mutex_};
        if (may_wait && parcel->memory)
            changed_.wait(lock, [&] { return large_out_ < large_inputs || phase_ == Phase::stopped; });
        if (!engine || phase_ == Phase::stopped) {
            lock.unlock();
            return refuse_stopped(parcel);
        }
        items_out_ += parcel->items;
        bytes_out_ += parcel->weight;
        if (parcel->memory) ++large_out_;
        // Only more than the whole queue can be too much for it.
        await_acceptance = may_wait && settings_.queue.full == settings::QueueFull::wait &&
                           (items_out_ > settings_.queue.calls || bytes_out_ > settings_.queue.bytes);
    }
    Inbox::Order order = [self = shared_from_this(), parcel] { self->begin(parcel); };
    const bool rouse = !parcel->job->caller_waits() || await_acceptance;
    static_cast<void>(may_wait ? engine->push_when_room(std::move(order), rouse) : engine->push(std::move(order)));
    if (!await_acceptance) return;
    Lock lock{mutex_};
    changed_.wait(lock, [&] { return parcel->accepted; });
}

void LocalDoor::drive(const std::function<bool()>& done, TimePoint latest) {
    const auto engine = engine_.lock();
    if (!engine) return;
    if (!engine->drive(done, latest)) engine->rouse();  // what was pushed for the sake of this wait is there
}

void LocalDoor::offer_helm() { core_->offer_helm(); }

void LocalDoor::begin(const std::shared_ptr<Parcel>& parcel) {
    if (ending_) return give_up(parcel);
    const bool takes_its_turn = parcel->batch || settings_.queue.full == settings::QueueFull::wait;
    if ((!takes_its_turn || parked_.empty()) && has_place(*parcel) && try_submit(parcel)) return;
    parked_.push_back(parcel);
}

// A batch is a part of a map, which has patience: what several maps want at once must not be refused for it.
bool LocalDoor::has_place(const Parcel& parcel) const {
    return !parcel.batch || begun_items_ == 0 ||
           (begun_items_ + parcel.items <= settings_.queue.calls &&
            begun_bytes_ + parcel.weight <= settings_.queue.bytes);
}

// False if the queue is full and its callers wait.
bool LocalDoor::try_submit(const std::shared_ptr<Parcel>& parcel) {
    const auto& job = *parcel->job;
    const auto& terms = job.terms();
    if (parcel->id == 0) parcel->id = ++last_id_;
    begun_[parcel->id] = parcel;  // its outcome may come from inside submit
    begun_items_ += parcel->items;
    begun_bytes_ += parcel->weight;
    const auto handle = core_->dispatcher().submit(
        {.pool = settings_.name,
         .method = job.method(),
         .params = terms.params,
         .body = parcel->input(),
         .encoding = static_cast<wire::Encoding>(parcel->encoding),
         .owned = parcel->lent.empty() ? &parcel->body : nullptr,
         .lent = !parcel->lent.empty(),
         .items = parcel->batch ? parcel->items : 0,
         .memory = parcel->memory ? &parcel->memory : nullptr,
         .memory_bytes = parcel->memory_bytes,
         .timeout = terms.timeout ? std::optional<Duration>{*terms.timeout} : std::nullopt,
         .retries = terms.retries ? std::optional{static_cast<std::uint32_t>(*terms.retries)} : std::nullopt,
         .priority = terms.priority,
         .stream = job.streams(),
         .copied = true},
        *this, parcel->id);
    if (!handle) {
        begun_.erase(parcel->id);
        begun_items_ -= parcel->items;
        begun_bytes_ -= parcel->weight;
        return false;
    }
    parcel->handle = *handle;
    accept(*parcel);
    return true;
}

void LocalDoor::accept(Parcel& parcel) {
    if (settings_.queue.full != settings::QueueFull::wait) return;
    const Lock lock{mutex_};
    parcel.accepted = true;
    changed_.notify_all();
}

void LocalDoor::on_room() { submit_parked(); }

void LocalDoor::submit_parked() {
    if (std::exchange(submitting_, true)) return;  // an outcome from inside submit
    while (!parked_.empty() && has_place(*parked_.front())) {
        if (!try_submit(parked_.front())) break;
        parked_.pop_front();
    }
    submitting_ = false;
}

void LocalDoor::cancel(const std::shared_ptr<Parcel>& parcel) {
    push([self = shared_from_this(), parcel] {
        if (std::erase(self->parked_, parcel) > 0) return self->give_up(parcel);
        if (parcel->handle && self->begun_.contains(parcel->id)) self->core_->dispatcher().cancel(*parcel->handle);
    });
}

// What was not begun.
void LocalDoor::give_up(const std::shared_ptr<Parcel>& parcel) {
    refuse_stopped(parcel);
    end_items(parcel, parcel->items);
}

void LocalDoor::resume(const std::shared_ptr<Parcel>& parcel) {
    push([self = shared_from_this(), parcel] {
        if (std::exchange(parcel->held, false) && parcel->handle)
            self->core_->dispatcher().hold_stream(*parcel->handle, false);
    });
}

void LocalDoor::lift_holds() {
    push([self = shared_from_this()] {
        for (const auto& [id, parcel] : self->begun_)
            if (std::exchange(parcel->held, false) && parcel->handle)
                self->core_->dispatcher().hold_stream(*parcel->handle, false);
    });
}

// ---- what comes back ------------------------------------------------------------------------------------------------

void LocalDoor::on_chunk(std::uint64_t id, wire::Encoding encoding, std::span<const std::byte> bytes) {
    (void)encoding;
    const auto found = begun_.find(id);
    if (found == begun_.end()) return;
    const auto parcel = found->second;
    if (parcel->job->on_piece(*this, parcel, wire::Frame::text(bytes)) || parcel->held || !parcel->handle ||
        callbacks_->waits())
        return;
    parcel->held = true;
    core_->dispatcher().hold_stream(*parcel->handle, true);
}

void LocalDoor::on_progress(std::uint64_t id, double fraction, std::string_view note) {
    const auto found = begun_.find(id);
    if (found != begun_.end()) found->second->job->on_progress(*this, fraction, note);
}

void LocalDoor::on_outcome(std::uint64_t id, wire::ItemRange items, const dispatch::Outcome& outcome) {
    const auto found = begun_.find(id);
    check(found != begun_.end(), "an outcome is for what was begun");
    const auto parcel = found->second;
    auto& job = *parcel->job;
    const bool ok = outcome.kind == wire::OutcomeKind::ok;
    const auto encoding = static_cast<BodyEncoding>(outcome.encoding);
    if (ok && outcome.memory == nullptr && job.streams() && !outcome.body.empty())
        static_cast<void>(job.on_piece(*this, parcel, wire::Frame::text(outcome.body)));
    if (outcome.records) {
        job.on_run(*this, *parcel, items, encoding, outcome.body);
        return end_items(parcel, items.count);
    }
    if (ok && outcome.memory == nullptr) {
        job.on_ok(*this, *parcel, items.first, encoding, job.streams() ? std::span<const std::byte>{} : outcome.body);
        return end_items(parcel, items.count);
    }
    CallResult result;
    result.outcome = static_cast<Outcome>(outcome.kind);
    result.encoding = encoding;
    result.attempts = outcome.attempts;
    result.json = outcome.json;
    if (!ok) result.message = message_of(outcome.json);
    if (outcome.memory != nullptr) {
        result.memory = Memory::map(::fcntl(outcome.memory->get(), F_DUPFD_CLOEXEC, 0), outcome.memory_bytes);
        if (!result.memory) result = failed_result(job.method(), "no descriptor or memory is left for its output");
    }
    job.on_result(*this, *parcel, items, std::move(result));
    end_items(parcel, items.count);
}

void LocalDoor::end_items(const std::shared_ptr<Parcel>& parcel, std::uint32_t items) {
    parcel->open -= items;
    const bool whole = parcel->open == 0;
    if (begun_.contains(parcel->id)) {
        begun_items_ -= items;
        if (whole) {
            begun_bytes_ -= parcel->weight;
            begun_.erase(parcel->id);
        }
    }
    bool idle = false;
    {
        const Lock lock{mutex_};
        items_out_ -= items;
        if (whole) {
            bytes_out_ -= parcel->weight;
            if (parcel->memory_bytes > 0) --large_out_;
            parcel->accepted = true;
        }
        idle = items_out_ == 0;
        if (whole) changed_.notify_all();
    }
    if (!parked_.empty() && !ending_) submit_parked();
    if (idle && single_) core_->loop().post([self = shared_from_this()] { self->stop_crew(); });
}

}  // namespace caisson::embed

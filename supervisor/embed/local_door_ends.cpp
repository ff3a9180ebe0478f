// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>
#include <utility>

#include "embed/document.hpp"
#include "embed/job.hpp"
#include "embed/local_door.hpp"

// How a pool is looked at, changed and ended.
namespace caisson::embed {

// ---- end ------------------------------------------------------------------------------------------------------------

void LocalDoor::wait_idle() {
    Lock lock{mutex_};
    changed_.wait(lock, [&] { return items_out_ == 0; });
}

void LocalDoor::begin_stop(bool cancel) {
    push([self = shared_from_this(), cancel] {
        self->ending_ = true;
        if (cancel) self->cancel_all();
        self->stop_crew();
    });
}

void LocalDoor::cancel_all() {
    for (const auto& parcel : std::exchange(parked_, {})) give_up(parcel);
    std::vector<dispatch::Handle> handles;
    for (const auto& [id, parcel] : begun_)
        if (parcel->handle) handles.push_back(*parcel->handle);
    for (const auto handle : handles) core_->dispatcher().cancel(handle);
}

void LocalDoor::stop_crew() {
    ending_ = true;
    if (!gone_) core_->dispatcher().crew(settings_.name).stop(Clock::now());
}

void LocalDoor::stop(bool cancel) {
    const auto engine = engine_.lock();
    if (!engine) return;
    begin_stop(cancel);
    {
        Lock lock{mutex_};
        changed_.wait(lock, [&] { return phase_ == Phase::stopped && items_out_ == 0; });
    }
    engine->ask([&] { let_go(); });
    engine->flush_output();
}

void LocalDoor::let_go() {
    if (std::exchange(gone_, true)) return;
    core_->dispatcher().forget(*this);
    core_->remove(*this);
    core_->dispatcher().remove_pool(settings_.name);
}

// ---- operating ------------------------------------------------------------------------------------------------------

std::vector<WorkerInfo> LocalDoor::workers() {
    return engine()->ask([&] {
        std::vector<WorkerInfo> workers;
        if (gone_) return workers;
        for (const auto& slot : core_->dispatcher().crew(settings_.name).slots()) {
            workers.push_back({.id = slot->id,
                               .pid = slot->worker ? slot->worker->pid() : 0,
                               .state = std::string{fleet::Crew::word_of(*slot)},
                               .calls = slot->worker ? slot->worker->calls() : 0});
        }
        return workers;
    });
}

void LocalDoor::resize(std::uint32_t workers) {
    engine()->ask([&] {
        if (!ending_) core_->dispatcher().crew(settings_.name).resize(workers);
    });
}

std::vector<PoisonInfo> LocalDoor::poison() {
    const auto list = engine()->ask([&] { return nlohmann::json{{"poison", core_->dispatcher().poison()}}.dump(); });
    return poison_of(list, settings_.name);
}

std::size_t LocalDoor::clear_poison(std::string_view id) {
    return engine()->ask([&] { return core_->dispatcher().clear_poison(id, settings_.name); });
}

// ---- a single worker ------------------------------------------------------------------------------------------------

std::optional<LocalDoor::WorkerEnd> LocalDoor::wait_worker_end(
    std::optional<std::chrono::steady_clock::time_point> deadline) {
    Lock lock{mutex_};
    const auto ended = [&] { return worker_end_.has_value() || phase_ == Phase::stopped; };
    if (!deadline) {
        changed_.wait(lock, ended);
    } else if (!changed_.wait_until(lock, *deadline, ended)) {
        return std::nullopt;
    }
    return worker_end_.value_or(WorkerEnd{});
}

void LocalDoor::kill_worker() {
    push([self = shared_from_this()] {
        self->ending_ = true;
        self->cancel_all();
        if (self->gone_) return;
        auto& crew = self->core_->dispatcher().crew(self->settings_.name);
        for (const auto& slot : crew.slots())
            if (slot->worker) slot->worker->kill(fleet::Exit::Kind::killed, "killed by its owner");
        crew.stop(Clock::now());
    });
}

}  // namespace caisson::embed

// SPDX-License-Identifier: Apache-2.0
#include "embed/pool/process.hpp"

#include <memory>
#include <mutex>
#include <utility>

#include "base/text.hpp"
#include "embed/engine.hpp"
#include "embed/local_door.hpp"
#include "embed/owner.hpp"
#include "embed/pool_core.hpp"
#include "embed/pool_settings.hpp"

namespace caisson {
namespace detail {

/// A pool of one worker for one call.
class ProcessCore {
   public:
    ProcessCore(std::shared_ptr<EngineCore> engine, ProcessOptions options)
        : engine_(std::move(engine)), options_(std::move(options)) {
        engine_->owner().require("this engine");
    }

    void start() {
        if (door_) throw PoolError("this process was started already");
        const auto settings = embed::process_settings(options_, engine_->plugin_dir());
        if (!settings) throw PoolError(settings.error().text());
        auto door = embed::LocalDoor::open(engine_, *settings, true);
        if (!door) throw PoolError(door.error().text());
        door_ = std::move(*door);
        pool_ = std::make_shared<PoolCore>(engine_, door_, nullptr);
        try {
            method_ = pool_->method(options_.method);
            work_ = pool_->begin(method_, {.terms = {.params = options_.params}});
            options_.input.add_to(*work_, method_);
            work_->seal();
        } catch (...) {
            door_->stop(true);
            work_.reset();
            throw;
        }
    }

    [[nodiscard]] bool join(Deadline deadline) {
        auto& work = started();
        if (!door_->wait_worker_end(deadline) || !work.wait(deadline)) return false;
        engine_->flush_output();
        return true;
    }
    [[nodiscard]] pid_t pid() const { return door_ ? static_cast<pid_t>(door_->first_pid()) : 0; }
    [[nodiscard]] bool is_alive() { return door_ && !door_->wait_worker_end(std::chrono::steady_clock::now()); }
    [[nodiscard]] std::optional<int> exit_code() {
        if (!work_) return std::nullopt;
        const auto end = door_->wait_worker_end(std::chrono::steady_clock::now());
        if (!end) return std::nullopt;
        if (end->signal != 0) return -end->signal;
        if (end->code != 0) return end->code;
        static_cast<void>(work_->wait({}));  // a moment at most: its worker has ended
        return work_->item(0).ok() ? 0 : 1;
    }
    void terminate() {
        if (door_) door_->begin_stop(true);
    }
    void kill() {
        if (door_) door_->kill_worker();
    }
    void end() noexcept {
        if (pool_) pool_->end();
    }

    [[nodiscard]] Work& started() {
        if (!work_) throw PoolError("this process was not started");
        return *work_;
    }
    [[nodiscard]] const MethodInfo& method() const { return method_; }
    [[nodiscard]] const embed::Owner& owner() const { return owner_; }

   private:
    const embed::Owner owner_;
    const std::shared_ptr<EngineCore> engine_;
    const ProcessOptions options_;
    std::shared_ptr<embed::LocalDoor> door_;
    std::shared_ptr<PoolCore> pool_;
    MethodInfo method_;
    std::shared_ptr<Work> work_;
};

}  // namespace detail

namespace {

detail::ProcessCore& usable(const std::shared_ptr<detail::ProcessCore>& core) {
    if (!core) throw PoolError("this process was moved from");
    core->owner().require("this process object");
    return *core;
}

void let_go(std::shared_ptr<detail::ProcessCore> core) noexcept {
    if (!core) return;
    if (core->owner().here()) return core->end();
    static_cast<void>(new std::shared_ptr<detail::ProcessCore>(std::move(core)));  // its threads are not here
}

}  // namespace

Process::Process(const Engine& engine, ProcessOptions options)
    : core_(std::make_shared<detail::ProcessCore>(engine.core_, std::move(options))) {}
Process::Process(Process&&) noexcept = default;
Process& Process::operator=(Process&& other) noexcept {
    if (this != &other) let_go(std::exchange(core_, std::move(other.core_)));
    return *this;
}
Process::~Process() { let_go(std::move(core_)); }

void Process::start() { usable(core_).start(); }
void Process::join() const { static_cast<void>(usable(core_).join({})); }
bool Process::join(std::chrono::milliseconds time) const {
    return usable(core_).join(std::chrono::steady_clock::now() + time);
}
pid_t Process::pid() const { return usable(core_).pid(); }
bool Process::is_alive() const { return usable(core_).is_alive(); }
std::optional<int> Process::exit_code() const { return usable(core_).exit_code(); }
void Process::terminate() { usable(core_).terminate(); }
void Process::kill() { usable(core_).kill(); }

detail::Work& Process::ended_work() const {
    auto& work = usable(core_).started();
    static_cast<void>(work.wait({}));
    return work;
}
const MethodInfo& Process::method() const { return usable(core_).method(); }

}  // namespace caisson

// SPDX-License-Identifier: Apache-2.0
#include "embed/pool.hpp"

#include <utility>

#include "base/text.hpp"
#include "embed/engine.hpp"
#include "embed/local_door.hpp"
#include "embed/pool_core.hpp"
#include "embed/pool_settings.hpp"

namespace caisson {
namespace {

/// The pool behind a handle, unless there is none to use.
detail::PoolCore& usable(const std::shared_ptr<detail::PoolCore>& core) {
    if (!core) throw PoolError("this pool was moved from");
    core->owner().require("this pool");
    return *core;
}

/// Ends a pool with its handle. In a forked child nothing can be ended, and nothing may be waited for.
void let_go(std::shared_ptr<detail::PoolCore> core) noexcept {
    if (!core) return;
    if (core->owner().here()) return core->end();
    static_cast<void>(new std::shared_ptr<detail::PoolCore>(std::move(core)));  // its threads are not in this process
}

std::shared_ptr<detail::PoolCore> make_core(const std::shared_ptr<detail::EngineCore>& engine, PoolOptions options) {
    engine->owner().require("this engine");
    const auto settings = embed::pool_settings(options, engine->plugin_dir());
    if (!settings) throw PoolError(settings.error().text());
    auto door = embed::LocalDoor::open(engine, *settings);
    if (!door) throw PoolError(door.error().text());
    return std::make_shared<detail::PoolCore>(engine, std::move(*door), std::move(options.on_callback_error));
}

}  // namespace

Pool::Pool(const Engine& engine, PoolOptions options) : core_(make_core(engine.core_, std::move(options))) {}
Pool::Pool(std::shared_ptr<detail::PoolCore> core) : core_(std::move(core)) {}
Pool::Pool(Pool&&) noexcept = default;
Pool& Pool::operator=(Pool&& other) noexcept {
    if (this != &other) let_go(std::exchange(core_, std::move(other.core_)));
    return *this;
}
Pool::~Pool() { let_go(std::move(core_)); }

detail::Core& Pool::core() const { return usable(core_); }

CallResult Pool::call(std::string_view method, std::span<const std::byte> body, CallTerms terms) {
    auto& core = usable(core_);
    const auto& info = core.method(method);
    if (!body.empty() && info.input == "none") throw PoolError(cat("method ", info.name, " takes no input"));
    const auto work = core.begin(info, {.terms = std::move(terms), .lends = true, .caller_waits = true});
    work->add({BodyEncoding::bytes, body});
    work->seal();
    static_cast<void>(work->wait({}));
    return work->take();
}

void Pool::close() { usable(core_).close(); }
void Pool::join() { usable(core_).join(); }
void Pool::terminate() { usable(core_).terminate(); }

void Pool::resize(int workers) {
    auto& core = usable(core_);
    core.require_open();
    if (const auto fault = embed::fault_of_workers(workers)) throw PoolError(fault->text());
    core.door().resize(static_cast<std::uint32_t>(workers));
}

const std::string& Pool::name() const { return usable(core_).door().name(); }
std::vector<WorkerInfo> Pool::workers() const { return usable(core_).door().workers(); }
const std::vector<MethodInfo>& Pool::methods() const { return usable(core_).door().methods(); }
std::vector<PoisonInfo> Pool::poison() const { return usable(core_).door().poison(); }
std::size_t Pool::clear_poison(std::string_view id) { return usable(core_).door().clear_poison(id); }

}  // namespace caisson

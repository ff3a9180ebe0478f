// SPDX-License-Identifier: Apache-2.0
#include "embed/remote_door.hpp"

#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "base/suggest.hpp"
#include "base/text.hpp"
#include "embed/document.hpp"
#include "embed/job.hpp"
#include "embed/pool.hpp"
#include "embed/pool_core.hpp"

namespace caisson::embed {
namespace {

/// What one pool of a session may have under way; who hands over more waits.
constexpr std::size_t remote_items = 64 * 1024;
constexpr std::size_t remote_bytes = 64 * 1024 * 1024;
constexpr std::size_t remote_large = 16;
/// Items of a map: small enough for a service whose queue is not large.
constexpr std::uint32_t remote_batch_items = 512;
constexpr std::size_t remote_map_items = 8 * 1024;

/// How long a pool may take to start, and how often it is looked at meanwhile.
constexpr auto start_patience = std::chrono::seconds{15};
constexpr auto start_look = std::chrono::milliseconds{10};

std::string verb(const char* name, nlohmann::json fields = nlohmann::json::object()) {
    fields["verb"] = name;
    return fields.dump();
}

}  // namespace

RemoteDoor::RemoteDoor(const std::shared_ptr<detail::ServiceCore>& session, std::string name,
                       std::vector<MethodInfo> methods)
    : session_(session),
      core_(session.get()),
      callbacks_(session->callbacks()),
      name_(std::move(name)),
      methods_(std::move(methods)) {}

std::shared_ptr<RemoteDoor> RemoteDoor::open(const std::shared_ptr<detail::ServiceCore>& session,
                                             std::string_view pool) {
    const auto until = std::chrono::steady_clock::now() + start_patience;
    for (;; std::this_thread::sleep_for(start_look)) {
        const auto status = session->request(verb("status"));
        const auto facts = pool_of_status(status, pool);
        if (facts.empty()) {
            const auto names = names_of_pools(status);
            const auto near = nearest(pool, names);
            throw PoolError(cat("the service has no pool ", in_quotes(pool), near ? ": did you mean " : "",
                                near.value_or(""), near ? "?" : ""));
        }
        auto methods = methods_of(facts);
        if (!methods.empty()) return std::make_shared<RemoteDoor>(session, std::string{pool}, std::move(methods));
        if (text_of(facts, "state") != "starting" || std::chrono::steady_clock::now() >= until)
            throw PoolError(cat("pool ", pool, " of the service has not started: ", text_of(facts, "state"), " ",
                                text_of(facts, "reason")));
    }
}

std::shared_ptr<detail::ServiceCore> RemoteDoor::session() const {
    auto session = session_.lock();
    if (!session) throw PoolError("the session has ended");
    return session;
}

// ---- calls ----------------------------------------------------------------------------------------------------------

Window RemoteDoor::window() const {
    return {.batch_items = remote_batch_items,
            .batch_bytes = Batch::max_bytes,
            .items = remote_map_items,
            .bytes = remote_bytes};
}

void RemoteDoor::submit(std::shared_ptr<Parcel> parcel, bool may_wait) {
    const auto session = session_.lock();
    {
        std::unique_lock lock{mutex_};
        if (may_wait)
            changed_.wait(lock, [&] {
                return stopped_ || ((items_out_ == 0 || items_out_ + parcel->items <= remote_items) &&
                                    bytes_out_ <= remote_bytes && (!parcel->memory || large_out_ < remote_large));
            });
        if (stopped_ || !session) {
            lock.unlock();
            return parcel->job->on_result(*this, *parcel, {0, parcel->items},
                                          cancelled_result(name_, parcel->job->method()));
        }
        items_out_ += parcel->items;
        bytes_out_ += parcel->weight;
        if (parcel->memory) ++large_out_;
    }
    Inbox::Order order = [self = shared_from_this(), parcel] { self->core_->submit(self, parcel); };
    static_cast<void>(may_wait ? session->push_when_room(std::move(order)) : session->push(std::move(order)));
}

void RemoteDoor::cancel(const std::shared_ptr<Parcel>& parcel) {
    if (const auto session = session_.lock())
        session->push([self = shared_from_this(), parcel] { self->core_->cancel(*self, parcel); });
}

void RemoteDoor::resume(const std::shared_ptr<Parcel>& parcel) {
    if (const auto session = session_.lock())
        session->push([self = shared_from_this(), parcel] {
            if (std::exchange(parcel->held, false)) self->core_->hold(false);
        });
}

void RemoteDoor::lift_holds() {
    if (const auto session = session_.lock()) session->push([] {});  // a wake-up: it looks at what callbacks do
}

// ---- what comes back ------------------------------------------------------------------------------------------------

void RemoteDoor::on_ok(const std::shared_ptr<Parcel>& parcel, std::uint32_t item, BodyEncoding encoding,
                       std::string_view output) {
    parcel->job->on_ok(*this, *parcel, item, encoding, std::as_bytes(std::span{output}));
    note_end(1, *parcel);
}

void RemoteDoor::on_result(const std::shared_ptr<Parcel>& parcel, wire::ItemRange items, CallResult result) {
    if (std::exchange(parcel->held, false)) core_->hold(false);
    parcel->job->on_result(*this, *parcel, items, std::move(result));
    note_end(items.count, *parcel);
}

void RemoteDoor::on_piece(const std::shared_ptr<Parcel>& parcel, std::string_view bytes) {
    if (parcel->job->on_piece(*this, parcel, bytes) || std::exchange(parcel->held, true)) return;
    core_->hold(true);
}

void RemoteDoor::note_end(std::uint32_t items, const Parcel& parcel) {
    const std::lock_guard lock{mutex_};
    items_out_ -= items;
    if (parcel.ended == parcel.items) {
        bytes_out_ -= parcel.weight;
        if (parcel.memory_bytes > 0) --large_out_;
    }
    changed_.notify_all();
}

// ---- end ------------------------------------------------------------------------------------------------------------

void RemoteDoor::wait_idle() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return items_out_ == 0; });
}

void RemoteDoor::stop(bool cancel) {
    const auto session = session_.lock();
    {
        const std::lock_guard lock{mutex_};
        stopped_ = true;
        changed_.notify_all();
    }
    if (!session) return;
    if (cancel) session->push([self = shared_from_this()] { self->core_->cancel_all(*self); });
    wait_idle();
}

// ---- operating ------------------------------------------------------------------------------------------------------

std::string RemoteDoor::status() const { return session()->request(verb("status", {{"pool", name_}})); }

std::vector<WorkerInfo> RemoteDoor::workers() { return workers_of(pool_of_status(status(), name_)); }

void RemoteDoor::resize(std::uint32_t workers) {
    static_cast<void>(session()->request(verb("resize", {{"pool", name_}, {"workers", workers}})));
}

std::vector<PoisonInfo> RemoteDoor::poison() { return poison_of(session()->request(verb("poison")), name_); }

std::size_t RemoteDoor::clear_poison(std::string_view id) {
    nlohmann::json fields{{"pool", name_}};
    if (!id.empty()) fields["id"] = id;
    return number_of(session()->request(verb("clear_poison", std::move(fields))), "cleared");
}

}  // namespace caisson::embed

namespace caisson {

Service connect(const std::filesystem::path& socket, std::chrono::milliseconds patience) {
    if (patience < std::chrono::milliseconds{0}) throw PoolError("connect: the patience is below zero");
    auto client = Client::connect(socket, patience);
    if (!client) throw PoolError(client.error().message);
    return Service{std::make_shared<detail::ServiceCore>(std::move(*client))};
}

Pool Service::pool(std::string_view name) const {
    core_->owner().require("this session");
    return Pool{std::make_shared<detail::PoolCore>(core_, embed::RemoteDoor::open(core_, name), nullptr)};
}

}  // namespace caisson

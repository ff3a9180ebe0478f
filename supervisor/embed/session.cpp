// SPDX-License-Identifier: Apache-2.0
#include "embed/session.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/text.hpp"
#include "embed/document.hpp"
#include "embed/job.hpp"
#include "embed/remote_door.hpp"
#include "embed/threads.hpp"
#include "wire/records.hpp"

namespace caisson::detail {
namespace {

using embed::Parcel;
using embed::RemoteDoor;

/// How long the service may take to answer a request.
constexpr auto request_patience = std::chrono::seconds{10};
/// Bytes in the client's send buffer above which calls wait on this side.
constexpr std::size_t unsent_bytes = 1024 * 1024;
/// Calls without an outcome: below the service's own bound, session_calls.
constexpr std::size_t calls_out = 32 * 1024;
/// Events that are taken before orders have their turn.
constexpr int events_per_turn = 1024;

}  // namespace

struct ServiceCore::State {
    struct Begun {
        std::shared_ptr<RemoteDoor> door;
        std::shared_ptr<Parcel> parcel;
    };

    State(Client taken, embed::Callbacks& all_callbacks, Fd wake_descriptor)
        : client(std::move(taken)), callbacks(all_callbacks), wake(std::move(wake_descriptor)), inbox([this](bool) {
              const std::uint64_t one = 1;
              [[maybe_unused]] const auto ignored = ::write(wake.get(), &one, sizeof one);
          }) {}

    void run() {
        while (true) {
            inbox.carry_out();
            if (ending) return;
            send_waiting();
            if (take_events()) continue;
            if (!lost) static_cast<void>(client.flush());
            wait();
        }
    }

    [[nodiscard]] bool reads() const { return !lost && (held == 0 || callbacks.waits()); }

    // True if there may be more at once.
    bool take_events() {
        for (int taken = 0; reads(); ++taken) {
            if (taken == events_per_turn) return true;
            auto event = client.next(std::chrono::milliseconds{0});
            if (!event) {
                lost = true;
                why_lost = event.error().message;
            } else if (*event) {
                std::visit([this](auto& what) { on(what); }, **event);
            } else {
                return false;
            }
        }
        return false;
    }

    void wait() {
        const short wanted = static_cast<short>((reads() ? POLLIN : 0) | (!lost && client.unsent() > 0 ? POLLOUT : 0));
        std::array<pollfd, 2> waits{{{wake.get(), POLLIN, 0}, {lost ? -1 : client.descriptor(), wanted, 0}}};
        if (::poll(waits.data(), waits.size(), -1) < 0 || (waits[0].revents & POLLIN) == 0) return;
        std::uint64_t count = 0;
        [[maybe_unused]] const auto ignored = ::read(wake.get(), &count, sizeof count);
    }

    // ---- calls ----

    void send_waiting() {
        while (!waiting.empty() && (lost || (client.unsent() < unsent_bytes && client.outstanding() < calls_out))) {
            auto next = std::move(waiting.front());
            waiting.pop_front();
            begin(std::move(next));
        }
    }

    void begin(Begun next) {
        auto& parcel = *next.parcel;
        if (lost) return refuse(next, why_lost);
        const auto target = cat(next.door->name(), ".", parcel.job->method());
        const auto& terms = parcel.job->terms();
        const CallRequest request{
            .target = target,
            .body = parcel.batch ? std::span<const std::byte>{} : parcel.input(),
            .memory = parcel.memory.get(),
            .encoding = parcel.encoding,
            .params = terms.params,
            .timeout = terms.timeout,
            .stream = parcel.job->streams(),
            .priority = terms.priority,
            .retries = terms.retries ? std::optional{static_cast<std::uint32_t>(*terms.retries)} : std::nullopt};
        const auto id = parcel.batch ? client.submit(request, batch_of(parcel)) : client.submit(request);
        if (!id) return refuse(next, id.error().message);
        parcel.handle = *id;
        begun.emplace(*id, std::move(next));
    }

    static Batch batch_of(const Parcel& parcel) {
        Batch batch;
        for (wire::RecordReader records{parcel.body}; const auto record = records.next();)
            check(batch.add(*record), "a parcel is no larger than a batch");
        return batch;
    }

    static void refuse(const Begun& call, const std::string& why) {
        auto& [door, parcel] = call;
        door->on_result(parcel, {0, parcel->items}, embed::refused_result(door->name(), parcel->job->method(), why));
    }

    Begun* find(std::uint64_t id) {
        const auto found = begun.find(id);
        return found == begun.end() ? nullptr : &found->second;
    }
    void end_items(std::uint64_t id, Begun& call, std::uint32_t items) {
        call.parcel->open -= items;
        if (call.parcel->open == 0) begun.erase(id);
    }

    // ---- events ----

    void on(const Piece& piece) {
        if (auto* const call = find(piece.call)) call->door->on_piece(call->parcel, piece.bytes);
    }
    void on(const Progress& progress) {
        if (auto* const call = find(progress.call))
            call->parcel->job->on_progress(*call->door, progress.fraction, progress.note);
    }
    void on(Done& done) {
        auto* const call = find(done.call);
        if (call == nullptr) return;
        call->door->on_result(call->parcel, {done.first, done.count}, std::move(done.result));
        end_items(done.call, *call, done.count);
    }
    void on(const Items& items) {
        auto* const call = find(items.call);
        if (call == nullptr) return;
        for (std::uint32_t i = 0; i < items.outputs.size(); ++i)
            call->door->on_ok(call->parcel, items.first + i, items.encoding, items.outputs[i]);
        end_items(items.call, *call, static_cast<std::uint32_t>(items.outputs.size()));
    }

    Client client;
    embed::Callbacks& callbacks;
    Fd wake;
    embed::Inbox inbox;
    bool ending = false;
    bool lost = false;
    std::string why_lost;
    int held = 0;
    std::deque<Begun> waiting;  // not given to the client yet
    std::unordered_map<std::uint64_t, Begun> begun;
    std::thread thread;
};

ServiceCore::ServiceCore(Client client) : callbacks_(std::make_shared<embed::Callbacks>()) {
    Fd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (!wake) throw PoolError(fail_errno("eventfd", errno).error().what);
    state_ = std::make_unique<State>(std::move(client), *callbacks_, std::move(wake));
    state_->thread = embed::quiet_thread([state = state_.get()] { state->run(); });
}

ServiceCore::~ServiceCore() {
    if (!owner_.here()) {
        static_cast<void>(state_.release());  // its thread is not in this process, and the session is not its own
        return;
    }
    if (!state_->thread.joinable()) return;
    state_->inbox.push([state = state_.get()] {
        state->inbox.close();
        state->ending = true;
    });
    state_->thread.join();
}

bool ServiceCore::push(embed::Inbox::Order order) { return state_->inbox.push(std::move(order)); }
bool ServiceCore::push_when_room(embed::Inbox::Order order) { return state_->inbox.push_when_room(std::move(order)); }

std::string ServiceCore::request(const std::string& json) {
    owner_.require("this session");
    std::packaged_task<std::expected<Client::Answer, ClientError>()> task{
        [&] { return state_->client.request(json, request_patience); }};
    auto answer = task.get_future();
    if (!push([&task] { task(); })) throw PoolError("the session has ended");
    const auto said = answer.get();
    if (!said) throw PoolError(said.error().message);
    if (!said->ok) throw PoolError(embed::message_of(said->json));
    return said->json;
}

void ServiceCore::submit(std::shared_ptr<RemoteDoor> door, std::shared_ptr<Parcel> parcel) {
    state_->waiting.push_back({std::move(door), std::move(parcel)});
}

void ServiceCore::cancel(RemoteDoor& door, const std::shared_ptr<Parcel>& parcel) {
    if (parcel->handle) return state_->client.cancel(*parcel->handle);
    if (std::erase_if(state_->waiting, [&](const auto& call) { return call.parcel == parcel; }) == 0) return;
    door.on_result(parcel, {0, parcel->items}, embed::cancelled_result(door.name(), parcel->job->method()));
}

void ServiceCore::cancel_all(RemoteDoor& door) {
    std::vector<std::shared_ptr<Parcel>> parcels;
    for (const auto& call : state_->waiting)
        if (call.door.get() == &door) parcels.push_back(call.parcel);
    for (const auto& [id, call] : state_->begun)
        if (call.door.get() == &door) parcels.push_back(call.parcel);
    for (const auto& parcel : parcels) cancel(door, parcel);
}

void ServiceCore::hold(bool held) { state_->held += held ? 1 : -1; }

}  // namespace caisson::detail

// SPDX-License-Identifier: Apache-2.0
#include "control/service.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace caisson::control {

using namespace std::chrono_literals;

namespace {

/// Between two looks whether the last sessions have taken their answers.
constexpr auto close_look = 5ms;

}  // namespace

Service::Service(Loop& loop, Log& log, dispatch::Dispatcher& dispatcher, Requests& requests, Listener listener,
                 Access access, const settings::Service& settings)
    : loop_(loop),
      log_(log),
      listener_(std::move(listener)),
      access_(std::move(access)),
      settings_(settings),
      surroundings_{loop,
                    log,
                    dispatcher,
                    requests,
                    access_,
                    settings,
                    [this](Session& session) { on_end(session); },
                    [this](Session& session, Session::Parcel parcel) { on_leaving(session, std::move(parcel)); }},
      close_timer_(loop.timer()) {}

void Service::open() {
    listener_.accept(loop_, log_, [this](Fd socket) { on_connection(std::move(socket)); });
}

// ---- sessions -------------------------------------------------------------------------------------------------------

void Service::on_connection(Fd socket) {
    auto peer = peer_of(socket.get());
    if (!peer) return;
    const auto same_user = static_cast<std::uint32_t>(
        std::ranges::count_if(sessions_, [&](const auto& session) { return session->peer().uid == peer->uid; }));
    const char* bound = nullptr;
    if (sessions_.size() >= settings_.max_sessions) bound = "service.max_sessions";
    if (same_user >= settings_.max_sessions_per_user) bound = "service.max_sessions_per_user";
    auto& added = add(std::make_unique<Session>(surroundings_, std::move(socket), std::move(*peer)));
    if (bound != nullptr) added.end("bound", cat("too many sessions (", std::string_view{bound}, ")"));
}

Session& Service::add(std::unique_ptr<Session> session) {
    sessions_.push_back(std::move(session));
    return *sessions_.back();
}

void Service::on_end(Session& session) {
    const auto found = std::ranges::find(sessions_, &session, [](const auto& s) { return s.get(); });
    if (found == sessions_.end()) return;
    // It is still in its callback: it goes in a later turn.
    loop_.post([gone = std::shared_ptr<Session>(std::move(*found))] {});
    sessions_.erase(found);
}

// ---- sessions that come from, and go to, another process ----------------------------------------------------------

void Service::hand_over(std::function<void(Session::Parcel)> take) {
    take_ = std::move(take);
    for (const auto& session : sessions_) session->hand_over();
}

// Who it is says the kernel, as of when it connected.
void Service::adopt(Session::Parcel parcel) {
    auto peer = peer_of(parcel.rest.socket.get());
    if (!peer) return;
    auto& session = add(std::make_unique<Session>(surroundings_, std::move(parcel), std::move(*peer)));
    if (take_) session.hand_over();
}

void Service::on_leaving(Session& session, Session::Parcel parcel) {
    take_(std::move(parcel));
    on_end(session);
}

void Service::close(Duration patience, std::function<void()> done) {
    listener_.close();
    closed_ = std::move(done);
    close_until_ = Clock::now() + patience;
    check_closed();
}

void Service::check_closed() {
    const bool patient = Clock::now() < close_until_;
    for (std::size_t i = sessions_.size(); i-- > 0;)
        if (!patient || (!take_ && sessions_[i]->waiting_bytes() == 0))
            sessions_[i]->end("stopping", "the service stopped");
    if (sessions_.empty()) return loop_.post(std::exchange(closed_, nullptr));
    close_timer_.arm_after(close_look, [this] { check_closed(); });
}

}  // namespace caisson::control

// SPDX-License-Identifier: Apache-2.0
#include "apps/heir.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>

#include "apps/parcel.hpp"
#include "base/text.hpp"
#include "base/version.hpp"

namespace caisson::apps {

using fleet::CrewState;
using namespace std::chrono_literals;

namespace {

/// For the offer, which was sent as soon as this process was started.
constexpr auto offer_patience = 10s;

}  // namespace

Result<std::optional<Inheritance>> Inheritance::receive() {
    const char* const text = std::getenv(handover_variable);
    if (text == nullptr) return std::nullopt;
    int number = -1;
    const auto length = std::string_view{text}.size();
    const auto [end, error] = std::from_chars(text, text + length, number);
    int type = 0;
    socklen_t size = sizeof type;
    if (error != std::errc{} || end != text + length || number <= STDERR_FILENO ||
        ::getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET)
        return caisson::fail(cat(handover_variable, " names no line to a running service"),
                             "it is set by `caisson upgrade` only: unset it");
    ::unsetenv(handover_variable);
    ::fcntl(number, F_SETFD, FD_CLOEXEC);
    Fd line{number};
    auto offer = Line::receive(line, offer_patience);
    if (!offer) return caisson::fail(cat("the running service offered nothing: ", offer.error().what));
    if (offer->type() != "offer" || offer->number("protocol") != handover_protocol)
        return caisson::fail("the running service hands over in another way than this version knows",
                             "stop it, and start this one");
    return Inheritance{std::move(line), std::move(*offer)};
}

void Inheritance::take_outputs() {
    const std::pair<const char*, int> outputs[] = {{"stdout", STDOUT_FILENO}, {"stderr", STDERR_FILENO}};
    for (const auto& [name, number] : outputs)
        if (const auto output = offer.take(name)) ::dup2(output.get(), number);
}

void Inheritance::refuse(const std::string& why) const {
    Line::say(line, {.document = {{"type", "failed"}, {"why", why}}});
}

// A pool that is no longer configured is not missed. One that was merely degraded may be so here.
Result<bool> serves_as_well(const std::map<std::string, std::string>& there, const PoolStands& here) {
    bool all = true;
    for (const auto& [name, state] : there) {
        const bool full = state == fleet::word(CrewState::ready);
        if (!full && state != fleet::word(CrewState::degraded)) continue;
        const auto pool = here.find(name);
        if (pool == here.end()) continue;
        if (pool->second.state == CrewState::quarantined)
            return caisson::fail(cat("pool ", name, " would not serve: ", pool->second.reason));
        all = all && (pool->second.state == CrewState::ready || (!full && pool->second.state == CrewState::degraded));
    }
    return all;
}

Heir::Heir(Loop& loop, Inheritance inheritance, Handlers handlers)
    : offer_(std::move(inheritance.offer)),
      handlers_(std::move(handlers)),
      line_(loop, std::move(inheritance.line),
            {[this](Message message) { on_message(std::move(message)); },
             [this](const std::string&) {
                 connected_ = false;
                 handlers_.on_end(committed_);
             }}) {
    const auto pools = offer_.document.value("pools", nlohmann::json::object());
    for (const auto& [name, state] : pools.items())
        if (state.is_string()) wanted_.emplace(name, state.get<std::string>());
}

void Heir::look(const PoolStands& here) {
    if (said_) return;
    const auto well = serves_as_well(wanted_, here);
    if (!well) return fail(well.error());
    if (!*well) return;
    said_ = true;
    line_.send({.document = {{"type", "ready"}, {"version", version_text}}});
}

void Heir::fail(const Error& error) {
    if (std::exchange(said_, true)) return;
    line_.send({.document = {{"type", "failed"}, {"why", error.what}, {"hint", error.hint}}});
}

void Heir::taken() { line_.send({.document = {{"type", "taken"}}}); }

void Heir::on_message(Message message) {
    const auto type = message.type();
    if (type == "commit" && !std::exchange(committed_, true)) {
        ::prctl(PR_SET_PDEATHSIG, 0UL, 0UL, 0UL, 0UL);
        return handlers_.on_commit(message.document.value("state", nlohmann::json::object()));
    }
    if (type != "session") return;
    if (auto parcel = parcel_of(std::move(message))) handlers_.on_session(std::move(*parcel));
}

}  // namespace caisson::apps

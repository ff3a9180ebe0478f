// SPDX-License-Identifier: Apache-2.0
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>

#include "apps/server.hpp"
#include "base/text.hpp"
#include "base/version.hpp"

// Both sides of an upgrade: the service that goes, and the one that comes.
namespace caisson::apps {

using nlohmann::json;
using namespace std::chrono_literals;

namespace {

/// Until the address of HTTP is tried again that the service before may have had.
constexpr auto door_patience = 1s;

}  // namespace
using namespace std::chrono_literals;

namespace {

/// For the new service to take what the old one has for it: one that is stopped for a while loses nothing.
constexpr auto leave_patience = 60s;

}  // namespace

// ---- the one that comes ---------------------------------------------------------------------------------------------

void Server::inherit(Inheritance inheritance) {
    auto& offer = inheritance.offer;
    if (auto http = offer.take("http"))
        door_.inherit({offer.text("http_listen"), std::move(http), offer.take("http_lock")});
    requests_.set_before(static_cast<std::uint32_t>(offer.number("generation")) + 1,
                         {static_cast<pid_t>(offer.number("pid")), printable(offer.text("version"))});
    heir_ = std::make_unique<Heir>(
        loop_, std::move(inheritance),
        Heir::Handlers{.on_commit = [this](const json& state) { take_over(state); },
                       .on_session = [this](control::Session::Parcel parcel) { service_.adopt(std::move(parcel)); },
                       .on_end =
                           [this](bool committed) {
                               if (!committed) return loop_.stop();
                               dispatcher_.find_reports();
                               if (closed_) leave();
                           }});
}

void Server::take_over(const json& state) {
    dispatcher_.load(state);
    if (auto claimed = service_.listener().claim(); !claimed) log_.error(claimed.error().text());
    service_.open();
    const auto open_door = [this] { door_.apply(settings_.metrics, settings_.access, access_); };
    open_door();
    heir_->taken();
    settled_ = true;
    patience_.cancel();
    // Another address may be one that the old one has for a moment more.
    if (!door_.problem().empty()) patience_.arm_after(door_patience, open_door);
    manager_.patrol();
    const auto& facts = requests_.facts();
    log_.event("upgraded", LogLevel::info, cat("caisson ", version_text, " has taken over"),
               {{"pid", ::getpid()},
                {"was_pid", facts.upgraded_from.pid},
                {"was_version", facts.upgraded_from.version},
                {"generation", facts.generation}});
}

// ---- the one that goes ----------------------------------------------------------------------------------------------

Message Server::offer() const {
    const auto& listener = service_.listener();
    auto pools = json::object();
    for (const auto& [name, stand] : stands()) pools[name] = word(stand.state);
    Message message{.document = {{"type", "offer"},
                                 {"protocol", handover_protocol},
                                 {"pid", ::getpid()},
                                 {"version", version_text},
                                 {"generation", requests_.facts().generation},
                                 {"socket", listener.path().native()},
                                 {"ours", listener.ours()},
                                 {"pools", std::move(pools)},
                                 {"state", dispatcher_.save()}}};
    message.add("listener", listener.socket().get());
    message.add("lock", listener.lock().get());
    if (const auto http = door_.post()) {
        message.document["http_listen"] = http->listening;
        message.add("http", http->socket.get());
        if (http->lock) message.add("http_lock", http->lock.get());
    }
    message.add("stdout", STDOUT_FILENO);
    message.add("stderr", STDERR_FILENO);
    return message;
}

void Server::upgrade(control::Done done) {
    const auto begin = [this]() -> Result<void> {
        if (dispatcher_.stopping()) return fail("the service is stopping");
        if (::getpid() == 1)
            return fail("the service is the first process of its container, which would end with it",
                        "start a container of the new version");
        return upgrade_.begin(program_, arguments_, offer(), settings_.service.upgrade_timeout);
    };
    const bool first = upgrade_.state() == UpgradeState::serving;
    if (const auto begun = begin(); !begun) {
        // Of one that is under way there will be another event.
        if (first)
            log_.event("upgrade_failed", LogLevel::error, "upgrade failed",
                       {{"program", program_.native()}, {"why", begun.error().text()}});
        return done(std::unexpected(begun.error()));
    }
    upgraded_ = std::move(done);
    log_.event("upgrade_started", LogLevel::info, "upgrade started",
               {{"program", program_.native()}, {"pid", upgrade_.pid()}});
}

void Server::on_failed(const Error& error) {
    service_.open();
    log_.event("upgrade_failed", LogLevel::error, "upgrade failed; this service goes on",
               {{"program", program_.native()}, {"why", error.what}, {"output", error.hint}});
    if (auto done = std::exchange(upgraded_, nullptr))
        done(fail(cat(program_.native(), " did not take over: ", error.what, "; the service goes on as it was"),
                  error.hint));
}

void Server::on_taken(const std::string& version) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 0UL, 0UL, 0UL, 0UL);  // what its successor leaves behind is not this one's
    service_.listener().leave();
    door_.leave();
    manager_.hand_to(upgrade_.pid(), status_line());
    log_.info("handing over", {{"to", upgrade_.pid()}, {"version", version}});
    if (auto done = std::exchange(upgraded_, nullptr))
        done(json{
            {"pid", upgrade_.pid()}, {"version", version}, {"was", {{"pid", ::getpid()}, {"version", version_text}}}});
    requests_.flush_waiting();
    service_.hand_over([this](control::Session::Parcel parcel) {
        if (const auto given = upgrade_.give(std::move(parcel)); !given)
            log_.error("a session is lost: it could not be handed over", {{"why", given.error().text()}});
    });
    stop(false);
}

void Server::leave() {
    patience_.arm_after(leave_patience, [this] { loop_.stop(); });
    upgrade_.finish([this] { loop_.stop(); });
}

// Who speaks to this process means the service. A terminal speaks to both.
bool Server::passed_on(int signal) const {
    if (upgrade_.state() != UpgradeState::handing_over) return false;
    if (signal != SIGINT) upgrade_.signal(signal);
    return true;
}

}  // namespace caisson::apps

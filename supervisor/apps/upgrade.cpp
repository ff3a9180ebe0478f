// SPDX-License-Identifier: Apache-2.0
#include "apps/upgrade.hpp"

#include <sys/socket.h>

#include "apps/parcel.hpp"
#include "base/limits.hpp"
#include "base/system.hpp"
#include "base/text.hpp"

namespace caisson::apps {

Upgrade::Upgrade(Loop& loop, Handlers handlers) : loop_(loop), handlers_(std::move(handlers)), timer_(loop.timer()) {}

bool Upgrade::enter(UpgradeEvent event) {
    const auto next = next_state(state_, event);
    if (next) state_ = *next;
    return next.has_value();
}

Result<void> Upgrade::begin(const std::filesystem::path& program, std::vector<std::string> arguments, Message offer,
                            Duration patience) {
    if (state_ != UpgradeState::serving) return caisson::fail("an upgrade is under way already");
    auto pair = sys::socket_pair(SOCK_SEQPACKET);
    if (!pair) return std::unexpected(pair.error());
    auto& [ours, theirs] = *pair;
    auto successor = Successor::start(loop_, program, std::move(arguments), std::move(theirs),
                                      [this](const std::string& how) { on_exit(how); });
    if (!successor) return std::unexpected(successor.error());
    enter(UpgradeEvent::begin);
    successor_ = std::move(*successor);
    version_.clear();
    patience_ = patience;
    // Its end is heard of by its exit, which says more.
    line_ = std::make_unique<Line>(loop_, std::move(ours),
                                   Line::Handlers{[this](const Message& message) { on_message(message); },
                                                  [this](const std::string& why) {
                                                      if (!why.empty()) fail(cat("it sent ", why));
                                                  }});
    timer_.arm_after(patience, [this] {
        fail(cat("it was not ready after ", std::chrono::duration_cast<std::chrono::milliseconds>(patience_).count(),
                 " ms (service.upgrade_timeout)"));
    });
    line_->send(std::move(offer));
    return {};
}

void Upgrade::on_message(const Message& message) {
    const auto type = message.type();
    if (type == "failed") return fail(message.text("why"), message.text("hint"));
    if (type == "ready" && enter(UpgradeEvent::ready)) {
        version_ = printable(cut(message.text("version"), limits::report_line_bytes));
        line_->send({.document = {{"type", "commit"}, {"state", handlers_.on_ready()}}});
        return;
    }
    if (type == "taken" && enter(UpgradeEvent::taken)) {
        timer_.cancel();
        return handlers_.on_taken(version_);
    }
    if (state_ != UpgradeState::handing_over) fail(cat("it said ", in_quotes(type), " out of turn"));
}

void Upgrade::on_exit(const std::string& how) {
    line_->listen();  // what it has said says more
    if (state_ != UpgradeState::handing_over) return fail(how);
    successor_.reset();
    handlers_.on_gone();
}

void Upgrade::cancel(const std::string& why) { fail(why); }

void Upgrade::fail(const std::string& why, const std::string& hint) {
    if (!enter(UpgradeEvent::failed)) return;
    timer_.cancel();
    successor_->kill();
    const auto said = successor_->last_words();
    // Both may be in a callback of theirs.
    loop_.post([line = std::shared_ptr<Line>(std::move(line_)),
                successor = std::shared_ptr<Successor>(std::move(successor_))] {});
    std::string text = printable(cut(hint, limits::worker_text_bytes));
    if (!said.empty()) text += cat(text.empty() ? "" : "\n", "it printed: ", said);
    handlers_.on_failed({.what = printable(cut(why, limits::worker_text_bytes)), .hint = std::move(text)});
}

Result<void> Upgrade::give(control::Session::Parcel parcel) {
    auto message = message_of(std::move(parcel));
    if (!message) return std::unexpected(message.error());
    if (!line_->send(std::move(*message)))
        return std::unexpected(Error{.what = "the service that took over has gone", .hint = {}});
    return {};
}

void Upgrade::finish(std::function<void()> done) { line_->on_idle(std::move(done)); }

}  // namespace caisson::apps

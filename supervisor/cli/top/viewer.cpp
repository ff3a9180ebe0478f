// SPDX-License-Identifier: Apache-2.0
#include "cli/top/viewer.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/top/keys.hpp"
#include "cli/top/pages.hpp"

namespace caisson::cli::top {
namespace {

using namespace std::chrono_literals;

// While the service is out of reach the screen counts the time down to the next try.
constexpr auto countdown_step = 500ms;
// Events that one look brings: some screens full.
constexpr int events_asked_for = 200;

std::string name_of(const Wish& wish) {
    return wish.worker == 0 ? cat("pool ", wish.pool) : cat("worker ", wish.pool, '/', wish.worker);
}

Json restart_request(const Wish& wish) {
    Json request{{"verb", "restart"}, {"pool", wish.pool}};
    if (wish.worker != 0) request["worker"] = wish.worker;
    if (wish.kind == Wish::Kind::kill) request["now"] = true;
    return request;
}

std::string what_became(const Feed::News::Answer& answer) {
    const auto verb = text(answer.request, "verb");
    const auto worker = number(answer.request, "worker");
    const auto pool = text(answer.request, "pool");
    const auto target = worker ? cat(pool, '/', *worker) : pool;
    if (answer.ok) return cat(member(answer.request, "now").is_boolean() ? "killed " : "restarting ", target);
    const auto message = text(answer.document, "message");
    return cat(verb, pool.empty() ? "" : " ", target, ": ", message.empty() ? "the service did not say why" : message);
}

}  // namespace

int Viewer::run(Json status) {
    take_status(std::move(status));
    while (!exit_code_) {
        show();
        wait();
        take_signals();
        take_keys();
        take_news();
    }
    return *exit_code_;
}

void Viewer::show() {
    Connection connection;
    if (loss_) connection = {true, loss_->why, seconds(loss_->next_try - Clock::now())};
    screen_.show(draw(model_, view_, connection, screen_.size()));
}

void Viewer::wait() {
    std::array<pollfd, 3> entries{{{.fd = input_, .events = POLLIN, .revents = 0},
                                   {.fd = signals_.descriptor(), .events = POLLIN, .revents = 0},
                                   {.fd = feed_.descriptor(), .events = POLLIN, .revents = 0}}};
    const int timeout_ms = loss_ ? static_cast<int>(std::chrono::milliseconds{countdown_step}.count()) : -1;
    (void)::poll(entries.data(), entries.size(), timeout_ms);
    if ((entries[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) exit_code_ = exit_io;  // the terminal has gone
}

void Viewer::take_signals() {
    while (const auto signal = signals_.take()) {
        switch (*signal) {
            case SIGWINCH:
                screen_.resized();
                break;
            case SIGTSTP:
                screen_.stop();
                break;
            case SIGCONT:
                screen_.resized();
                screen_.forget();
                break;
            case SIGINT:
                exit_code_ = exit_ok;
                break;
            default:
                exit_code_ = exit_cancelled;
        }
    }
}

void Viewer::take_keys() {
    while (!exit_code_) {
        const auto key = screen_.key();
        if (!key) return;
        auto step = press(std::move(view_), *key, seen(model_, view_, screen_.size()));
        view_ = std::move(step.view);
        if (step.wish) grant(*step.wish);
    }
}

void Viewer::grant(const Wish& wish) {
    switch (wish.kind) {
        case Wish::Kind::quit:
            exit_code_ = exit_ok;
            break;
        case Wish::Kind::redraw:
            screen_.forget();
            break;
        case Wish::Kind::restart:
        case Wish::Kind::kill:
            ask(restart_request(wish), cat(wish.kind == Wish::Kind::kill ? "killing " : "restarting ", name_of(wish)));
            break;
        case Wish::Kind::crashes:
            ask({{"verb", "crashes"}}, "asking for the crashes");
            break;
        case Wish::Kind::report:
            ask({{"verb", "crashes"}, {"id", wish.report}}, "asking for the report");
            break;
        case Wish::Kind::events:
            ask({{"verb", "events"}, {"limit", events_asked_for}}, "asking for the events");
            break;
    }
}

void Viewer::ask(Json request, const std::string& note) {
    const bool taken = feed_.ask(std::move(request));
    view_.note = taken ? note : "the service has not answered the last requests yet";
    view_.note_is_bad = !taken;
}

// ---- news -----------------------------------------------------------------------------------------------------------

void Viewer::take_news() {
    auto news = feed_.take();
    if (news.loss) loss_ = std::move(news.loss);
    if (news.status) take_status(parse_document(*news.status));
    for (const auto& answer : news.answers) take_answer(answer);
}

void Viewer::take_status(Json status) {
    loss_.reset();
    if (view_.paused) return;
    before_ = std::exchange(status_, std::move(status));
    model_ = model_of(status_, before_);
    view_ = settled(std::move(view_), model_);
}

void Viewer::take_answer(const Feed::News::Answer& answer) {
    const auto verb = text(answer.request, "verb");
    view_.note.clear();
    view_.note_is_bad = !answer.ok;
    if (!answer.ok || verb == "restart")
        view_.note = what_became(answer);
    else if (verb == "events")
        open(events_page(answer.document));
    else if (answer.request.contains("id"))
        open(report_page(answer.document));
    else
        open(crashes_page(answer.document));
}

void Viewer::open(TextPage page) {
    // Who asked twice gets the newer one.
    if (!view_.pages.empty() && view_.pages.back().title == page.title) view_.pages.pop_back();
    view_.pages.push_back(std::move(page));
}

}  // namespace caisson::cli::top

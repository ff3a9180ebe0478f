// SPDX-License-Identifier: Apache-2.0
/// The live view while it runs: takes keys, signals and news of the service, and shows what they come to.
#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"
#include "cli/feed.hpp"
#include "cli/top/layout.hpp"
#include "cli/top/screen.hpp"
#include "cli/top/signals.hpp"

namespace caisson::cli::top {

class Viewer {
   public:
    /// `input` is the descriptor that the screen reads keys from.
    Viewer(Screen& screen, Signals& signals, Feed& feed, int input)
        : screen_(screen), signals_(signals), feed_(feed), input_(input) {}

    /// Until somebody leaves, beginning with this status; returns the exit code.
    [[nodiscard]] int run(Json status);

   private:
    void show();
    /// Waits until there is something to do.
    void wait();
    void take_signals();
    void take_keys();
    void take_news();
    void take_status(Json status);
    void take_answer(const Feed::News::Answer& answer);
    void open(TextPage page);
    void grant(const Wish& wish);
    void ask(Json request, const std::string& note);

    Screen& screen_;
    Signals& signals_;
    Feed& feed_;
    int input_;

    Json status_;
    Json before_;
    Model model_;
    View view_;
    std::optional<Feed::News::Loss> loss_;
    std::optional<int> exit_code_;
};

}  // namespace caisson::cli::top

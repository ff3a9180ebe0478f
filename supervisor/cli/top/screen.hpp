// SPDX-License-Identifier: Apache-2.0
/// The terminal: shows a canvas, tells which keys were pressed, and is as it was before when this has gone. The only
/// place that knows ncurses.
///
/// There is one screen at a time in a process, used by one thread, with the signals of signals.hpp blocked. When the
/// process dies of a bug, a handler puts the terminal back before it does.
#pragma once

#include <memory>
#include <optional>

#include "base/result.hpp"
#include "cli/top/canvas.hpp"
#include "cli/top/keys.hpp"

namespace caisson::cli::top {

class Screen {
   public:
    /// Takes the terminal over; `in` and `out` must both be it. The error says why it cannot be used.
    [[nodiscard]] static Result<std::unique_ptr<Screen>> open(int in, int out);
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;
    ~Screen();

    [[nodiscard]] Size size() const;
    void show(const Canvas& canvas);
    /// The next key that was pressed; nothing if there is none.
    [[nodiscard]] std::optional<Key> key();

    /// Its size may have changed.
    void resized();
    /// Draws everything again with the next canvas, whatever it believes to be there.
    void forget();
    /// Gives the terminal back, stops the process as Ctrl-Z does, and takes the terminal again when it goes on.
    void stop();

   private:
    struct State;
    explicit Screen(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

/// Takes the characters of the user's locale, as far as this host has it, while it lives.
class Characters {
   public:
    Characters();
    Characters(const Characters&) = delete;
    Characters& operator=(const Characters&) = delete;
    ~Characters();

   private:
    std::string before_;
};

}  // namespace caisson::cli::top

// SPDX-License-Identifier: Apache-2.0
/// A real terminal for one test: a tmux server of its own with one window, in which a shell runs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "support/program.hpp"
#include "support/service.hpp"

namespace caisson::test {

class Terminal {
   public:
    /// With the shell's prompt on the screen.
    Terminal(std::size_t columns, std::size_t rows, const std::vector<std::string>& environment = {});
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;
    ~Terminal();

    /// Types characters, as they are.
    void type(std::string_view text) const;
    /// Presses keys by the names that tmux has for them: Enter, Tab, Escape, Up, C-c, …
    void press(const std::vector<std::string>& keys) const;
    void resize(std::size_t columns, std::size_t rows) const;

    /// What is on the screen, row by row, without the spaces at the ends of rows.
    [[nodiscard]] std::string text() const;
    [[nodiscard]] std::vector<std::string> rows() const;

    // Waiting; each throws with the screen if it does not come.
    void await(std::string_view text) const;
    void await_gone(std::string_view text) const;
    template <class Condition>
    void await_rows(Condition&& holds, std::string_view what) const {
        if (!eventually([&] { return holds(rows()); })) fail(what);
    }

    /// A file for what the shell writes.
    [[nodiscard]] std::string file(std::string_view name) const { return (folder_ / name).string(); }

   private:
    Ended tmux(std::vector<std::string> arguments) const;
    [[noreturn]] void fail(std::string_view what) const;

    Folder folder_;
    Program server_;
};

}  // namespace caisson::test

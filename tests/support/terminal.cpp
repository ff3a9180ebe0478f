// SPDX-License-Identifier: Apache-2.0
#include "support/terminal.hpp"

#include <stdexcept>

namespace caisson::test {
namespace {

std::vector<std::string> server_environment(const std::vector<std::string>& added) {
    std::vector<std::string> all{"LC_ALL=C.UTF-8", "NO_COLOR=", "COLUMNS=", "LINES=", "ENV="};
    all.insert(all.end(), added.begin(), added.end());
    return all;
}

}  // namespace

Terminal::Terminal(std::size_t columns, std::size_t rows, const std::vector<std::string>& environment)
    : server_({CAISSON_TMUX, "-u", "-S", (folder_ / "tmux").string(), "-f", "/dev/null", "-D"},
              {.environment = server_environment(environment)}) {
    const auto started = [&] {
        return tmux({"new-session", "-d", "-x", std::to_string(columns), "-y", std::to_string(rows), "/bin/sh"}).code ==
               0;
    };
    if (!eventually(started)) throw std::runtime_error("tmux does not start: " + server_.err());
    type("PS1='prompt> '; clear");
    press({"Enter"});
    if (!eventually([&] { return text().starts_with("prompt>"); })) fail("the shell has no prompt");
}

Terminal::~Terminal() { (void)tmux({"kill-server"}); }

Ended Terminal::tmux(std::vector<std::string> arguments) const {
    // Never another server than ours.
    std::vector<std::string> line{CAISSON_TMUX, "-u", "-N", "-S", (folder_ / "tmux").string()};
    line.insert(line.end(), arguments.begin(), arguments.end());
    return run_program(std::move(line), {.environment = {"LC_ALL=C.UTF-8", "TMUX="}});
}

void Terminal::type(std::string_view text) const { (void)tmux({"send-keys", "-l", "--", std::string{text}}); }

void Terminal::press(const std::vector<std::string>& keys) const {
    std::vector<std::string> line{"send-keys", "--"};
    line.insert(line.end(), keys.begin(), keys.end());
    (void)tmux(std::move(line));
}

void Terminal::resize(std::size_t columns, std::size_t rows) const {
    (void)tmux({"resize-window", "-x", std::to_string(columns), "-y", std::to_string(rows)});
}

std::string Terminal::text() const { return tmux({"capture-pane", "-p"}).out; }

std::vector<std::string> Terminal::rows() const {
    std::vector<std::string> rows;
    const auto all = text();
    for (std::size_t begin = 0; begin < all.size();) {
        const auto end = std::min(all.find('\n', begin), all.size());
        rows.push_back(all.substr(begin, end - begin));
        begin = end + 1;
    }
    return rows;
}

void Terminal::await(std::string_view wanted) const {
    if (!eventually([&] { return text().find(wanted) != std::string::npos; }))
        fail("the screen does not show \"" + std::string{wanted} + '"');
}

void Terminal::await_gone(std::string_view unwanted) const {
    if (!eventually([&] { return text().find(unwanted) == std::string::npos; }))
        fail("the screen still shows \"" + std::string{unwanted} + '"');
}

void Terminal::fail(std::string_view what) const {
    throw std::runtime_error(std::string{what} + "; it shows\n" + text() + server_.err());
}

}  // namespace caisson::test

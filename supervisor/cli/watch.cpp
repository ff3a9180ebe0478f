// SPDX-License-Identifier: Apache-2.0
#include "cli/watch.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "base/text.hpp"
#include "cli/feed.hpp"
#include "cli/interrupts.hpp"
#include "cli/output.hpp"
#include "cli/session.hpp"

namespace caisson::cli {
namespace {

/// Where the frames go.
class Frames {
   public:
    Frames(const Context& context, const Interrupts& interrupts)
        : context_(context), output_(context.streams.out, interrupts.descriptor()) {
        const char* const name = std::getenv("TERM");
        const bool dumb = name == nullptr || *name == '\0' || std::strcmp(name, "dumb") == 0;
        in_place_ = output_.terminal() && !dumb && !context.json;
    }

    void show(std::string_view text) {
        const auto size = in_place_ ? terminal_size(context_.streams.out) : std::nullopt;
        if (size) {
            output_.append(cat(shown_ ? "" : "\x1b[2J", redrawn(text, *size)));
        } else {
            output_.append(cat(shown_ && !context_.json ? "\n" : "", text));
        }
        shown_ = true;
        lost_ = false;
        output_.flush();
    }

    void show_loss(const Feed::News::Loss& loss) {
        const auto text = cat("no service: ", loss.why, "\n\ntrying again…\n");
        if (in_place_) return show(text);
        if (!std::exchange(lost_, true)) complain(context_, cat(loss.why, "; trying again"));
    }

    [[nodiscard]] Output& output() { return output_; }

   private:
    const Context& context_;
    Output output_;
    bool in_place_ = false;
    bool shown_ = false;
    bool lost_ = false;
};

}  // namespace

std::string redrawn(std::string_view text, TerminalSize size) {
    // Long lines are cut by the terminal itself, which knows how wide its characters are.
    std::string out = "\x1b[?7l\x1b[H";
    const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n'));
    const auto room = size.rows > 1 ? size.rows - 1 : 1;
    const auto shown = lines <= room ? lines : room - 1;
    for (std::size_t i = 0; i < shown; ++i) {
        const auto end = text.find('\n');
        out += cat(text.substr(0, end), "\x1b[K\r\n");
        text.remove_prefix(end + 1);
    }
    if (shown < lines) out += cat("… ", lines - shown, " more lines\x1b[K\r\n");
    return out + "\x1b[J\x1b[?7h";
}

int watch(const Context& context, const Json& request, std::chrono::milliseconds interval, std::string_view doing,
          const std::function<std::string(const Json&)>& render) {
    Interrupts interrupts;  // before the feed, whose thread must not get any
    auto client = open_session(context);
    if (!client) return client.error();
    // What is wrong with the question itself is said at once.
    const auto first = ask(context, *client, request, doing);
    if (!first) return first.error();
    Frames frames{context, interrupts};
    frames.show(context.json ? cat(first->raw, '\n') : render(first->document));
    Feed feed{std::move(*client), {socket_path(context), request, interval}};
    while (!interrupts.take() && frames.output().state() == Output::State::good) {
        const auto news = feed.take();
        if (news.loss) frames.show_loss(*news.loss);
        if (news.status) frames.show(context.json ? cat(*news.status, '\n') : render(parse_document(*news.status)));
        std::array<pollfd, 2> entries{{{.fd = interrupts.descriptor(), .events = POLLIN, .revents = 0},
                                       {.fd = feed.descriptor(), .events = POLLIN, .revents = 0}}};
        (void)::poll(entries.data(), entries.size(), -1);
    }
    if (frames.output().state() != Output::State::broken) return exit_ok;
    complain(context, cat("cannot write the output: ", frames.output().error()));
    return exit_io;
}

}  // namespace caisson::cli

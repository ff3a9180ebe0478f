// SPDX-License-Identifier: Apache-2.0
/// caisson top: the live view, or some frames of it as text.
#include <poll.h>

#include <charconv>
#include <cstdlib>
#include <memory>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/feed.hpp"
#include "cli/interrupts.hpp"
#include "cli/option_set.hpp"
#include "cli/session.hpp"
#include "cli/terminal.hpp"
#include "cli/top/layout.hpp"
#include "cli/top/screen.hpp"
#include "cli/top/signals.hpp"
#include "cli/top/viewer.hpp"

namespace caisson::cli {
namespace {

constexpr std::string_view help_text =
    R"(Pools and workers, what each worker runs now and for how long, again and again: h on
the screen lists the keys. Sorts, filters, shows crash reports and events, restarts
pools and workers (R) and kills workers (K), both asked back. A service that ends or
restarts is waited for.

Runs on any terminal from 40 columns and 10 rows, without colour where NO_COLOR is set.
Without a terminal use --batch, or `caisson status --watch`.

Exit codes: 0 ok, 2 no usable terminal, 3 no supervisor, 8 ended by a signal,
  9 the terminal has gone.

Examples:
  caisson top
  caisson top -d 5
  caisson top --batch -n 3)";

struct Options {
    std::optional<std::string> delay;
    std::optional<std::string> frames;
    bool batch = false;
};

// ---- frames as text -------------------------------------------------------------------------------------------------

constexpr std::int64_t most_frames = 1'000'000'000;
// Where nobody says how wide a line may be: all columns have room, and an editor shows them.
constexpr std::size_t usual_batch_columns = 132;

std::size_t batch_columns(int out) {
    if (const auto size = terminal_size(out)) return size->columns;
    const char* const told = std::getenv("COLUMNS");
    const std::string_view text{told == nullptr ? "" : told};
    std::size_t columns = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), columns);
    return read.ec == std::errc{} && columns >= 20 && columns <= 1000 ? columns : usual_batch_columns;
}

// False when an interrupt came first.
bool pause_for(const Interrupts& interrupts, std::chrono::milliseconds time) {
    pollfd entry{.fd = interrupts.descriptor(), .events = POLLIN, .revents = 0};
    return ::poll(&entry, 1, static_cast<int>(time.count())) == 0;
}

int batch(const Context& context, std::chrono::milliseconds interval, std::int64_t frames) {
    const top::Characters characters;
    const Interrupts interrupts;
    auto client = open_session(context);
    if (!client) return client.error();
    Json before;
    for (std::int64_t frame = 0; frame < frames; ++frame) {
        if (frame > 0 && !pause_for(interrupts, interval)) break;
        auto reply = ask(context, *client, {{"verb", "status"}}, "top");
        if (!reply) return reply.error();
        const auto model = top::model_of(reply->document, before);
        const auto text = top::frame_text(model, {}, batch_columns(context.streams.out));
        if (const int code = print(context, cat(frame > 0 ? "\n" : "", text)); code != exit_ok) return code;
        before = std::move(reply->document);
    }
    return exit_ok;
}

// ---- the screen -----------------------------------------------------------------------------------------------------

int live(const Context& context, std::chrono::milliseconds interval) {
    auto client = open_session(context);
    if (!client) return client.error();
    const Json request{{"verb", "status"}};
    const auto first = ask(context, *client, request, "top");
    if (!first) return first.error();
    const top::Characters characters;
    top::Signals signals;  // before the feed, whose thread must not get any
    auto screen = top::Screen::open(context.streams.in, context.streams.out);
    if (!screen) {
        complain(context, cat("top: ", screen.error().what, "\n  ", screen.error().hint));
        return exit_usage;
    }
    Feed feed{std::move(*client), {socket_path(context), request, interval}};
    const int code = top::Viewer{**screen, signals, feed, context.streams.in}.run(first->document);
    screen->reset();  // before the feed, which may be waiting for a service that does not answer
    return code;
}

int run_top(const Context& context, const Options& options) {
    const auto interval = parse_interval("--delay", options.delay);
    if (!interval) return usage_error(context, "top", interval.error());
    const auto frames = parse_number("--frames", options.frames, 1, most_frames);
    if (!frames) return usage_error(context, "top", frames.error());
    if (context.json) return usage_error(context, "top", "top prints no JSON; `caisson status --json --watch` does");
    if (options.batch || *frames) return batch(context, *interval, frames->value_or(1));
    return live(context, *interval);
}

Action declare(OptionSet& set, const Context& context) {
    const auto options = std::make_shared<Options>();
    set.option("-d,--delay", options->delay, "SECONDS", "look so often (0.1 to 3600; without it 1)");
    set.flag("-b,--batch,--once", options->batch, "print what there is as text, and end");
    set.option("-n,--frames", options->frames, "N", "the same N times");
    return [options, &context] { return run_top(context, *options); };
}

}  // namespace

Command top_command() { return {"top", "watch pools and workers live", help_text, declare}; }

}  // namespace caisson::cli

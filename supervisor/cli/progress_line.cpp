// SPDX-License-Identifier: Apache-2.0
#include "cli/progress_line.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "base/text.hpp"
#include "cli/output.hpp"
#include "cli/words.hpp"

namespace caisson::cli {
namespace {

constexpr auto redraw_interval = std::chrono::milliseconds{100};

// The bar is as wide as the rest leaves room for, between these.
constexpr std::size_t fewest_cells = 5;
constexpr std::size_t most_cells = 40;

// "[####......] " in so many columns, or nothing where there is no room.
std::string bar(double fraction, std::size_t columns) {
    constexpr std::size_t around = 3;
    if (columns < fewest_cells + around) return {};
    const auto cells = std::min(columns - around, most_cells);
    const auto full = static_cast<std::size_t>(std::floor(fraction * static_cast<double>(cells)));
    return cat('[', std::string(full, '#'), std::string(cells - full, '.'), "] ");
}

}  // namespace

std::string progress_text(const Advance& advance, double elapsed_s, std::size_t columns) {
    constexpr std::string_view gap = "  ";
    const double fraction = std::min(advance.fraction, 1.0);
    std::string out;
    // From the most to the least important; what has no room is left out.
    const auto add = [&](const std::string& part) {
        if (out.empty())
            out = part.substr(0, columns);
        else if (out.size() + gap.size() + part.size() <= columns)
            out += cat(gap, part);
    };
    if (fraction >= 0) add(cat(static_cast<int>(std::floor(fraction * 100)), '%'));
    add(counted(advance.done, "line"));
    if (elapsed_s > 0) {
        const double rate = static_cast<double>(advance.done) / elapsed_s;
        add(cat(rate >= 10 ? grouped(static_cast<std::uint64_t>(rate)) : one_decimal(rate), "/s"));
    }
    if (advance.failed > 0) add(cat(grouped(advance.failed), " failed"));
    if (fraction > 0.001 && elapsed_s > 1)
        add(cat(age(static_cast<std::int64_t>(elapsed_s * (1 - fraction) / fraction)), " left"));
    return fraction < 0 ? out : bar(fraction, columns - out.size()) + out;
}

ProgressLine::ProgressLine(int descriptor, bool wanted)
    : descriptor_(descriptor), active_(wanted && ::isatty(descriptor) == 1) {}

bool ProgressLine::due() {
    if (!active_) return false;
    const auto now = Clock::now();
    if (now < next_) return false;
    next_ = now + redraw_interval;
    return true;
}

void ProgressLine::show(const Advance& advance) {
    if (due()) draw(progress_text(advance, seconds(Clock::now() - started_), columns()));
}

void ProgressLine::show(std::string_view text) {
    if (due()) draw(cut(printable(text), columns()));
}

void ProgressLine::draw(std::string_view text) {
    say(descriptor_, cat("\r\x1b[K", text));
    drawn_ = true;
}

void ProgressLine::clear() {
    if (drawn_) say(descriptor_, "\r\x1b[K");
    drawn_ = false;
}

std::size_t ProgressLine::columns() const {
    winsize size{};
    if (::ioctl(descriptor_, TIOCGWINSZ, &size) != 0 || size.ws_col < 20) return 79;
    return size.ws_col - 1U;  // a full line would wrap, and could not be cleared
}

}  // namespace caisson::cli

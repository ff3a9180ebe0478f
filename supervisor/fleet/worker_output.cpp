// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/text.hpp"
#include "fleet/worker.hpp"

namespace caisson::fleet {
namespace {

/// Bytes of output that one turn reads from one pipe.
constexpr std::size_t output_read_bytes = 64 * 1024;

}  // namespace

void Worker::read_output(Fd& pipe, LineSplitter& splitter, std::string_view stream, int reads) {
    std::array<char, output_read_bytes> bytes;
    const auto sink = [&](std::string_view line) { take_line(stream, line); };
    for (; reads > 0; --reads) {
        const auto got = ::read(pipe.get(), bytes.data(), bytes.size());
        if (got < 0 && errno == EINTR) continue;
        if (got > 0) {
            splitter.feed({bytes.data(), static_cast<std::size_t>(got)}, around_.output_rules.plugin_line_bytes, sink);
            continue;
        }
        if (got == 0 || errno != EAGAIN) {  // every writer has closed it
            (&pipe == &stdout_ ? stdout_watch_ : stderr_watch_) = {};
            pipe.reset();
        }
        return;
    }
}

void Worker::take_line(std::string_view stream, std::string_view line) {
    tail_.add(line);
    const auto now = Clock::now();
    if (const auto held_back = budget_.held_back(now); held_back > 0)
        around_.log.warn("lines of plugin output not logged (log.plugin_lines)",
                         {{"pool", pool_.name}, {"worker", id_}, {"count", held_back}});
    if (!budget_.take(now, around_.output_rules.plugin_lines)) return;
    const auto call = held_.empty() ? 0 : held_.front().number;
    if (around_.on_output) around_.on_output(pool_.name, id_, call, stream, line);
    around_.log.info(line, {{"stream", stream}, {"pool", pool_.name}, {"worker", id_}, {"pid", pid_}, {"call", call}});
}

}  // namespace caisson::fleet

// SPDX-License-Identifier: Apache-2.0
/// Where lines of the log go in the end: a file, standard error or the journal. Used by the thread of the log's writer.
///
/// It bears everything: a disk that is full and has room again, a pipe that nobody reads, a reader that has gone. What
/// could not be written is counted, and said as soon as something can be written again.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "base/result.hpp"

namespace caisson {

class LogWriter {
   public:
    /// What is said of lines that did not get through: as a whole line.
    using Excuse = std::function<std::string(std::string_view message, std::uint64_t count, std::string_view why)>;

    /// Fails if the file cannot be opened. An empty one means standard error, or the journal behind it.
    [[nodiscard]] static Result<LogWriter> open(const std::filesystem::path& file, bool journal);

    /// Writes one line, with its end. Waits while the reader is behind; not for long once the log is being closed.
    void write(std::string_view line, const Excuse& excuse);
    /// So many lines never came here, for the queue was full. `total` since the start.
    void note_overrun(std::uint64_t total, const Excuse& excuse);

    // From any thread.
    /// From now on a reader that is behind is waited for only a little.
    void close() { closing_->store(true); }
    [[nodiscard]] std::uint64_t lost() const { return lost_->load(std::memory_order_relaxed); }

   private:
    LogWriter(Fd file, int descriptor, bool journal);
    [[nodiscard]] bool put(std::string_view line);
    [[nodiscard]] bool wait_for_room();

    Fd file_;
    int descriptor_;
    bool journal_;
    bool broken_line_ = false;  // a part of a line stands at the end of the file
    std::uint64_t overrun_ = 0;
    std::uint64_t unsaid_ = 0;  // lines that were not written since it was last said
    std::string why_;
    TimePoint give_up_ = TimePoint::max();
    std::unique_ptr<std::atomic<bool>> closing_ = std::make_unique<std::atomic<bool>>(false);
    std::unique_ptr<std::atomic<std::uint64_t>> lost_ = std::make_unique<std::atomic<std::uint64_t>>(0);
};

}  // namespace caisson

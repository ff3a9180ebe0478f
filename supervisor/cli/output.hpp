// SPDX-License-Identifier: Apache-2.0
/// Writing to the command's outputs: gathered, ready for a reader that goes away, and never deaf to an interrupt.
#pragma once

#include <csignal>
#include <cstddef>
#include <string>
#include <string_view>

namespace caisson::cli {

/// Writes a short text at once. Nothing can be said about a failure to say something.
void say(int descriptor, std::string_view text);

/// While it lives, a write to a closed pipe is an error and not a signal.
class QuietPipes {
   public:
    QuietPipes();
    QuietPipes(const QuietPipes&) = delete;
    QuietPipes& operator=(const QuietPipes&) = delete;
    ~QuietPipes();

   private:
    struct sigaction before_{};
};

/// A buffer before a descriptor that somebody else owns.
class Output {
   public:
    enum class State {
        good,
        gone,    ///< the reader closed its end: no reason to say anything, nor to go on
        broken,  ///< a full disk and the like; `error` says what
    };

    /// While a write waits for a slow reader, it gives up as soon as `interrupts` is readable; what was not written
    /// stays in the buffer.
    explicit Output(int descriptor, int interrupts = -1);

    /// Takes the bytes; writes when many have come together.
    void append(std::string_view bytes);
    /// Writes all that it holds, unless interrupted or not good.
    void flush();

    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] const std::string& error() const { return error_; }
    [[nodiscard]] bool pending() const { return written_ < buffer_.size(); }
    [[nodiscard]] bool terminal() const { return terminal_; }
    [[nodiscard]] int descriptor() const { return descriptor_; }
    /// True if nothing was appended yet, or the last byte ends a line.
    [[nodiscard]] bool at_line_start() const { return last_ == '\n'; }

   private:
    [[nodiscard]] bool wait_for_room() const;
    /// How much it could write before an interrupt or the end.
    [[nodiscard]] std::size_t write(std::string_view bytes);

    int descriptor_;
    int interrupts_;
    bool regular_ = false;
    bool terminal_ = false;
    State state_ = State::good;
    std::string error_;
    std::string buffer_;
    std::size_t written_ = 0;  // of buffer_
    char last_ = '\n';
};

}  // namespace caisson::cli

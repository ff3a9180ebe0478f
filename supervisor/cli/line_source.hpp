// SPDX-License-Identifier: Apache-2.0
/// The lines of a descriptor, read by blocks and handed out without a copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace caisson::cli {

class LineSource {
   public:
    /// Lines over `max_line_bytes` are not kept. The descriptor stays the caller's.
    LineSource(int descriptor, std::size_t max_line_bytes);

    enum class Took {
        line,      ///< `text` is a line without its end, valid until `read`
        too_long,  ///< a line over the bound was passed over; `text` is its beginning
        nothing,   ///< no whole line is here: `read` when the descriptor is readable
        end,       ///< there are no more, or the input failed: see `error`
    };
    [[nodiscard]] Took take(std::string_view& text);

    /// Reads once: what is there, or waits for it.
    void read();

    [[nodiscard]] int descriptor() const { return descriptor_; }
    /// A plain file never makes a reader wait, and its size is known.
    [[nodiscard]] bool plain_file() const { return file_bytes_ >= 0; }
    /// Bytes that a plain file had in it at the beginning; below 0 if not known.
    [[nodiscard]] std::int64_t file_bytes() const { return file_bytes_; }
    [[nodiscard]] const std::string& error() const { return error_; }

   private:
    [[nodiscard]] Took take_rest(std::string_view& text);

    int descriptor_;
    std::size_t max_line_bytes_;
    std::int64_t file_bytes_ = -1;
    std::vector<char> buffer_;
    std::size_t begin_ = 0;    // of the line under way
    std::size_t scanned_ = 0;  // no line end before this
    std::size_t end_ = 0;
    bool skipping_ = false;  // in the rest of a line that was too long
    bool ended_ = false;
    std::string error_;
};

}  // namespace caisson::cli

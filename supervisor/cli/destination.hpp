// SPDX-License-Identifier: Apache-2.0
/// Where a call's result goes: the output stream, or a file that appears whole or not at all.
#pragma once

#include <string>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace caisson::cli {

/// A file is written beside its final name and takes it on `commit`; without one it is removed again. What is not a
/// plain file (a device, a FIFO) is written directly.
class Destination {
   public:
    /// An empty path means `out`.
    [[nodiscard]] static Result<Destination> open(const std::string& path, int out);

    Destination(Destination&& other) noexcept;
    Destination& operator=(Destination&&) = delete;
    ~Destination();

    [[nodiscard]] int descriptor() const { return file_ ? file_.get() : out_; }
    [[nodiscard]] Result<void> commit();

   private:
    Destination() = default;

    int out_ = -1;
    Fd file_;
    std::string path_;
    std::string temporary_;  // empty: nothing to rename
};

}  // namespace caisson::cli

// SPDX-License-Identifier: Apache-2.0
/// A large input: a sealed memfd, mapped for reading while its call runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/fd.hpp"

namespace caisson::host {

class Mapping {
   public:
    Mapping(Fd memory, std::uint64_t bytes);
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping();

    /// Why there are no bytes; empty if there are.
    [[nodiscard]] const std::string& error() const { return error_; }
    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

   private:
    std::span<const std::byte> bytes_;
    std::string error_;
};

}  // namespace caisson::host

// SPDX-License-Identifier: Apache-2.0
/// A file descriptor that somebody owns.
#pragma once

#include <unistd.h>

#include <utility>

namespace caisson::client {

class Descriptor {
   public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }

    [[nodiscard]] explicit operator bool() const { return number_ >= 0; }
    [[nodiscard]] int get() const { return number_; }
    [[nodiscard]] int release() { return std::exchange(number_, -1); }

   private:
    int number_ = -1;
};

}  // namespace caisson::client

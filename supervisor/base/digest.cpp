// SPDX-License-Identifier: Apache-2.0
#include "base/digest.hpp"

#include <array>
#include <cstdio>
#include <memory>

#define XXH_INLINE_ALL  // no library to link
#include <xxhash.h>

namespace caisson {

std::string Digest::text() const {
    std::array<char, 17> digits{};
    std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(high));
    return digits.data();
}

std::string Digest::full_text() const {
    std::array<char, 33> digits{};
    std::snprintf(digits.data(), digits.size(), "%016llx%016llx", static_cast<unsigned long long>(high),
                  static_cast<unsigned long long>(low));
    return digits.data();
}

Digest digest_of(std::uint64_t secret, std::initializer_list<std::span<const std::byte>> parts) {
    const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state{XXH3_createState(), XXH3_freeState};
    XXH3_128bits_reset_withSeed(state.get(), secret);
    for (const auto part : parts) {
        const std::uint64_t size = part.size();
        XXH3_128bits_update(state.get(), &size, sizeof size);
        XXH3_128bits_update(state.get(), part.data(), part.size());
    }
    const auto hash = XXH3_128bits_digest(state.get());
    return {hash.high64, hash.low64};
}

Digest digest_of_bytes(std::span<const std::byte> bytes) {
    const auto hash = XXH3_128bits(bytes.data(), bytes.size());
    return {hash.high64, hash.low64};
}

}  // namespace caisson

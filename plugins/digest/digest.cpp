// SPDX-License-Identifier: Apache-2.0
/// Digests of bodies, by OpenSSL.
#include <openssl/evp.h>

#include <array>
#include <caisson/plugin.hpp>
#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

namespace {

using caisson::plugin::Bytes;
using caisson::plugin::Call;
using caisson::plugin::Raw;

/// Between two looks for a cancellation.
constexpr std::size_t step_bytes = 1024 * 1024;

std::string hex(std::span<const unsigned char> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const unsigned char byte : bytes) text.append({digits[byte >> 4], digits[byte & 15]});
    return text;
}

void expect(int done) {
    if (done != 1) throw std::runtime_error("OpenSSL cannot compute SHA-256");
}

Raw sha256(Bytes body, const Call& call) {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
    expect(context ? EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) : 0);
    while (!body.empty()) {
        call.check_cancelled();
        const auto step = body.first(std::min(step_bytes, body.size()));
        expect(EVP_DigestUpdate(context.get(), step.data(), step.size()));
        body = body.subspan(step.size());
    }
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    expect(EVP_DigestFinal_ex(context.get(), digest.data(), &size));
    return {hex(std::span{digest}.first(size))};
}

}  // namespace

CAISSON_PLUGIN("digest", "1.0.0") {
    method("sha256", sha256).help("the SHA-256 of the body, in hexadecimal digits").idempotent();
}

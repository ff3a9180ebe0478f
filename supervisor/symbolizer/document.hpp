// SPDX-License-Identifier: Apache-2.0
/// What caisson-symbolizer reads and writes, as JSON.
///
/// In:  {"frames": [{"module": "/path/libchaos.so", "offset": 4660, "return_address": true}],
///       "image": {"module": "/path/libchaos.so", "descriptor": 3}}; the image is there if one was loaded.
/// Out: {"frames": [{"function": "poke()", "file": "plugins/chaos/chaos.cpp", "line": 41, "module": "libchaos.so",
///       "offset": "0x1234"}]}, in the order of the request. A frame that the compiler inlined into the one after it
///       has "inlined": true and no entry of its own in the request. What is not known is absent.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "symbolizer/symbolizer.hpp"

namespace caisson::symbolizer {

/// Bytes of a request; a black box fills a few hundredths of it.
inline constexpr std::size_t max_request_bytes = 1024 * 1024;
/// Addresses of one request.
inline constexpr std::size_t max_addresses = 256;

struct Request {
    std::vector<Address> addresses;
    Image image;
};
[[nodiscard]] Result<Request> parse_request(std::string_view json);
[[nodiscard]] std::string answer(const std::vector<Address>& addresses, const std::vector<Resolved>& resolved);

}  // namespace caisson::symbolizer

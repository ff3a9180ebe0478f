// SPDX-License-Identifier: Apache-2.0
/// What the keeper and a zygote say to each other: datagrams on one SOCK_SEQPACKET pair, requests one way, replies back
/// in the same order.
///
/// A zygote is a worker that has loaded its plugin and makes copies of itself instead of running calls. A copy is a
/// child of the keeper (CLONE_PARENT), as every worker. The zygote has run code of the plugin, so its word counts for
/// little: a pid that it names must be a child of the keeper that nobody has ordered otherwise.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace caisson::keeper {

/// The descriptors of a worker ride along with a request, numbered from 0.
struct CopyRequest {
    std::uint64_t id = 0;
    std::array<char, 16> name{};  ///< for `ps`, zero-terminated
};

struct CopyReply {
    std::uint64_t id = 0;
    std::int32_t pid = 0;    ///< 0: there is none
    std::int32_t error = 0;  ///< errno then; EBUSY: the plugin has threads, which no copy would have
};

}  // namespace caisson::keeper

// SPDX-License-Identifier: Apache-2.0
/// The descriptors that a worker is started with, after null input, output and errors.
#pragma once

namespace caisson::host {

/// The socket to the supervisor.
inline constexpr int socket_descriptor = 3;
/// The memfd of the black box; closed once it is mapped.
inline constexpr int black_box_descriptor = 4;
/// A zygote's only, and the first foreign one of every other worker: the socket on which the keeper asks for copies
/// (keeper/orders.hpp).
inline constexpr int copy_descriptor = 5;

}  // namespace caisson::host

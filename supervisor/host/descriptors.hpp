// SPDX-License-Identifier: Apache-2.0
/// The descriptors that a worker is started with, after null input, output and errors.
#pragma once

namespace caisson::host {

/// The socket to the supervisor.
inline constexpr int socket_descriptor = 3;
/// The memfd of the black box; closed once it is mapped.
inline constexpr int black_box_descriptor = 4;
/// The library's image, a sealed memfd, if the setup says that there is one. It stays open: the library is loaded under
/// this descriptor's name, which must not come to mean another file.
inline constexpr int library_descriptor = 5;
/// A zygote's only, and the first foreign one of every other worker: the socket on which the keeper asks for copies
/// (keeper/orders.hpp).
inline constexpr int copy_descriptor = 6;

}  // namespace caisson::host

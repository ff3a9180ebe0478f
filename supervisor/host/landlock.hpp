// SPDX-License-Identifier: Apache-2.0
/// Landlock as far as Caisson uses it: which version the kernel has, and the scopes for signals and abstract sockets.
#pragma once

#include <cstdint>

#include "base/result.hpp"

namespace caisson::host {

/// The first Landlock version that can scope signals and abstract Unix sockets.
inline constexpr int landlock_abi_with_scopes = 6;

/// The kernel's Landlock version; 0 if it has none or has it switched off.
[[nodiscard]] int landlock_abi();

/// From here on this process and its children can signal only each other, and reach only each other's abstract Unix
/// sockets; nobody outside is reachable by ptrace. Needs no_new_privs. False if the kernel cannot do it.
[[nodiscard]] Result<bool> enter_landlock_scopes();

}  // namespace caisson::host

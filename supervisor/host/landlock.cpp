// SPDX-License-Identifier: Apache-2.0
#include "host/landlock.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/fd.hpp"

namespace caisson::host {
namespace {

// As in the kernel's <linux/landlock.h>, version 6; Debian 12's header ends at version 2.
struct RulesetAttributes {
    std::uint64_t handled_access_fs = 0;
    std::uint64_t handled_access_net = 0;
    std::uint64_t scoped = 0;
};
constexpr std::uint64_t scope_abstract_unix_socket = 1U << 0;
constexpr std::uint64_t scope_signal = 1U << 1;
constexpr std::uint32_t create_ruleset_version = 1U << 0;

long create_ruleset(const RulesetAttributes* attributes, std::size_t size, std::uint32_t flags) {
    return ::syscall(SYS_landlock_create_ruleset, attributes, size, flags);
}

}  // namespace

int landlock_abi() { return static_cast<int>(std::max(0L, create_ruleset(nullptr, 0, create_ruleset_version))); }

Result<bool> enter_landlock_scopes() {
    if (landlock_abi() < landlock_abi_with_scopes) return false;
    const RulesetAttributes attributes{.scoped = scope_abstract_unix_socket | scope_signal};
    const Fd ruleset{static_cast<int>(create_ruleset(&attributes, sizeof attributes, 0))};
    if (!ruleset) return fail_errno("landlock_create_ruleset", errno);
    if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0)
        return fail_errno("landlock_restrict_self", errno);
    return true;
}

}  // namespace caisson::host

// SPDX-License-Identifier: Apache-2.0
#include "control/access.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/text.hpp"

namespace caisson::control {
namespace {

/// What getpwnam_r and getgrnam_r may need for one entry; a group with thousands of members is larger and is an error.
constexpr std::size_t entry_bytes = 64 * 1024;
/// Groups of one client; the kernel's own bound (NGROUPS_MAX).
constexpr std::size_t max_groups = 65'536;

Result<uid_t> user_id(const std::string& name) {
    std::vector<char> buffer(entry_bytes);
    passwd entry{};
    passwd* found = nullptr;
    ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found == nullptr) return fail(cat("there is no user ", printable(name)), "check [access]");
    return found->pw_uid;
}

}  // namespace

std::string_view word(Verb verb) {
    constexpr std::array<std::string_view, 3> words{"call", "operate", "admin"};
    return words[static_cast<std::size_t>(verb)];
}

Result<gid_t> group_id(const std::string& name) {
    std::vector<char> buffer(entry_bytes);
    group entry{};
    group* found = nullptr;
    ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found == nullptr) return fail(cat("there is no group ", printable(name)), "check [access]");
    return found->gr_gid;
}

Result<Peer> peer_of(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return fail_errno("SO_PEERCRED", errno);
    Peer peer{.uid = credentials.uid, .pid = credentials.pid, .groups = {credentials.gid}};
    // Supplementary groups, as they were when it connected. Asked for the size first.
    size = 0;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, nullptr, &size) != 0 && errno == ERANGE &&
        size <= max_groups * sizeof(gid_t)) {
        std::vector<gid_t> groups(size / sizeof(gid_t));
        if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0)
            peer.groups.insert(peer.groups.end(), groups.begin(), groups.end());
    }
    return peer;
}

Result<Access::List> Access::look_up(const std::vector<std::string>& names, std::string_view key) {
    List list;
    for (const auto& name : names) {
        if (name == "*") {
            list.everybody = true;
        } else if (name.starts_with('@')) {
            auto group = group_id(name.substr(1));
            if (!group) return fail(cat("access.", key, ": ", group.error().what), group.error().hint);
            list.groups.push_back(*group);
        } else {
            auto user = user_id(name);
            if (!user) return fail(cat("access.", key, ": ", user.error().what), user.error().hint);
            list.users.push_back(*user);
        }
    }
    return list;
}

Result<Access> Access::from(const settings::Access& settings, uid_t own_uid) {
    Access access;
    access.own_uid_ = own_uid;
    const std::array<const std::vector<std::string>*, 3> names{&settings.call, &settings.operate, &settings.admin};
    for (std::size_t i = 0; i < names.size(); ++i) {
        auto list = look_up(*names[i], word(static_cast<Verb>(i)));
        if (!list) return std::unexpected(list.error());
        access.lists_[i] = std::move(*list);
    }
    return access;
}

bool Access::allows(const Peer& peer, Verb verb) const {
    if (peer.uid == own_uid_ || peer.uid == 0) return true;
    for (auto i = static_cast<std::size_t>(verb); i < std::size(lists_); ++i) {
        const auto& list = lists_[i];
        if (list.everybody || std::ranges::count(list.users, peer.uid) > 0) return true;
        for (const gid_t group : peer.groups)
            if (std::ranges::count(list.groups, group) > 0) return true;
    }
    return false;
}

}  // namespace caisson::control

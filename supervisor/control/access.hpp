// SPDX-License-Identifier: Apache-2.0
/// Who may do what: the kernel says who a client is (SO_PEERCRED), the settings say what he may.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "settings/settings.hpp"

namespace caisson::control {

/// call: calls, and looking (status, crashes). operate: resize, reload. admin: stop. Each includes those before it.
enum class Verb : std::uint8_t { call = 0, operate = 1, admin = 2 };
[[nodiscard]] std::string_view word(Verb verb);

/// Who is at the other end of a connection. Taken when it connected; a pid is for the log only.
struct Peer {
    uid_t uid = 0;
    pid_t pid = 0;
    std::vector<gid_t> groups;
};
[[nodiscard]] Result<Peer> peer_of(int socket);

class Access {
   public:
    /// Looks up the names. Unknown users and groups are an error: a typing mistake must not grant or deny in silence.
    [[nodiscard]] static Result<Access> from(const settings::Access& settings, uid_t own_uid);
    [[nodiscard]] bool allows(const Peer& peer, Verb verb) const;

   private:
    struct List {
        bool everybody = false;
        std::vector<uid_t> users;
        std::vector<gid_t> groups;
    };
    [[nodiscard]] static Result<List> look_up(const std::vector<std::string>& names, std::string_view key);

    uid_t own_uid_ = 0;
    List lists_[3];
};

/// The number of a group by its name.
[[nodiscard]] Result<gid_t> group_id(const std::string& name);

}  // namespace caisson::control

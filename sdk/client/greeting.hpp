// SPDX-License-Identifier: Apache-2.0
/// The first frames of a session: the client offers its versions, the service chooses one or says goodbye.
#pragma once

#include <optional>
#include <string>

#include "client/client.hpp"
#include "client/link.hpp"

namespace caisson::client {

/// Nothing when the session may begin. `where` names the service in an error.
[[nodiscard]] std::optional<ClientError> shake_hands(Link& link, const std::string& where, Deadline deadline);

}  // namespace caisson::client

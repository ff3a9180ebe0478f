// SPDX-License-Identifier: Apache-2.0
/// A session on its way from one supervisor to the other, as a message.
#pragma once

#include "apps/handover.hpp"
#include "control/session.hpp"

namespace caisson::apps {

[[nodiscard]] Result<Message> message_of(control::Session::Parcel parcel);
[[nodiscard]] Result<control::Session::Parcel> parcel_of(Message message);

}  // namespace caisson::apps

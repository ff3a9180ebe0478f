// SPDX-License-Identifier: Apache-2.0
/// The journal of systemd: whether it is listening, and one entry of it. libsystemd's journal comes in here and nowhere
/// else.
#pragma once

#include <string_view>

namespace caisson {

/// True if standard error is a stream of the journal, as systemd says in JOURNAL_STREAM: not only that the variable is
/// there, for it is inherited by programs whose standard error is something else.
[[nodiscard]] bool stderr_is_journal();

/// Adds an entry. `fields` are "NAME=value", one after the other, each with a zero byte behind it. False if the journal
/// did not take it; errno says why.
[[nodiscard]] bool add_to_journal(std::string_view fields);

}  // namespace caisson

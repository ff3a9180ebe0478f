// SPDX-License-Identifier: Apache-2.0
/// Ways not to come back.
#pragma once

/// Computes for ever.
[[noreturn]] void spin();
/// Locks what it has locked.
void deadlock();
/// Returns when somebody continues the process.
void sigstop_self();
void ignore_term();

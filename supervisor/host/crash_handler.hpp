// SPDX-License-Identifier: Apache-2.0
/// The worker's last words: a handler of fatal signals that fills the crash record and dies of the same signal.
///
/// It writes signal, code, address, thread and running call first, sends what is finished, and ends the stream to the
/// supervisor, which need not wait for the rest. Then come the return addresses, each with the module that
/// it lies in; nothing is resolved here. It uses only what is safe in a signal handler: atomics, plain stores into the
/// black box, system calls, _dl_find_object (lock-free in glibc), and the unwinder, which finds its tables through
/// _dl_find_object too and is called once in advance so that it is loaded. It runs on a stack of its own on the main
/// thread, so a stack overflow is recorded as well; on a thread of the plugin it uses that thread's stack.
///
/// A fault inside the handler, or a handler that takes longer than two seconds, ends the process at once by the signal
/// that came first; what was recorded until then counts.
#pragma once

#include <string>

#include "base/result.hpp"
#include "host/outlet.hpp"
#include "wire/black_box.hpp"

namespace caisson::host {

/// Once per process, from its main thread; in the copy of a process that has it, it begins anew. `box` and `outlet`
/// must live as long as the process.
[[nodiscard]] Result<void> install_crash_handler(wire::BlackBox& box, Outlet& outlet);

/// The library is loaded from this descriptor, and stands in the record by its path, which must live as long as the
/// process.
void name_library(int descriptor, const std::string& path);

}  // namespace caisson::host

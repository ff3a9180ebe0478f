// SPDX-License-Identifier: Apache-2.0
/// Ways to break the protocol between worker and supervisor, which a plugin can reach: it lives in the worker.
#pragma once

#include <caisson/plugin.hpp>
#include <cstdint>

[[noreturn]] void close_socket();
void garbage_frames();
void huge_frame(const caisson::plugin::Call& call);
void partial_frame(const caisson::plugin::Call& call);
void wrong_call_id(const caisson::plugin::Call& call);
std::int64_t double_reply(const caisson::plugin::Call& call);

// SPDX-License-Identifier: Apache-2.0
#include "base/log.hpp"

// The log of the installed archive, in place of base/log.cpp: pools inside a program log nothing, so that program need
// not link a library for it.
namespace caisson {

struct Log::Impl {};

Log::Log(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Log::Log(Log&&) noexcept = default;
Log& Log::operator=(Log&&) noexcept = default;
Log::~Log() = default;

Log Log::silent() { return Log{nullptr}; }
void Log::write(LogLevel /*level*/, std::string_view /*message*/, Fields /*fields*/) {}
void Log::event(std::string_view /*name*/, LogLevel /*level*/, std::string_view /*message*/, Fields /*fields*/) {}

}  // namespace caisson

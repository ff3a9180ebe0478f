// SPDX-License-Identifier: Apache-2.0
#include "host/host_functions.hpp"

namespace caisson::host {
namespace {

/// The C functions carry no pointer of ours, so the process's one running call has to be found from here.
constinit std::atomic<CurrentCall*> the_call = nullptr;

CurrentCall& current() { return *the_call.load(std::memory_order_acquire); }

/// Null data is empty whatever its size says.
std::string_view text_of(const char* text, std::size_t size) {
    return text == nullptr ? std::string_view{} : std::string_view{text, size};
}

void set_encoding(const caisson_call* call, std::uint32_t encoding) { current().set_encoding(call, encoding); }

void write(const caisson_call* call, const void* data, std::size_t size) {
    if (data == nullptr) return;
    current().write(call, {static_cast<const std::byte*>(data), size});
}

void set_error(const caisson_call* call, const char* message, std::size_t size) {
    current().set_error(call, text_of(message, size));
}

void progress(const caisson_call* call, double fraction, const char* note, std::size_t size) {
    current().progress(call, fraction, text_of(note, size), to_ns(Clock::now()));
}

int cancelled(const caisson_call* call) { return current().cancelled(call) ? 1 : 0; }

const void* get_extension(const char*) { return nullptr; }

}  // namespace

caisson_host make_host(CurrentCall& call, std::string_view settings) {
    the_call.store(&call, std::memory_order_release);
    return {.size = sizeof(caisson_host),
            .abi_major = CAISSON_ABI_MAJOR,
            .abi_minor = CAISSON_ABI_MINOR,
            .reserved = 0,
            .settings = {settings.data(), settings.size()},
            .set_encoding = set_encoding,
            .write = write,
            .set_error = set_error,
            .progress = progress,
            .cancelled = cancelled,
            .get_extension = get_extension};
}

}  // namespace caisson::host

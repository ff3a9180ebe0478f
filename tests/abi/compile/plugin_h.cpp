// SPDX-License-Identifier: Apache-2.0
// The C header alone, used from C++ as old as C++17.
#include <caisson/plugin.h>

namespace {

caisson_status create(const caisson_host* host, void** instance) noexcept {
    if (!CAISSON_HAS(host, caisson_host, get_extension)) return CAISSON_UNAVAILABLE;
    *instance = const_cast<caisson_host*>(host);
    return CAISSON_OK;
}

caisson_status call(void* instance, const caisson_call* this_call) noexcept {
    const auto* const host = static_cast<const caisson_host*>(instance);
    if (host->cancelled(this_call) != 0) return CAISSON_CANCELLED;
    host->set_encoding(this_call, CAISSON_BYTES);
    host->write(this_call, this_call->body.data, this_call->body.size);
    return CAISSON_OK;
}

const caisson_method echo = {sizeof(caisson_method), CAISSON_METHOD_IDEMPOTENT, "echo", nullptr, nullptr, nullptr};
const caisson_method* const methods[] = {&echo};
const caisson_plugin plugin = {
    sizeof(caisson_plugin),
    CAISSON_ABI_MAJOR,
    CAISSON_ABI_MINOR,
    "cpp",
    "1",
    methods,
    1,
    0,
    create,
    call,
    nullptr,
    nullptr,
};

}  // namespace

const caisson_plugin* caisson_plugin_entry() { return &plugin; }

/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin as an outsider writes it in C: answers with what it got. */
#include <caisson/plugin.h>

static caisson_status create(const caisson_host* host, void** instance) {
    *instance = (void*)host;
    return CAISSON_OK;
}

static caisson_status call(void* instance, const caisson_call* call) {
    const caisson_host* host = instance;
    host->write(call, call->body.data, call->body.size);
    return CAISSON_OK;
}

static const caisson_method echo = {
    .size = sizeof(caisson_method), .name = "echo", .help = "what it got", .flags = CAISSON_METHOD_IDEMPOTENT};
static const caisson_method* const methods[] = {&echo};

static const caisson_plugin plugin = {
    .size = sizeof(caisson_plugin),
    .abi_major = CAISSON_ABI_MAJOR,
    .abi_minor = CAISSON_ABI_MINOR,
    .name = "echo",
    .version = "1.0.0",
    .methods = methods,
    .method_count = 1,
    .create = create,
    .call = call,
};

const caisson_plugin* caisson_plugin_entry(void) { return &plugin; }

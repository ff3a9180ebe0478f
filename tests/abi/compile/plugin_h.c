/* SPDX-License-Identifier: Apache-2.0 */
/* A whole plugin in C, so that every line of the header is used by somebody who has all warnings on. */
#include <caisson/plugin.h>

static caisson_status create(const caisson_host* host, void** instance) {
    static const caisson_host* kept;
    if (!CAISSON_HAS(host, caisson_host, get_extension)) return CAISSON_UNAVAILABLE;
    kept = host;
    *instance = &kept;
    return CAISSON_OK;
}

static caisson_status call(void* instance, const caisson_call* this_call) {
    const caisson_host* host = *(const caisson_host**)instance;
    if (host->cancelled(this_call)) return CAISSON_CANCELLED;
    host->set_encoding(this_call, this_call->encoding);
    host->progress(this_call, 0.5, "", 0);
    host->write(this_call, this_call->body.data, this_call->body.size);
    return CAISSON_OK;
}

static const caisson_method echo = {sizeof(caisson_method), CAISSON_METHOD_IDEMPOTENT, "echo", NULL, NULL, NULL};
static const caisson_method* const methods[] = {&echo};
static const caisson_plugin plugin = {
    sizeof(caisson_plugin), CAISSON_ABI_MAJOR, CAISSON_ABI_MINOR, "c", "1", methods, 1, 0, create, call, NULL, NULL,
};

const caisson_plugin* caisson_plugin_entry(void) { return &plugin; }

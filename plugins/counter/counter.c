/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts its calls, in plain C. Each worker has a count of its own, so one can see which process answered.
 */
#include <caisson/plugin.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Counter {
    const caisson_host* host;
    uint64_t count;
} Counter;

enum { method_next, method_value };

static caisson_status fail(const Counter* self, const caisson_call* call, caisson_status status, const char* why) {
    self->host->set_error(call, why, strlen(why));
    return status;
}

static caisson_status create(const caisson_host* host, void** instance) {
    Counter* const self = calloc(1, sizeof *self);
    if (self == NULL) {
        fputs("counter: no memory\n", stderr);
        return CAISSON_UNAVAILABLE;
    }
    self->host = host;
    *instance = self;
    return CAISSON_OK;
}

static caisson_status answer(const Counter* self, const caisson_call* call) {
    char text[96];
    const int size =
        snprintf(text, sizeof text, "{\"count\":%" PRIu64 ",\"pid\":%" PRIdMAX "}", self->count, (intmax_t)getpid());
    if (size < 0) return fail(self, call, CAISSON_INTERNAL, "cannot format the answer");
    self->host->set_encoding(call, CAISSON_JSON);
    self->host->write(call, text, (size_t)size);
    return CAISSON_OK;
}

static caisson_status serve(void* instance, const caisson_call* call) {
    Counter* const self = instance;
    switch (call->method) {
        case method_next:
            ++self->count;
            return answer(self, call);
        case method_value:
            return answer(self, call);
        default:
            return fail(self, call, CAISSON_NOT_FOUND, "no method has this number");
    }
}

static void destroy(void* instance) { free(instance); }

static const caisson_method next_method = {
    sizeof(caisson_method),
    0,
    "next",
    "adds one to this process's count and returns the count and the pid",
    "none",
    "json",
};
static const caisson_method value_method = {
    sizeof(caisson_method), CAISSON_METHOD_IDEMPOTENT, "value", "this process's count and pid", "none", "json",
};
static const caisson_method* const methods[] = {
    [method_next] = &next_method,
    [method_value] = &value_method,
};

static const caisson_plugin plugin = {
    .size = sizeof(caisson_plugin),
    .abi_major = CAISSON_ABI_MAJOR,
    .abi_minor = CAISSON_ABI_MINOR,
    .name = "counter",
    .version = "1.0.0",
    .methods = methods,
    .method_count = sizeof methods / sizeof methods[0],
    .create = create,
    .call = serve,
    .destroy = destroy,
};

const caisson_plugin* caisson_plugin_entry(void) { return &plugin; }

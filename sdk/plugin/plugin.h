/* SPDX-License-Identifier: Apache-2.0
 *
 * The Caisson plugin ABI: what a shared library exports to be run as a plugin, in plain C11.
 *
 * A plugin exports one function, `caisson_plugin_entry`, that returns a pointer to a constant struct. The worker (one
 * process, one plugin, one thread that calls it) then goes
 *
 *     entry -> create(host, &instance) -> call(instance, call)* -> destroy(instance)
 *
 * and calls nothing concurrently. docs/abi.md is the contract with numbered requirements; these are its rules in short:
 *
 *  - Growth. Every struct starts with its own `size`. Fields are only appended. Look at a field only if the size says
 *    that it is there (CAISSON_HAS). The major version must be equal; a larger minor version is always compatible.
 *    Everything else grows through get_extension().
 *  - Ownership. No memory changes owner. What a function receives is valid until that function returns; what the
 *    descriptor points to is valid until the process ends.
 *  - Threads. The host calls the plugin on one thread, the worker's main thread. The plugin may call the host's
 *    functions from any thread of its own, but only between the start and the return of the call that they name.
 *  - Errors. A status is returned; no exception and no longjmp crosses the boundary.
 *  - Text is UTF-8 and counted, not terminated, except where a `const char *` says otherwise.
 */
#ifndef CAISSON_PLUGIN_H
#define CAISSON_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CAISSON_ABI_MAJOR 1u
#define CAISSON_ABI_MINOR 0u

/* The name of the one exported function. */
#define CAISSON_PLUGIN_ENTRY "caisson_plugin_entry"

/* True if the struct behind `pointer` is new enough to have `field`. */
#ifdef __cplusplus
#define CAISSON_HAS(pointer, type, field) ((pointer)->size >= offsetof(type, field) + sizeof(type::field))
#else
#define CAISSON_HAS(pointer, type, field) ((pointer)->size >= offsetof(type, field) + sizeof(((const type*)0)->field))
#endif

#if defined(_WIN32)
#error "Caisson runs on Linux"
#else
#define CAISSON_EXPORT __attribute__((visibility("default")))
#endif

/* How a call ended, as the plugin sees it. */
typedef enum caisson_status {
    CAISSON_OK = 0,
    CAISSON_INVALID_ARGUMENT = 1, /* params or body are not what the method takes */
    CAISSON_NOT_FOUND = 2,        /* what the call names does not exist */
    CAISSON_UNAVAILABLE = 3,      /* cannot be done now; the same call may succeed later */
    CAISSON_CANCELLED = 4,        /* gave up because cancelled() said so */
    CAISSON_INTERNAL = 5          /* anything else went wrong */
} caisson_status;

/* What the bytes of a body mean. */
typedef enum caisson_encoding {
    CAISSON_BYTES = 0, /* whatever the method says */
    CAISSON_JSON = 1,  /* one JSON value, UTF-8 */
    CAISSON_PACKED = 2 /* little-endian scalars of the method's declared type, one or an array */
} caisson_encoding;

/* Counted bytes that somebody else owns; `data` may be null only if `size` is 0. */
typedef struct caisson_view {
    const void* data;
    size_t size;
} caisson_view;

/* One method of a plugin. */
typedef struct caisson_method {
    uint32_t size;      /* sizeof(caisson_method) */
    uint32_t flags;     /* CAISSON_METHOD_* */
    const char* name;   /* [a-z0-9_]+, at most 64 bytes, unique in the plugin, terminated */
    const char* help;   /* one line for people, terminated; may be null */
    const char* input;  /* type of the body: "bytes", "json", "none", a scalar ("int64", "float64", …) or an array of */
    const char* output; /* scalars ("int64[]"), terminated. Null means "bytes". Only scalar types may be packed. */
} caisson_method;

/* Running the method twice with the same input has the effect of running it once. */
#define CAISSON_METHOD_IDEMPOTENT 1u

/* One call, as the plugin receives it. */
typedef struct caisson_call {
    uint32_t size;       /* sizeof(caisson_call) of the host */
    uint32_t method;     /* index into the descriptor's `methods` */
    uint64_t id;         /* unique in this worker; for logs */
    int64_t deadline_ns; /* CLOCK_MONOTONIC, nanoseconds; 0 if there is none */
    caisson_view params; /* a JSON object, or empty */
    caisson_view body;   /* the input, or empty */
    uint32_t encoding;   /* caisson_encoding of `body` */
    uint32_t attempt;    /* 1 for the first start of this call */
} caisson_call;

/* What the worker offers to a plugin. Valid from create() to the return of destroy(). */
typedef struct caisson_host {
    uint32_t size;      /* sizeof(caisson_host) of the host */
    uint32_t abi_major; /* of the host */
    uint32_t abi_minor;
    uint32_t reserved;
    caisson_view settings; /* the pool's `settings` table as a JSON object; "{}" if there is none */

    /* Says what the bytes of the result are. Once per call, before its first write(); the default is CAISSON_BYTES. */
    void (*set_encoding)(const caisson_call* call, uint32_t encoding);
    /* Appends bytes to the result. The bytes are copied before it returns; it may block while the caller is slower. */
    void (*write)(const caisson_call* call, const void* data, size_t size);
    /* Says in words why the call is about to return a status other than CAISSON_OK. The last text counts. */
    void (*set_error)(const caisson_call* call, const char* message, size_t size);
    /* Tells the caller how far the call is: a fraction from 0 to 1, and a short note (may be empty). */
    void (*progress)(const caisson_call* call, double fraction, const char* note, size_t size);
    /* Non-zero once the call should give up: cancelled, past its deadline, or the worker is stopping. Cheap. */
    int (*cancelled)(const caisson_call* call);
    /* A host extension by id ("name/major"), or null. What it points to says in its own header. */
    const void* (*get_extension)(const char* id);
} caisson_host;

/* The descriptor: what a plugin is. Constant, static. */
typedef struct caisson_plugin {
    uint32_t size;      /* sizeof(caisson_plugin) */
    uint16_t abi_major; /* CAISSON_ABI_MAJOR that the plugin was built with */
    uint16_t abi_minor;
    const char* name;                     /* terminated; for people and logs */
    const char* version;                  /* terminated; for people and logs */
    const caisson_method* const* methods; /* pointers, so that a method can grow */
    uint32_t method_count;
    uint32_t reserved;

    /* Makes the instance that serves this worker's calls. On anything but CAISSON_OK the worker reports the failed
     * start and ends; destroy() is not called. Text on stderr becomes part of the report. */
    caisson_status (*create)(const caisson_host* host, void** instance);
    /* Serves one call. */
    caisson_status (*call)(void* instance, const caisson_call* call);
    /* Ends the instance. Called once, before a worker ends in good order; never after a crash. May be null. */
    void (*destroy)(void* instance);
    /* A plugin extension by id ("name/major"), or null. May be null. */
    const void* (*get_extension)(const char* id);
} caisson_plugin;

/* The exported function: returns the descriptor, the same pointer each time, and does no work of the plugin's. Never
 * null: a plugin that cannot run says so in create(). */
typedef const caisson_plugin* (*caisson_plugin_entry_fn)(void);

CAISSON_EXPORT const caisson_plugin* caisson_plugin_entry(void);

#ifdef __cplusplus
}
#endif

#endif /* CAISSON_PLUGIN_H */

/* SPDX-License-Identifier: Apache-2.0
 *
 * caisson.items/1: many calls of one method in one crossing of the boundary, each with an outcome of its own.
 *
 * A plugin offers it (caisson_plugin.get_extension) when its methods take microseconds or less, so that what a call
 * costs on its way through the boundary counts. A plugin without it is called once for each item; nothing else differs.
 * The C++ face offers it for every method that does not take the Call.
 *
 *     while (items->begin(items->context, &body)) items->answer(items->context, CAISSON_PACKED, &result, sizeof
 * result);
 *
 * Each item is claimed by begin() as a call is before it starts: if the plugin crashes, the item that was begun last is
 * the one that crashed, and those before it are done. Everything here is for the thread that call_items() runs on.
 */
#ifndef CAISSON_EXT_ITEMS_H
#define CAISSON_EXT_ITEMS_H

#include "../plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CAISSON_ITEMS "caisson.items/1"

/* The items, as the plugin gets them from the host. Valid until call_items() returns. */
typedef struct caisson_items {
    uint32_t size;     /* sizeof(caisson_items) of the host */
    uint32_t method;   /* index into the descriptor's `methods` */
    uint32_t encoding; /* caisson_encoding of each body */
    uint32_t attempt;  /* 1 for the first start of these items */
    caisson_view params;
    void* context; /* for the functions below */

    /* Begins the next item; its body is valid until it is ended. Zero if there is none, or none that is to be run:
     * return then. An item that was begun and neither answered nor failed has failed. */
    int (*begin)(void* context, caisson_view* body);
    /* Ends the item with CAISSON_OK and its whole result. The bytes are copied. */
    void (*answer)(void* context, uint32_t encoding, const void* data, size_t size);
    /* Ends the item with another status, and says why. */
    void (*fail)(void* context, caisson_status status, const char* message, size_t size);
    /* Non-zero once the item that was begun should give up: cancelled, past its deadline, or the worker is stopping.
     * Cheap. */
    int (*cancelled)(void* context);
} caisson_items;

/* What the plugin offers. */
typedef struct caisson_items_plugin {
    uint32_t size; /* sizeof(caisson_items_plugin) */
    uint32_t reserved;
    /* Non-zero if call_items() serves this method; for others the host calls caisson_plugin.call. */
    int (*serves)(void* instance, uint32_t method);
    /* Serves items until there is none left. */
    void (*call_items)(void* instance, const caisson_items* items);
} caisson_items_plugin;

#ifdef __cplusplus
}
#endif

#endif /* CAISSON_EXT_ITEMS_H */

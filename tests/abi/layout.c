/* SPDX-License-Identifier: Apache-2.0 */
#include "layout.h"

#include <caisson/plugin.h>

#define CAISSON_STRUCT(type, bytes) {#type, 0, sizeof(type)},
#define CAISSON_FIELD(type, field, place, bytes) {#type "." #field, offsetof(type, field), sizeof(((type*)0)->field)},
static const LayoutRow rows[] = {
#include "layout.def"
};

const LayoutRow* layout_in_c(size_t* count) {
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

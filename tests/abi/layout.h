/* SPDX-License-Identifier: Apache-2.0
 *
 * What one compiler makes of the ABI's structs, as rows that another compiler's can be compared with.
 */
#ifndef CAISSON_TESTS_ABI_LAYOUT_H
#define CAISSON_TESTS_ABI_LAYOUT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct LayoutRow {
    const char* name;
    size_t offset;
    size_t size;
} LayoutRow;

/* The rows as a C compiler sees them, in the order of layout.def. */
const LayoutRow* layout_in_c(size_t* count);

#ifdef __cplusplus
}
#endif

#endif /* CAISSON_TESTS_ABI_LAYOUT_H */

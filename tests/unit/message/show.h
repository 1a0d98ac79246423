/* SPDX-License-Identifier: MIT
 *
 * show.h: defects as one line of text, "name@offset name@offset", so that rows
 * of tests can say what they expect; all rows that differ are shown.
 */
#ifndef TEST_MESSAGE_SHOW_H
#define TEST_MESSAGE_SHOW_H

#include <mailkit/defect.h>
#include <stdio.h>
#include <string.h>

static inline const char *show_defects(const mk_defects *list, char *out,
                                       size_t n)
{
    size_t at = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < list->count && at < n; i++) {
        const mk_defect *d = &list->items[i];
        int put =
            snprintf(out + at, n - at, "%s%s@%llu", i > 0 ? " " : "",
                     mk_defect_name(d->code), (unsigned long long)d->offset);
        at += put < 0 ? 0 : (size_t)put;
    }
    return out;
}

/* 0 when both are equal, else 1 and both are printed. */
static inline int show_differs(size_t row, const char *got, const char *want)
{
    if (strcmp(got, want) == 0) {
        return 0;
    }
    print_message("row %zu: got  %s\n", row, got);
    print_message("row %zu: want %s\n", row, want);
    return 1;
}

#endif

/* SPDX-License-Identifier: MIT
 *
 * show.h: rows of tests: octets, what is read from them as one line of text,
 * and the defects as another, "name@offset name@offset". All rows that differ
 * are shown.
 */
#ifndef TEST_MESSAGE_SHOW_H
#define TEST_MESSAGE_SHOW_H

#include <mailkit/defect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(lit) lit, sizeof(lit) - 1

typedef struct row {
    const char *text; /* these two: S("…") */
    size_t n;
    const char *want;    /* what `show` writes */
    const char *defects; /* "name@offset …" */
} row;

/* Reads the octets and writes what it found. */
typedef void show_fn(mk_str text, mk_defects *defects, mk_buf *b);

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
static inline int show_differs(size_t nth, const char *got, const char *want)
{
    if (strcmp(got, want) == 0) {
        return 0;
    }
    print_message("row %zu: got  %s\n", nth, got);
    print_message("row %zu: want %s\n", nth, want);
    return 1;
}

static inline void show_rows(const row *rows, size_t count, show_fn *show)
{
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        char mem[512], line[512];
        mk_defect found[16];
        mk_defects list;
        mk_buf b;
        /* The exact size, so that a step beyond it is seen. */
        char *tight = malloc(rows[i].n == 0 ? 1 : rows[i].n);
        memcpy(tight, rows[i].text, rows[i].n);
        mk_buf_init(&b, mem, sizeof mem - 1);
        mk_defects_init(&list, found, 16);
        show(mk_str_of(tight, rows[i].n), &list, &b);
        mem[b.len] = '\0';
        failed += show_differs(i, mem, rows[i].want);
        failed += show_differs(i, show_defects(&list, line, sizeof line),
                               rows[i].defects);
        free(tight);
    }
    assert_int_equal(failed, 0);
}

#define CHECK(rows, show) show_rows(rows, sizeof rows / sizeof rows[0], show)

#endif

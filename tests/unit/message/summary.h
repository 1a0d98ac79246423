/* SPDX-License-Identifier: MIT
 *
 * summary.h: a message parsed at once or in views, and what was met of each
 * kind, for tests that count.
 */
#ifndef TESTS_MESSAGE_SUMMARY_H
#define TESTS_MESSAGE_SUMMARY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tree.h"

typedef struct summary {
    uint32_t parts, fields, defects;
    uint32_t depth; /* the deepest */
    uint64_t data;
    mk_defects seen;
} summary;

typedef struct feeder {
    mk_message *m;
    void *block;
    summary sum;
} feeder;

static inline void begin(feeder *f, const mk_message_config *config)
{
    size_t need = mk_message_need(config);
    memset(f, 0, sizeof *f);
    mk_defects_init(&f->sum.seen, NULL, 0);
    f->block = malloc(need);
    assert_non_null(f->block);
    assert_int_equal(mk_message_open(config, f->block, need, &f->m), MK_OK);
}

static inline void count(summary *s, const mk_message_event *ev)
{
    switch (ev->type) {
    case MK_MESSAGE_PART:
        s->parts++;
        s->depth = ev->part->depth > s->depth ? ev->part->depth : s->depth;
        break;
    case MK_MESSAGE_FIELD:
        s->fields++;
        break;
    case MK_MESSAGE_DEFECT:
        s->defects++;
        mk_defects_add(&s->seen, (mk_defect_code)ev->defect.code, 0, 0);
        break;
    case MK_MESSAGE_DATA:
    case MK_MESSAGE_PREAMBLE:
    case MK_MESSAGE_EPILOGUE:
        s->data += ev->data.len;
        break;
    default:
        break;
    }
}

/* Offer a view; what is left of it. */
static inline mk_str offer(feeder *f, mk_str in, mk_err *out_err)
{
    mk_message_event ev;
    do {
        *out_err = mk_message_step(f->m, &in, &ev);
        if (*out_err == MK_OK) {
            count(&f->sum, &ev);
        }
    } while (*out_err == MK_OK);
    return in;
}

static inline summary end(feeder *f, mk_str rest)
{
    mk_err err;
    mk_message_in_eof(f->m);
    rest = offer(f, rest, &err);
    assert_int_equal(err, MK_END);
    assert_int_equal(rest.len, 0);
    free(f->block);
    return f->sum;
}

static inline summary parse(const text *message,
                            const mk_message_config *config)
{
    feeder f;
    mk_err err;
    begin(&f, config);
    mk_str rest = offer(&f, text_view(message), &err);
    assert_int_equal(err, MK_WAIT);
    return end(&f, rest);
}

static inline bool has(const summary *s, mk_defect_code code)
{
    return mk_defects_has(&s->seen, code);
}

static inline void same_at_any_cut(const text *message,
                                   const mk_message_config *config)
{
    static const size_t chunks[] = {1, 2, 3, 5, 7, 64, 97, 1000, 4096};
    text whole = {0};
    assert_null(
        tree_trace(text_view(message), config, 0, TREE_LENGTHS, &whole));
    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        text cut = {0};
        assert_null(tree_trace(text_view(message), config, chunks[i],
                               TREE_LENGTHS, &cut));
        assert_string_equal(text_c(&cut), text_c(&whole));
        text_free(&cut);
    }
    text_free(&whole);
}

static inline mk_message_config small(void)
{
    mk_message_config c;
    mk_message_config_init(&c, sizeof c);
    c.max_depth = 3;
    c.max_parts = 6;
    c.max_boundary_bytes = 16;
    c.max_fields = 4;
    c.max_field_bytes = 40;
    c.max_header_bytes = 100;
    return c;
}

static inline void repeat(text *t, const char *z, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        text_z(t, z);
    }
}

#endif

/* SPDX-License-Identifier: MIT
 *
 * pump.h: drives a resumable codec with input and output cut into pieces of
 * chosen sizes. Every piece lies in memory of exactly its size, so that a
 * sanitizer sees one octet too far.
 */
#ifndef MK_TESTS_BASE_PUMP_H
#define MK_TESTS_BASE_PUMP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mailkit/base.h>

#include <stdlib.h>
#include <string.h>

typedef struct codec {
    void *self;
    mk_err (*work)(void *self, mk_str *io_in, mk_buf *out);
    mk_err (*finish)(void *self, mk_buf *out);
} codec;

/* Call work (or finish, when in is NULL) until it asks for no more room. */
static inline mk_err pump_piece(const codec *c, mk_str *in, size_t room,
                                mk_buf *all)
{
    for (;;) {
        char *piece = malloc(room);
        mk_buf out;
        mk_err err;

        assert_non_null(piece);
        mk_buf_init(&out, piece, room);
        err =
            in != NULL ? c->work(c->self, in, &out) : c->finish(c->self, &out);
        assert_false(out.full);
        assert_true(err != MK_E_ROOM || out.len == room);
        assert_int_equal(mk_buf_add(all, mk_buf_str(&out)), MK_OK);
        free(piece);
        if (err != MK_E_ROOM) {
            return err;
        }
    }
}

/* Feed all of in, step octets at a time, into buffers of room octets; then
 * finish. out_at is how far the input was taken. */
static inline mk_err pump(const codec *c, mk_str in, size_t step, size_t room,
                          mk_buf *all, size_t *out_at)
{
    size_t at = 0;

    while (at < in.len) {
        mk_str view = mk_str_sub(in, at, step);
        char *piece = malloc(view.len);
        mk_str rest;
        mk_err err;

        assert_non_null(piece);
        memcpy(piece, view.ptr, view.len);
        rest = mk_str_of(piece, view.len);
        err = pump_piece(c, &rest, room, all);
        at += view.len - rest.len;
        free(piece);
        if (err != MK_WAIT) {
            *out_at = at;
            return err;
        }
        assert_int_equal(rest.len, 0);
    }
    *out_at = at;
    return pump_piece(c, NULL, room, all);
}

static inline void assert_str_equal(mk_str got, mk_str want)
{
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.len ? got.ptr : "", want.len ? want.ptr : "",
                        want.len);
}

#endif

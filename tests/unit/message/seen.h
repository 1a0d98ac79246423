/* SPDX-License-Identifier: MIT
 *
 * seen.h: a view in a block of its own, for tests; the block is to be freed.
 */
#ifndef TESTS_MESSAGE_SEEN_H
#define TESTS_MESSAGE_SEEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "text.h"

#include <mailkit/message.h>

enum { BLOCK = 64 * 1024 };

typedef struct seen {
    void *block;
    mk_view v;
} seen;

static inline seen look_by(mk_str message, const mk_message_config *config)
{
    seen s;
    s.block = malloc(BLOCK);
    assert_non_null(s.block);
    assert_int_equal(mk_view_open(message, config, s.block, BLOCK, &s.v),
                     MK_OK);
    assert_false(s.v.is_cut);
    return s;
}

static inline seen look(mk_str message)
{
    return look_by(message, NULL);
}

static inline void assert_view(mk_str got, const char *want)
{
    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.ptr != NULL ? got.ptr : "", want, got.len);
}

#endif

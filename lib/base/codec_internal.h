/* SPDX-License-Identifier: MIT
 *
 * codec_internal.h: the two motions that the codecs share: taking an octet
 * from a cursor and putting one where there is room. Unlike mk_buf_add, a
 * codec that finds no room does not spoil the buffer: it will be resumed.
 */
#ifndef MK_BASE_CODEC_INTERNAL_H
#define MK_BASE_CODEC_INTERNAL_H

#include "base/ascii.h"
#include <mailkit/codec.h>

static inline size_t codec_room(const mk_buf *out)
{
    return out->full ? 0 : out->max - out->len;
}

/* The caller has looked at codec_room. */
static inline void codec_put(mk_buf *out, unsigned octet)
{
    out->ptr[out->len] = (char)(unsigned char)octet;
    out->len++;
}

static inline void codec_skip(mk_str *io_in, size_t n)
{
    io_in->ptr += n;
    io_in->len -= n;
}

#endif

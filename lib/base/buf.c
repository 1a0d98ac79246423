/* SPDX-License-Identifier: MIT
 *
 * buf.c: append buffers with a maximum, over the caller's memory. The first
 * piece that does not fit sets `full`; from then on nothing more is taken,
 * so that what is there is always a prefix of what was meant and never a
 * text with a hole. It never allocates and writes no NUL behind the text.
 */
#include "base/ascii.h"

#include <string.h>

void mk_buf_init(mk_buf *b, void *mem, size_t max)
{
    b->ptr = mem;
    b->len = 0;
    b->max = mem == NULL ? 0 : max;
    b->full = false;
}

mk_err mk_buf_add(mk_buf *b, mk_str s)
{
    if (b->full || s.len > b->max - b->len) {
        b->full = true;
        return MK_E_ROOM;
    }
    if (s.len > 0) {
        memcpy(b->ptr + b->len, s.ptr, s.len);
        b->len += s.len;
    }
    return MK_OK;
}

mk_err mk_buf_add_z(mk_buf *b, const char *z)
{
    return mk_buf_add(b, mk_str_z(z));
}

mk_err mk_buf_add_c(mk_buf *b, char c)
{
    return mk_buf_add(b, mk_str_of(&c, 1));
}

mk_err mk_buf_add_u64(mk_buf *b, uint64_t value)
{
    char digits[20]; /* UINT64_MAX has 20 */
    size_t at = sizeof digits;

    do {
        at--;
        digits[at] = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value > 0);
    return mk_buf_add(b, mk_str_of(digits + at, sizeof digits - at));
}

static mk_err add_escaped_octet(mk_buf *b, unsigned char c)
{
    char hex[4] = {'\\', 'x', 0, 0};

    if (c >= 0x20 && c <= 0x7E && c != '\\') {
        return mk_buf_add_c(b, (char)c);
    }
    hex[2] = mk_hex_digit((unsigned)c >> 4);
    hex[3] = mk_hex_digit(c);
    return mk_buf_add(b, mk_str_of(hex, sizeof hex));
}

mk_err mk_buf_add_escaped(mk_buf *b, mk_str s, size_t max)
{
    size_t n = s.len < max ? s.len : max;
    size_t i;

    for (i = 0; i < n; i++) {
        mk_err err = add_escaped_octet(b, mk_octet_at(s, i));

        if (err != MK_OK) {
            return err;
        }
    }
    return n < s.len ? mk_buf_add_z(b, "...") : MK_OK;
}

mk_str mk_buf_str(const mk_buf *b)
{
    return mk_str_of(b->ptr, b->len);
}

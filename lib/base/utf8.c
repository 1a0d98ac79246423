/* SPDX-License-Identifier: MIT
 *
 * utf8.c: see utf8.h. RFC 3629 4:
 *
 *    UTF8-2 = %xC2-DF UTF8-tail
 *    UTF8-3 = %xE0 %xA0-BF UTF8-tail / %xE1-EC 2( UTF8-tail ) /
 *             %xED %x80-9F UTF8-tail / %xEE-EF 2( UTF8-tail )
 *    UTF8-4 = %xF0 %x90-BF 2( UTF8-tail ) / %xF1-F3 3( UTF8-tail ) /
 *             %xF4 %x80-8F 2( UTF8-tail )
 */
#include "base/utf8.h"

#include "base/ascii.h"

static utf8_said begin(utf8_walk *w, unsigned char c)
{
    w->low = 0x80;
    w->top = 0xBF;
    if (c < 0xC2 || c > 0xF4) {
        w->bits = c;
        return c < 0x80 ? UTF8_WHOLE : UTF8_BAD;
    }
    if (c < 0xE0) {
        w->bits = c & 0x1FU;
        w->due = 1;
    } else if (c < 0xF0) {
        w->bits = c & 0x0FU;
        w->due = 2;
        w->low = c == 0xE0 ? 0xA0 : 0x80;
        w->top = c == 0xED ? 0x9F : 0xBF;
    } else {
        w->bits = c & 0x07U;
        w->due = 3;
        w->low = c == 0xF0 ? 0x90 : 0x80;
        w->top = c == 0xF4 ? 0x8F : 0xBF;
    }
    return UTF8_MORE;
}

utf8_said mk_utf8_step(utf8_walk *w, unsigned char c)
{
    if (w->due == 0) {
        return begin(w, c);
    }
    if (c < w->low || c > w->top) {
        w->due = 0;
        return UTF8_CUT;
    }
    w->bits = w->bits << 6 | (c & 0x3FU);
    w->low = 0x80;
    w->top = 0xBF;
    w->due--;
    return w->due == 0 ? UTF8_WHOLE : UTF8_MORE;
}

size_t mk_utf8_at(mk_str s, uint32_t *out_character)
{
    utf8_walk w = {0, 0, 0, 0};
    utf8_said said = UTF8_MORE;
    size_t n = 0;

    while (n < s.len && said == UTF8_MORE) {
        said = mk_utf8_step(&w, mk_octet_at(s, n));
        n++;
    }
    if (said != UTF8_WHOLE) {
        return 0;
    }
    *out_character = w.bits;
    return n;
}

bool mk_is_utf8(mk_str s)
{
    uint32_t character;
    size_t n = 1;

    while (s.len > 0 && n > 0) {
        n = mk_utf8_at(s, &character);
        s = mk_str_sub(s, n, SIZE_MAX);
    }
    return n > 0;
}

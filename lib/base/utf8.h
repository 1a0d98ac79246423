/* SPDX-License-Identifier: MIT
 *
 * utf8.h: UTF-8 (RFC 3629 4), octet by octet where it comes in pieces, and
 * character by character where all of it is there. Overlong forms, surrogates,
 * what is beyond U+10FFFF and sequences cut short are none (THREATS 25).
 */
#ifndef MK_BASE_UTF8_H
#define MK_BASE_UTF8_H

#include <mailkit/base.h>

typedef enum utf8_said {
    UTF8_MORE,  /* the character goes on */
    UTF8_WHOLE, /* it is complete, in bits */
    UTF8_BAD,   /* this octet begins nothing */
    UTF8_CUT    /* what came before is ill-formed; look at this octet again */
} utf8_said;

/* One octet behind what due, low, top and bits say of those before; all 0 at
 * the beginning. */
typedef struct utf8_walk {
    uint32_t bits;
    uint8_t due, low, top;
} utf8_walk;

utf8_said mk_utf8_step(utf8_walk *w, unsigned char c);

/* Octets of the character at the front, and what it is; 0: there is none. */
size_t mk_utf8_at(mk_str s, uint32_t *out_character);

/* Is it UTF-8 from the first octet to the last? */
bool mk_is_utf8(mk_str s);

#endif

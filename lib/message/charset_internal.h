/* SPDX-License-Identifier: MIT
 *
 * charset_internal.h: the generated tables of character sets and labels
 * (charset_tables.c), and the steps of UTF-8 (RFC 3629 4) that the decoder and
 * the look at wrong labels share.
 */
#ifndef MESSAGE_CHARSET_INTERNAL_H
#define MESSAGE_CHARSET_INTERNAL_H

#include <mailkit/charset.h>

typedef enum charset_kind {
    CHARSET_NONE,
    CHARSET_ASCII,
    CHARSET_UTF_8,
    CHARSET_UTF_16,
    CHARSET_UTF_7,
    CHARSET_TABLE,
    CHARSET_HOOK
} charset_kind;

typedef struct charset_row {
    mk_str name;
    uint8_t kind;
    uint8_t upper; /* CHARSET_TABLE: the row of mk_charset_upper */
} charset_row;

typedef struct charset_label {
    mk_str text; /* folded: see mk_charset_parse */
    uint8_t charset;
} charset_label;

extern const uint16_t mk_charset_upper[][128];
extern const charset_row mk_charset_rows[MK_CHARSET_COUNT];
extern const charset_label mk_charset_labels[];
extern const size_t mk_charset_label_count;

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

/* How many octets at the front are US-ASCII. */
size_t mk_ascii_run(const char *ptr, size_t n);

#endif

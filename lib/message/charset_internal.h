/* SPDX-License-Identifier: MIT
 *
 * charset_internal.h: the generated tables of character sets and labels
 * (charset_tables.c), and what the decoder and the look at wrong labels share:
 * the steps of UTF-8 (base/utf8.h) and runs of US-ASCII.
 */
#ifndef MESSAGE_CHARSET_INTERNAL_H
#define MESSAGE_CHARSET_INTERNAL_H

#include <mailkit/charset.h>

#include "base/utf8.h"

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

/* How many octets at the front are US-ASCII. */
size_t mk_ascii_run(const char *ptr, size_t n);

#endif

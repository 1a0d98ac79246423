/* SPDX-License-Identifier: MIT
 *
 * text.h: a growing octet string for tests, NUL-ended for printing. It aborts
 * when memory is out: a test that cannot remember what it saw proves nothing.
 * The library has no such thing (its buffers have a maximum); tests may.
 */
#ifndef SUPPORT_TEXT_H
#define SUPPORT_TEXT_H

#include <mailkit/base.h>

typedef struct text {
    char *ptr;
    size_t len;
    size_t room;
} text;

void text_add(text *t, const void *octets, size_t n);
void text_z(text *t, const char *z);
void text_str(text *t, mk_str s);
void text_u64(text *t, uint64_t value);
/* "..." with C escapes: \r \n \t \" \\ \xHH */
void text_quoted(text *t, mk_str s);
/* drop n octets from the front */
void text_drop(text *t, size_t n);
void text_clear(text *t);
void text_free(text *t);
const char *text_c(const text *t);
mk_str text_view(const text *t);
bool text_same(const text *a, const text *b);

/* Parse a sequence of "..." with optional xN repeats behind each; blanks
 * between. Appends the octets. Returns NULL, or what is wrong; *io_z is
 * advanced to the first thing that is not part of the sequence. */
const char *text_unquote(text *t, const char **io_z);

#endif

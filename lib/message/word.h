/* SPDX-License-Identifier: MIT
 *
 * message/word.h: text of header fields on its way to UTF-8: encoded words
 * (RFC 2047), quoted strings and raw octets, piece by piece, so that phrases,
 * comments and parameters share what unstructured text does.
 */
#ifndef MESSAGE_WORD_H
#define MESSAGE_WORD_H

#include <mailkit/header.h>

enum {
    WORDS_QUOTED = 1,   /* "\" takes the next octet as it is */
    WORDS_COLLAPSE = 2, /* white space between words is one space */
    WORDS_COMMENT = 4   /* "(" and ")" delimit words as white space does */
};

typedef struct words {
    mk_buf *out;
    const mk_charset_table *table;
    mk_defects *defects;
    const char *base; /* defects are told from here */
    mk_str gap;       /* white space not yet written */
    uint32_t told;    /* codes of the group that were told already */
    bool collapse;    /* the gap's */
    bool was_word;    /* an encoded word stands before the gap */
    bool some;        /* something was written */
    bool c2;          /* an octet C2 waits for the next */
} words;

/* Begin; text.ptr is where defects are counted from. */
void mk_words_begin(words *w, mk_str text, const mk_charset_table *table,
                    mk_buf *out, mk_defects *defects);

/* Decode a piece of the text behind what was decoded before. White space at
 * its ends is kept back until it is known what stands behind. */
void mk_words_add(words *w, mk_str piece, unsigned mode);

/* What stands next is separated by white space. */
void mk_words_space(words *w);

/* Octets through a decoder, and its end when `last`; as mk_words_put. */
bool mk_words_octets(words *w, mk_charset_decoder *d, mk_str in, bool last);

/* White space that was kept back is not written. */
mk_err mk_words_end(words *w);

/* Append UTF-8 that is no encoded word: controls become U+FFFD; false when
 * there were some. */
bool mk_words_put(words *w, mk_str utf8);

/* Tell of a code of the group WORD once in a text. */
void mk_words_tell(words *w, mk_defect_code code, const char *at, size_t n);

/* Does "=?", which may begin an encoded word, stand somewhere in the text? */
bool mk_words_has_mark(mk_str text);

/* Does an encoded word stand somewhere in the text? */
bool mk_words_has(mk_str text);

#endif

/* SPDX-License-Identifier: MIT
 *
 * message/word_encode.c: UTF-8 to header text (RFC 2047 2, 4, 5): plain words
 * stay, others become encoded words of whole characters, lines are folded at 76
 * columns (RFC 5322 2.2.3). Text with CR, LF or NUL is refused, and every
 * octet that is not printable is encoded, so that nothing that is set here can
 * begin a field of its own (THREATS 57).
 */
#include "message/charset_internal.h"
#include "message/word.h"

#include "base/ascii.h"

#include <mailkit/codec.h>
#include <string.h>

/* A gap that is longer is encoded with the words around it: behind a longer one
 * no word fits on its line. */
enum {
    LINE = 76,
    WORD_TEXT = 63,
    WORD_FRAME = 12,
    GAP_MAX = 32,
    PLAIN_MAX = 900
};

typedef struct writer {
    mk_buf *out;
    size_t column;
} writer;

static void put(writer *w, mk_str s)
{
    (void)mk_buf_add(w->out, s);
    w->column += s.len;
}

static void put_z(writer *w, const char *z)
{
    put(w, mk_str_z(z));
}

static void fold(writer *w)
{
    (void)mk_buf_add_z(w->out, "\r\n");
    w->column = 0;
}

/* A gap of white space and n octets behind it, folded before the gap if need
 * be. */
static void put_gap(writer *w, mk_str gap, size_t n)
{
    if (gap.len > 0 && w->column + gap.len + n > LINE && w->column > 0) {
        fold(w);
    }
    put(w, gap);
}

/* The first word of a value, which has no gap before it: n octets. */
static void begin(writer *w, size_t n)
{
    if (w->column > 1 && w->column + n > LINE) {
        fold(w);
        put_z(w, " ");
    }
}

/* ---- encoded words ---- */

/* 5 (3): what stands for itself wherever an encoded word may stand. */
static bool is_q_plain(unsigned char c)
{
    return mk_is_alnum(c) || c == '!' || c == '*' || c == '+' || c == '-' ||
           c == '/';
}

static size_t q_cost(unsigned char c)
{
    return is_q_plain(c) || c == ' ' ? 1 : 3;
}

static bool is_q_shorter(mk_str s)
{
    size_t q = 0;
    for (size_t i = 0; i < s.len; i++) {
        q += q_cost(mk_octet_at(s, i));
    }
    return q <= (s.len + 2) / 3 * 4;
}

/* Octets of whole characters that fit in so many columns, one at least. */
static size_t fitting(mk_str s, bool q, size_t columns)
{
    size_t taken = 0;
    size_t cost = 0;
    while (taken < s.len) {
        size_t n = 1;
        size_t more = q_cost(mk_octet_at(s, taken));
        while (taken + n < s.len &&
               (mk_octet_at(s, taken + n) & 0xC0) == 0x80) {
            more += 3;
            n++;
        }
        cost = q ? cost + more : (taken + n + 2) / 3 * 4;
        if (cost > columns && taken > 0) {
            break;
        }
        taken += n;
    }
    return taken;
}

static void put_q(writer *w, mk_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = mk_octet_at(s, i);
        char hex[3] = {'=', mk_hex_digit(c >> 4), mk_hex_digit(c & 15U)};
        if (c == ' ') {
            put_z(w, "_");
        } else {
            put(w, is_q_plain(c) ? mk_str_sub(s, i, 1) : mk_str_of(hex, 3));
        }
    }
}

static void put_encoded(writer *w, mk_str gap, mk_str s)
{
    bool q = is_q_shorter(s);
    bool first = true;
    size_t least = fitting(s, q, 1);
    size_t most = WORD_FRAME + (q ? 3 * least : (least + 2) / 3 * 4);
    if (gap.len == 0) {
        begin(w, most);
    }
    put_gap(w, gap, most);
    while (s.len > 0) {
        if (!first) {
            fold(w);
            put_z(w, " ");
        }
        first = false;
        size_t room =
            w->column + WORD_FRAME < LINE ? LINE - w->column - WORD_FRAME : 0;
        size_t n = fitting(s, q, room < WORD_TEXT ? room : WORD_TEXT);
        mk_str part = mk_str_sub(s, 0, n);
        put_z(w, q ? "=?UTF-8?Q?" : "=?UTF-8?B?");
        if (q) {
            put_q(w, part);
        } else {
            (void)mk_base64_format(part, w->out);
            w->column += (n + 2) / 3 * 4;
        }
        put_z(w, "?=");
        s = mk_str_sub(s, n, SIZE_MAX);
    }
}

/* ---- text ---- */

static size_t gap_length(mk_str s, size_t at)
{
    size_t n = 0;
    while (at + n < s.len && mk_is_wsp(mk_octet_at(s, at + n))) {
        n++;
    }
    return n;
}

static size_t gap_before(mk_str s, size_t at)
{
    size_t n = 0;
    while (n < at && mk_is_wsp(mk_octet_at(s, at - n - 1))) {
        n++;
    }
    return n;
}

static size_t word_length(mk_str s, size_t at)
{
    size_t n = 0;
    while (at + n < s.len && !mk_is_wsp(mk_octet_at(s, at + n))) {
        n++;
    }
    return n;
}

static bool has_mark(mk_str s)
{
    for (size_t i = 0; i + 1 < s.len; i++) {
        if (s.ptr[i] == '=' && s.ptr[i + 1] == '?') {
            return true;
        }
    }
    return false;
}

static bool is_ascii(mk_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (mk_octet_at(s, i) >= 0x80) {
            return false;
        }
    }
    return true;
}

static bool needs_encoding(mk_str s)
{
    return !is_ascii(s) || has_mark(s) || s.len > PLAIN_MAX;
}

/* Must the word at `at` be encoded, for its own sake or for that of white space
 * that ends the text or is long? */
static bool must_encode(mk_str s, size_t at)
{
    size_t n = word_length(s, at);
    size_t gap = gap_length(s, at + n);
    return needs_encoding(mk_str_sub(s, at, n)) || gap > GAP_MAX ||
           gap_before(s, at) > GAP_MAX || (gap > 0 && at + n + gap == s.len);
}

/* The end of a row of words that all need encoding, the gaps within it, and
 * white space that ends the text. */
static size_t row_end(mk_str s, size_t at)
{
    size_t end = at + word_length(s, at);
    for (;;) {
        size_t next = end + gap_length(s, end);
        if (next == s.len) {
            return next;
        }
        if (!must_encode(s, next)) {
            return end;
        }
        end = next + word_length(s, next);
    }
}

static void put_text(writer *w, mk_str s)
{
    size_t at = 0;
    while (at < s.len) {
        size_t gap = gap_length(s, at);
        size_t n = word_length(s, at + gap);
        mk_str before = mk_str_sub(s, at, gap);
        bool leads = at == 0 && gap > 0;
        if (!leads && !must_encode(s, at + gap)) {
            if (gap == 0) {
                begin(w, n);
            }
            put_gap(w, before, n);
            put(w, mk_str_sub(s, at + gap, n));
            at += gap + n;
            continue;
        }
        size_t end = row_end(s, at + gap);
        size_t start = leads ? at : at + gap;
        put_encoded(w, leads ? mk_str_of(NULL, 0) : before,
                    mk_str_sub(s, start, end - start));
        at = end;
    }
}

/* ---- phrases ---- */

/* phrase = 1*word, of atoms with one space between them. */
static bool is_atoms(mk_str s)
{
    bool atom = false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = mk_octet_at(s, i);
        if (c == ' ' ? !atom : !mk_is_atext(c)) {
            return false;
        }
        atom = c != ' ';
    }
    return atom;
}

static bool is_escaped(char c)
{
    return c == '"' || c == '\\';
}

/* Octets of the content of a quoted string. */
static size_t quoted_length(mk_str s)
{
    size_t n = s.len;
    for (size_t i = 0; i < s.len; i++) {
        n += is_escaped(s.ptr[i]) ? 1U : 0U;
    }
    return n;
}

static void put_quoted(writer *w, mk_str s)
{
    size_t first = gap_length(s, 0);
    first += quoted_length(mk_str_sub(s, first, word_length(s, first)));
    begin(w, first + 2);
    put_z(w, "\"");
    for (size_t at = 0; at < s.len;) {
        size_t gap = gap_length(s, at);
        mk_str word = mk_str_sub(s, at + gap, word_length(s, at + gap));
        size_t n = at > 0 ? quoted_length(word) + 1 : 0;
        put_gap(w, mk_str_sub(s, at, gap), n);
        for (size_t i = 0; i < word.len; i++) {
            if (is_escaped(word.ptr[i])) {
                put_z(w, "\\");
            }
            put(w, mk_str_sub(word, i, 1));
        }
        at += gap + word.len;
    }
    put_z(w, "\"");
}

static bool has_long_gap(mk_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len && n <= GAP_MAX; i++) {
        n = mk_is_wsp(mk_octet_at(s, i)) ? n + 1 : 0;
    }
    return n > GAP_MAX;
}

static void put_phrase(writer *w, mk_str s)
{
    if (needs_encoding(s) || quoted_length(s) > PLAIN_MAX || has_long_gap(s)) {
        put_encoded(w, mk_str_of(NULL, 0), s);
    } else if (is_atoms(s)) {
        put_text(w, s);
    } else {
        put_quoted(w, s);
    }
}

static mk_err check(mk_str s)
{
    utf8_walk walk = {0};
    if (mk_str_has_ctl(s)) {
        return MK_E_CTL;
    }
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = mk_octet_at(s, i);
        utf8_said said = mk_utf8_step(&walk, c);
        bool c1 = said == UTF8_WHOLE && walk.bits >= 0x80 && walk.bits < 0xA0;
        if ((mk_is_ctl(c) && c != '\t') || c1 || said == UTF8_BAD ||
            said == UTF8_CUT) {
            return MK_E_SYNTAX;
        }
    }
    return walk.due == 0 ? MK_OK : MK_E_SYNTAX;
}

mk_err mk_words_encode(mk_str utf8, size_t column, mk_words_place place,
                       mk_buf *out)
{
    writer w = {out, column < LINE ? column : LINE};
    size_t start = out->len;
    mk_err err = check(utf8);
    if (err != MK_OK) {
        return err;
    }
    if (place == MK_WORDS_TEXT) {
        put_text(&w, utf8);
    } else if (place == MK_WORDS_PHRASE) {
        if (utf8.len > 0) {
            put_phrase(&w, utf8);
        }
    } else {
        return MK_E_ARG;
    }
    if (out->full) {
        out->len = start;
        return MK_E_ROOM;
    }
    return MK_OK;
}

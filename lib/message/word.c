/* SPDX-License-Identifier: MIT
 *
 * message/word.c: encoded words to UTF-8 (RFC 2047 2, 4, 6.2; RFC 2231 5).
 * Words in a row whose label is the same are one text, so that a character
 * split between them is whole again. A candidate ends where another begins,
 * which keeps hostile text linear (THREATS 59). Controls never come out: they
 * become U+FFFD, whether encoded or not (THREATS 58). What cannot be decoded
 * is shown as it stands.
 */
#include "message/word.h"

#include "base/ascii.h"
#include "base/octets.h"

#include <mailkit/codec.h>
#include <string.h>

enum { LABEL_MAX = 80, WORD_MAX = 75, CHUNK = 192 };

/* encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text
 * "?=" */
typedef struct word {
    mk_str whole;
    mk_str label; /* without the language */
    mk_str text;
    bool base64;
} word;

static size_t skip_space(mk_str s, size_t at)
{
    while (at < s.len && mk_is_space(mk_octet_at(s, at))) {
        at++;
    }
    return at;
}

/* The label up to its "?", without the language; 0 when it is none. */
static size_t read_label(mk_str s, size_t at, word *out)
{
    size_t end = at;
    while (end < s.len && end - at < LABEL_MAX && s.ptr[end] != '?' &&
           mk_is_vchar(mk_octet_at(s, end))) {
        end++;
    }
    if (end == at || end == s.len || s.ptr[end] != '?') {
        return 0;
    }
    mk_str label = mk_str_sub(s, at, end - at);
    out->label = mk_str_sub(label, 0, mk_str_find(label, '*'));
    return end;
}

/* The end of encoded-text: "?=". "=?" begins another word, unless it is the
 * "=" of a broken "=?=". */
static size_t find_end(mk_str s, size_t at)
{
    for (; at + 1 < s.len; at++) {
        char c = s.ptr[at];
        char next = s.ptr[at + 1];
        if (c == '?' && next == '=') {
            return at;
        }
        if (c == '=' && next == '?' &&
            (at + 2 == s.len || s.ptr[at + 2] != '=')) {
            return 0;
        }
    }
    return 0;
}

static bool read_word(mk_str s, size_t at, word *out)
{
    if (s.len - at < 2 || s.ptr[at] != '=' || s.ptr[at + 1] != '?') {
        return false;
    }
    size_t mark = read_label(s, at + 2, out);
    if (mark == 0 || s.len - mark < 3 || s.ptr[mark + 2] != '?') {
        return false;
    }
    unsigned char encoding = mk_lower(mk_octet_at(s, mark + 1));
    size_t end = find_end(s, mark + 3);
    if ((encoding != 'b' && encoding != 'q') || end == 0) {
        return false;
    }
    out->base64 = encoding == 'b';
    out->text = mk_str_sub(s, mark + 3, end - (mark + 3));
    out->whole = mk_str_sub(s, at, end + 2 - at);
    return true;
}

void mk_words_tell(words *w, mk_defect_code code, const char *at, size_t n)
{
    uint32_t bit = UINT32_C(1) << (unsigned)code % 32;
    if ((w->told & bit) == 0) {
        w->told |= bit;
        mk_defects_add(w->defects, code, (uint64_t)(at - w->base), n);
    }
}

/* ---- octets of a word ---- */

typedef struct octets {
    mk_base64_decoder base64;
    mk_str rest;
    size_t spaces; /* of rest that are known to hold no fold */
    bool is_base64;
    bool junk;
} octets;

static void octets_begin(octets *o, const word *from)
{
    *o = (octets){.rest = from->text, .is_base64 = from->base64};
    mk_base64_decoder_init(&o->base64, MK_BASE64_MIME);
}

/* White space, which should not be there: a fold is nothing, other octets are
 * a space each. A row of them is looked through once. */
static size_t take_q_space(octets *o, mk_buf *b)
{
    if (o->spaces == 0) {
        size_t n = skip_space(o->rest, 0);
        if (mk_str_find(mk_str_sub(o->rest, 0, n), '\n') < n) {
            return n;
        }
        o->spaces = n;
    }
    o->spaces--;
    (void)mk_buf_add_c(b, ' ');
    return 1;
}

/* Q of RFC 2047 4.2, which has no lines: "_" is a space. */
static void take_q(octets *o, mk_buf *b)
{
    mk_str s = o->rest;
    unsigned char c = mk_octet_at(s, 0);
    int high = s.len > 2 ? mk_hex_value(mk_octet_at(s, 1)) : -1;
    int low = s.len > 2 ? mk_hex_value(mk_octet_at(s, 2)) : -1;
    size_t n = 1;
    if (c == '=' && high >= 0 && low >= 0) {
        (void)mk_buf_add_c(b, (char)(high * 16 + low));
        n = 3;
    } else if (mk_is_space(c)) {
        n = take_q_space(o, b);
    } else {
        o->junk |= c == '=';
        (void)mk_buf_add_c(b, c == '_' ? ' ' : (char)c);
    }
    o->rest = mk_str_sub(s, n, SIZE_MAX);
}

/* Some octets more; false at the end. */
static bool octets_next(octets *o, mk_buf *b, char mem[CHUNK])
{
    mk_buf_init(b, mem, CHUNK);
    if (o->is_base64) {
        (void)mk_base64_decode(&o->base64, &o->rest, b);
        if (b->len == 0) {
            (void)mk_base64_decode_finish(&o->base64);
            o->junk = o->base64.defects > 0;
        }
    } else {
        while (o->rest.len > 0 && b->len < b->max) {
            take_q(o, b);
        }
    }
    return b->len > 0;
}

/* ---- what comes out ---- */

static const char replacement[] = "\xEF\xBF\xBD";

static bool is_inside(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* Take back a character whose end does not fit. */
static void take_back(mk_buf *out)
{
    while (out->len > 0 && is_inside(out->ptr[out->len - 1])) {
        out->len--;
    }
    out->len -= out->len > 0 ? 1U : 0U;
}

/* As many whole characters as fit; ptr may begin within one. */
static void append(words *w, const char *ptr, size_t n)
{
    size_t room = w->out->max - w->out->len;
    if (w->out->full) {
        return;
    }
    w->some |= n > 0;
    if (n <= room) {
        (void)mk_buf_add(w->out, mk_str_of(ptr, n));
        return;
    }
    while (room > 0 && is_inside(ptr[room])) {
        room--;
    }
    (void)mk_buf_add(w->out, mk_str_of(ptr, room));
    if (room == 0 && is_inside(ptr[0])) {
        take_back(w->out);
    }
    w->out->full = true;
}

static bool is_control(unsigned char c)
{
    return (c < 0x20 && c != '\t') || c == 0x7F;
}

/* UTF-8, cut anywhere; C0, DEL and C1 (U+0080 to U+009F) are replaced. */
static bool put(words *w, const char *ptr, size_t n)
{
    bool clean = true;
    size_t start = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)ptr[i];
        bool c1 = w->c2 && c < 0xA0;
        if (w->c2 && !c1) {
            append(w, (const char[]){(char)0xC2, (char)c}, 2);
            start = i + 1;
        } else if (c1 || is_control(c) || c == 0xC2) {
            append(w, ptr + start, i - start);
            start = i + 1;
            if (c != 0xC2) {
                append(w, replacement, 3);
                clean = false;
            }
        }
        w->c2 = !w->c2 && c == 0xC2;
    }
    append(w, ptr + start, n - start);
    return clean;
}

bool mk_words_put(words *w, mk_str utf8)
{
    return put(w, utf8.ptr, utf8.len);
}

bool mk_words_octets(words *w, mk_charset_decoder *d, mk_str in, bool last)
{
    char mem[CHUNK];
    bool clean = true;
    mk_err err;
    do {
        mk_buf b;
        mk_buf_init(&b, mem, sizeof mem);
        err = last ? mk_charset_decode_finish(d, &b)
                   : mk_charset_decode(d, &in, &b);
        clean &= put(w, b.ptr, b.len);
    } while (err == MK_E_ROOM);
    return clean;
}

static void put_part(words *w, mk_charset_decoder *d, mk_str part)
{
    if (d == NULL) {
        (void)mk_words_put(w, part);
    } else {
        (void)mk_words_octets(w, d, part, false);
    }
}

/* Is a CR or LF no part of a fold? */
static bool is_bare(mk_str s, size_t at)
{
    bool is_cr = s.ptr[at] == '\r';
    return at + 1 == s.len ||
           (is_cr ? s.ptr[at + 1] != '\n' : !mk_is_wsp(mk_octet_at(s, at + 1)));
}

/* Line ends vanish, bare ones are a space; "\" vanishes where it quotes. */
static void put_plain_octets(words *w, mk_charset_decoder *d, mk_str s,
                             unsigned mode)
{
    size_t start = 0;
    for (size_t at = 0; at < s.len; at++) {
        unsigned char c = mk_octet_at(s, at);
        bool quote = c == '\\' && (mode & WORDS_QUOTED) != 0;
        if (c != '\r' && c != '\n' && !quote) {
            continue;
        }
        put_part(w, d, mk_str_sub(s, start, at - start));
        start = at + 1;
        if (quote) {
            at++; /* the next stands for itself, whatever it is */
        } else if (is_bare(s, at)) {
            put_part(w, d, mk_str_of(" ", 1));
        }
    }
    put_part(w, d, mk_str_sub(s, start, SIZE_MAX));
}

static bool is_ascii(mk_str s)
{
    unsigned char all = 0;
    for (size_t i = 0; i < s.len; i++) {
        all |= mk_octet_at(s, i);
    }
    return all < 0x80;
}

/* US-ASCII that stands for itself in every mode: no control, no "\". */
static bool is_simple(mk_str s)
{
    size_t at = 0;
    for (; s.len - at >= 8; at += 8) {
        uint64_t w;
        memcpy(&w, s.ptr + at, 8);
        if (mk_octets_odd(w, '\\') != 0) {
            break;
        }
    }
    while (at < s.len &&
           (mk_is_vchar(mk_octet_at(s, at)) || s.ptr[at] == ' ') &&
           s.ptr[at] != '\\') {
        at++;
    }
    return at == s.len;
}

/* Octets that are no encoded word: UTF-8, or else windows-1252. */
static void put_raw(words *w, mk_str s, unsigned mode)
{
    if (is_simple(s)) {
        append(w, s.ptr, s.len);
        return;
    }
    if (is_ascii(s)) {
        put_plain_octets(w, NULL, s, mode);
        return;
    }
    mk_charset_look look;
    mk_charset_decoder d;
    mk_charset_look_init(&look);
    mk_charset_look_at(&look, s);
    mk_charset is = mk_charset_look_choose(&look, MK_CHARSET_NONE);
    if (is != MK_CHARSET_UTF_8) {
        mk_words_tell(w, MK_DEFECT_WORD_8BIT, s.ptr, s.len);
    }
    (void)mk_charset_decoder_init(&d, is, w->table);
    put_plain_octets(w, &d, s, mode);
    (void)mk_words_octets(w, &d, mk_str_of(NULL, 0), true);
    mk_charset_decoder_fini(&d);
}

static void put_gap(words *w)
{
    if (w->gap.len > 0 && w->some) {
        if (w->collapse) {
            append(w, " ", 1);
        } else {
            char mem[CHUNK];
            for (size_t at = 0; at < w->gap.len;) {
                mk_buf b;
                mk_buf_init(&b, mem, sizeof mem);
                for (; at < w->gap.len && b.len < b.max; at++) {
                    if (mk_is_wsp(mk_octet_at(w->gap, at))) {
                        (void)mk_buf_add_c(&b, w->gap.ptr[at]);
                    } else if (is_bare(w->gap, at)) {
                        (void)mk_buf_add_c(&b, ' ');
                    }
                }
                append(w, b.ptr, b.len);
            }
        }
    }
    w->gap.len = 0;
}

/* ---- words ---- */

/* The word behind `at` and white space, when its label is the same. */
static bool next_alike(mk_str s, size_t at, const word *first, word *out)
{
    at = skip_space(s, at);
    return at < s.len && read_word(s, at, out) &&
           mk_str_is_nocase(first->label, out->label);
}

/* Does an octet beside a word part it from what stands there (5)? */
static bool is_delimiter(unsigned char c, unsigned mode)
{
    return mk_is_space(c) ||
           ((mode & WORDS_COMMENT) != 0 && (c == '(' || c == ')'));
}

static bool has_space(mk_str s)
{
    size_t at = 0;
    while (at < s.len && !mk_is_space(mk_octet_at(s, at))) {
        at++;
    }
    return at < s.len;
}

static void tell_of_word(words *w, mk_str s, const word *one, unsigned mode)
{
    const char *ptr = one->whole.ptr;
    size_t at = (size_t)(ptr - s.ptr);
    size_t end = at + one->whole.len;
    if ((at > 0 && !is_delimiter(mk_octet_at(s, at - 1), mode)) ||
        (end < s.len && !is_delimiter(mk_octet_at(s, end), mode))) {
        mk_words_tell(w, MK_DEFECT_WORD_JOINED, ptr, one->whole.len);
    }
    if (one->whole.len > WORD_MAX) {
        mk_words_tell(w, MK_DEFECT_WORD_LONG, ptr, one->whole.len);
    }
    if ((mode & (WORDS_QUOTED | WORDS_COMMENT)) == WORDS_QUOTED) {
        mk_words_tell(w, MK_DEFECT_WORD_QUOTED, ptr, one->whole.len);
    }
    if (has_space(one->text)) {
        mk_words_tell(w, MK_DEFECT_WORD_SPACE, ptr, one->whole.len);
    }
}

static size_t offset_behind(mk_str s, mk_str whole)
{
    return (size_t)(whole.ptr - s.ptr) + whole.len;
}

/* Look at all words of a row; its end. */
static size_t look_at_row(words *w, mk_str s, word first, unsigned mode,
                          mk_charset_look *look)
{
    char mem[CHUNK];
    word one = first;
    size_t end;
    mk_charset_look_init(look);
    do {
        octets o;
        mk_buf b;
        tell_of_word(w, s, &one, mode);
        octets_begin(&o, &one);
        for (bool begin = true; octets_next(&o, &b, mem); begin = false) {
            bool cut = is_inside(mem[0]);
            if (begin && look->due > 0 && cut) {
                mk_words_tell(w, MK_DEFECT_WORD_SPLIT, one.whole.ptr, 0);
            }
            mk_charset_look_at(look, mk_buf_str(&b));
        }
        if (o.junk) {
            mk_words_tell(w, MK_DEFECT_WORD_ENCODING, one.whole.ptr,
                          one.whole.len);
        }
        end = offset_behind(s, one.whole);
    } while (next_alike(s, end, &first, &one));
    return end;
}

static bool decode_row(words *w, mk_str s, word first, mk_charset_decoder *d)
{
    char mem[CHUNK];
    word one = first;
    bool clean = true;
    do {
        octets o;
        mk_buf b;
        octets_begin(&o, &one);
        while (octets_next(&o, &b, mem)) {
            clean &= mk_words_octets(w, d, mk_buf_str(&b), false);
        }
    } while (next_alike(s, offset_behind(s, one.whole), &first, &one));
    return mk_words_octets(w, d, mk_str_of(NULL, 0), true) && clean;
}

/* A row of words alike; where it ends in s. */
static size_t put_row(words *w, mk_str s, word first, unsigned mode)
{
    mk_charset_look look;
    mk_charset_decoder d;
    mk_charset said = mk_charset_parse(first.label);
    size_t end = look_at_row(w, s, first, mode, &look);
    mk_charset is = mk_charset_look_choose(&look, said);
    mk_err err = mk_charset_decoder_init(&d, is, w->table);
    if (said == MK_CHARSET_NONE || err != MK_OK) {
        mk_words_tell(w, MK_DEFECT_WORD_CHARSET, first.label.ptr,
                      first.label.len);
    }
    if (err != MK_OK) {
        size_t at = (size_t)(first.whole.ptr - s.ptr);
        put_raw(w, mk_str_sub(s, at, end - at), 0);
    } else if (!decode_row(w, s, first, &d)) {
        mk_words_tell(w, MK_DEFECT_WORD_CONTROL, first.whole.ptr,
                      first.whole.len);
    }
    if (d.defects > 0 || (is != said && said != MK_CHARSET_NONE)) {
        mk_words_tell(w, MK_DEFECT_WORD_MALFORMED, first.whole.ptr,
                      first.whole.len);
    }
    w->was_word = err == MK_OK;
    mk_charset_decoder_fini(&d);
    return end;
}

/* ---- text between words ---- */

static void put_plain(words *w, mk_str s, unsigned mode)
{
    if (s.len > 0) {
        put_gap(w);
        w->was_word = false;
        put_raw(w, s, mode);
    }
}

/* Text with white space at its ends, and words within when collapsing. */
static void put_text(words *w, mk_str s, unsigned mode)
{
    size_t at = 0;
    while (at < s.len) {
        size_t text = skip_space(s, at);
        if (text > at) {
            w->gap = mk_str_sub(s, at, text - at);
            w->collapse = (mode & WORDS_COLLAPSE) != 0;
        }
        size_t end = text;
        while (end < s.len && !mk_is_space(mk_octet_at(s, end))) {
            end++;
        }
        if ((mode & WORDS_COLLAPSE) == 0) {
            /* The gaps within go out with the text. */
            end = s.len;
            while (end > text && mk_is_space(mk_octet_at(s, end - 1))) {
                end--;
            }
        }
        put_plain(w, mk_str_sub(s, text, end - text), mode);
        at = end;
    }
}

/* Where the next "=?" stands, from `at` on. */
static size_t find_mark(mk_str s, size_t at)
{
    while (at < s.len) {
        const char *found = memchr(s.ptr + at, '=', s.len - at);
        if (found == NULL) {
            break;
        }
        at = (size_t)(found - s.ptr);
        if (at + 1 < s.len && s.ptr[at + 1] == '?') {
            return at;
        }
        at++;
    }
    return s.len;
}

bool mk_words_has_mark(mk_str text)
{
    return find_mark(text, 0) < text.len;
}

bool mk_words_has(mk_str text)
{
    word unused;
    for (size_t at = find_mark(text, 0); at < text.len;
         at = find_mark(text, at + 2)) {
        if (read_word(text, at, &unused)) {
            return true;
        }
    }
    return false;
}

static void add(words *w, mk_str piece, unsigned mode)
{
    size_t start = 0;
    size_t at = find_mark(piece, 0);
    while (at < piece.len) {
        word one;
        if (!read_word(piece, at, &one)) {
            mk_words_tell(w, MK_DEFECT_WORD_INVALID, piece.ptr + at, 2);
            at = find_mark(piece, at + 2);
            continue;
        }
        put_text(w, mk_str_sub(piece, start, at - start), mode);
        if (w->was_word) {
            w->gap.len = 0; /* 6.2: white space between words is nothing */
        }
        put_gap(w);
        start = put_row(w, piece, one, mode);
        at = find_mark(piece, start);
    }
    put_text(w, mk_str_sub(piece, start, SIZE_MAX), mode);
}

void mk_words_add(words *w, mk_str piece, unsigned mode)
{
    if ((mode & WORDS_QUOTED) == 0) {
        add(w, piece, mode);
        return;
    }
    /* Between quotes white space at the ends is text. */
    size_t start = skip_space(piece, 0);
    size_t end = piece.len;
    while (end > start && mk_is_space(mk_octet_at(piece, end - 1))) {
        end--;
    }
    put_plain(w, mk_str_sub(piece, 0, start), mode);
    add(w, mk_str_sub(piece, start, end - start), mode);
    put_plain(w, mk_str_sub(piece, end, SIZE_MAX), mode);
}

void mk_words_begin(words *w, mk_str text, const mk_charset_table *table,
                    mk_buf *out, mk_defects *defects)
{
    *w = (words){.out = out,
                 .table = table,
                 .defects = defects,
                 .base = text.ptr,
                 .gap = mk_str_of(" ", 0)};
}

void mk_words_space(words *w)
{
    if (w->gap.len == 0) {
        w->gap = mk_str_of(" ", 1);
        w->collapse = true;
    }
}

mk_err mk_words_end(words *w)
{
    w->gap.len = 0;
    return w->out->full ? MK_E_ROOM : MK_OK;
}

mk_err mk_words_decode(mk_str value, const mk_charset_table *table, mk_buf *out,
                       mk_defects *defects)
{
    words w;
    mk_words_begin(&w, value, table, out, defects);
    mk_words_add(&w, mk_field_trim(value), 0);
    return mk_words_end(&w);
}

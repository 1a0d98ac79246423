/* SPDX-License-Identifier: MIT
 *
 * message/param_decode.c: the value of a parameter in UTF-8: continuations (RFC
 * 2231 3), character sets and languages (4), percent signs (RFC 5987 3.2.1).
 * Which of several forms counts is fixed, and that there were several is told
 * (THREATS 56, 63). What comes out holds no control (THREATS 58).
 */
#include "base/ascii.h"
#include "message/word.h"

#include <string.h>

enum { CHUNK = 192 };

typedef struct chosen {
    const mk_params *params;
    mk_str name;
    bool sections;
    bool extended;  /* a piece is: the first has a character set */
    mk_str charset; /* what it says */
    mk_str language;
    size_t prefix; /* octets of the first piece before its text */
} chosen;

/* The piece of this section, the first of those alike; "*" goes before. */
static const mk_param *find(const mk_params *params, mk_str name,
                            uint32_t section)
{
    const mk_param *found = NULL;
    for (uint32_t i = 0; i < params->count; i++) {
        const mk_param *one = &params->items[i];
        if (one->section == section && mk_str_is_nocase(one->name, name) &&
            (found == NULL || ((one->flags & MK_PARAM_EXTENDED) != 0 &&
                               (found->flags & MK_PARAM_EXTENDED) == 0 &&
                               section == MK_PARAM_WHOLE))) {
            found = one;
        }
    }
    return found;
}

/* The least section from `least` on, or MK_PARAM_WHOLE. */
static uint32_t next_section(const mk_params *params, mk_str name,
                             uint32_t least)
{
    uint32_t next = MK_PARAM_WHOLE;
    for (uint32_t i = 0; i < params->count; i++) {
        const mk_param *one = &params->items[i];
        if (one->section >= least && one->section < next &&
            mk_str_is_nocase(one->name, name)) {
            next = one->section;
        }
    }
    return next;
}

/* [charset] "'" [language] "'" before the text of an extended value. */
static void read_prefix(chosen *c, const mk_param *first)
{
    mk_str s = first->value;
    size_t mark = mk_str_find(s, '\'');
    mk_str rest = mk_str_sub(s, mark + 1, SIZE_MAX);
    size_t second = mk_str_find(rest, '\'');
    c->extended = (first->flags & MK_PARAM_EXTENDED) != 0;
    if (c->extended && second < rest.len) {
        c->charset = mk_str_sub(s, 0, mark);
        c->language = mk_str_sub(rest, 0, second);
        c->prefix = mark + 1 + second + 1;
    }
}

static const mk_param *next_piece(const chosen *c, const mk_param *one)
{
    if (!c->sections) {
        return NULL;
    }
    uint32_t section = next_section(c->params, c->name, one->section + 1);
    return section == MK_PARAM_WHOLE ? NULL : find(c->params, c->name, section);
}

/* Which form counts; NULL when there is none. */
static const mk_param *choose(chosen *c, const mk_params *params, mk_str name)
{
    *c = (chosen){.params = params, .name = name};
    const mk_param *whole = find(params, name, MK_PARAM_WHOLE);
    uint32_t section = next_section(params, name, 0);
    const mk_param *first = whole;
    if (section != MK_PARAM_WHOLE &&
        (whole == NULL || (whole->flags & MK_PARAM_EXTENDED) == 0)) {
        first = find(params, name, section);
        c->sections = true;
    }
    if (first != NULL) {
        read_prefix(c, first);
    }
    for (const mk_param *one = first; one != NULL; one = next_piece(c, one)) {
        c->extended |= (one->flags & MK_PARAM_EXTENDED) != 0;
    }
    return first;
}

/* ---- octets ---- */

typedef struct octets {
    mk_str rest;
    bool percent; /* "%" HEXDIG HEXDIG is an octet */
    bool escape;  /* "\" stands before an octet */
    bool junk;
} octets;

/* Of the piece, which may be the first of what was chosen. */
static void octets_begin(octets *o, const chosen *first, const mk_param *piece)
{
    o->rest =
        mk_str_sub(piece->value, first != NULL ? first->prefix : 0, SIZE_MAX);
    o->percent = (piece->flags & MK_PARAM_EXTENDED) != 0;
    o->escape = (piece->flags & MK_PARAM_QUOTED) != 0;
    o->junk = false;
}

static bool octets_next(octets *o, mk_buf *b, char mem[CHUNK])
{
    mk_buf_init(b, mem, CHUNK);
    while (o->rest.len > 0 && b->len < b->max) {
        mk_str s = o->rest;
        unsigned char c = mk_octet_at(s, 0);
        int high = s.len > 2 ? mk_hex_value(mk_octet_at(s, 1)) : -1;
        int low = s.len > 2 ? mk_hex_value(mk_octet_at(s, 2)) : -1;
        size_t n = 1;
        if (c == '%' && o->percent && high >= 0 && low >= 0) {
            c = (unsigned char)(high * 16 + low);
            n = 3;
        } else if (c == '\\' && o->escape && s.len > 1) {
            c = mk_octet_at(s, 1);
            n = 2;
        } else {
            o->junk |= c == '%' && o->percent;
        }
        if (n > 1 || (c != '\r' && c != '\n')) {
            (void)mk_buf_add_c(b, (char)c);
        }
        o->rest = mk_str_sub(s, n, SIZE_MAX);
    }
    return b->len > 0;
}

/* Each octet of all pieces goes to `look`, or to `d` and the text. */
static bool walk(words *w, const chosen *c, const mk_param *first,
                 mk_charset_look *look, mk_charset_decoder *d)
{
    char mem[CHUNK];
    bool good = true;
    for (const mk_param *one = first; one != NULL; one = next_piece(c, one)) {
        octets o;
        mk_buf b;
        octets_begin(&o, one == first ? c : NULL, one);
        while (octets_next(&o, &b, mem)) {
            if (d == NULL) {
                mk_charset_look_at(look, mk_buf_str(&b));
            } else {
                good &= mk_words_octets(w, d, mk_buf_str(&b), false);
            }
        }
        good &= d != NULL || !o.junk;
    }
    return good;
}

static void tell(const words *w, mk_defect_code code, const mk_param *one)
{
    mk_defects_add(w->defects, code, (uint64_t)(one->value.ptr - w->base),
                   one->value.len);
}

/* The octets of all pieces as one text, so that a character split between two
 * is whole again. */
static void put_octets(words *w, const chosen *c, const mk_param *first)
{
    mk_charset_look look;
    mk_charset_decoder d;
    mk_charset said = mk_charset_parse(c->charset);
    mk_charset_look_init(&look);
    if (!walk(w, c, first, &look, NULL)) {
        tell(w, MK_DEFECT_PARAM_PERCENT, first);
    }
    mk_charset is = mk_charset_look_choose(&look, said);
    mk_err err = mk_charset_decoder_init(&d, is, w->table);
    if (!c->extended && is == MK_CHARSET_WINDOWS_1252) {
        mk_words_tell(w, MK_DEFECT_WORD_8BIT, first->value.ptr,
                      first->value.len);
    }
    if (c->extended && (said == MK_CHARSET_NONE || err != MK_OK)) {
        tell(w, MK_DEFECT_PARAM_CHARSET, first);
    }
    bool good = walk(w, c, first, NULL, &d);
    if (!(mk_words_octets(w, &d, mk_str_of(NULL, 0), true) && good)) {
        tell(w, MK_DEFECT_PARAM_CONTROL, first);
    }
    if (c->extended &&
        (d.defects > 0 || (is != said && said != MK_CHARSET_NONE))) {
        tell(w, MK_DEFECT_PARAM_MALFORMED, first);
    }
    mk_charset_decoder_fini(&d);
}

/* ---- encoded words ---- */

static bool may_have_words(const chosen *c, const mk_param *first)
{
    bool may = false;
    for (const mk_param *one = first; one != NULL; one = next_piece(c, one)) {
        may |= mk_words_has_mark(one->value);
    }
    return may && !c->extended;
}

static void put_words(words *w, const chosen *c, const mk_param *first)
{
    bool encoded = false;
    for (const mk_param *one = first; one != NULL; one = next_piece(c, one)) {
        bool quoted = (one->flags & MK_PARAM_QUOTED) != 0;
        encoded |= mk_words_has(one->value);
        mk_words_add(w, one->value, quoted ? WORDS_QUOTED : 0);
    }
    if (encoded) {
        tell(w, MK_DEFECT_PARAM_WORD, first);
    }
}

/* ---- forms side by side ---- */

/* Does a piece in its plain form say `text`? */
static bool says(const mk_param *plain, mk_str text)
{
    char mem[CHUNK];
    octets o;
    mk_buf b;
    octets_begin(&o, NULL, plain);
    while (octets_next(&o, &b, mem)) {
        if (!mk_str_is(mk_str_sub(text, 0, b.len), mk_buf_str(&b))) {
            return false;
        }
        text = mk_str_sub(text, b.len, SIZE_MAX);
    }
    return text.len == 0;
}

/* Is a piece of another form than that which counts, and does not say the
 * same? */
static bool is_other(const chosen *c, const mk_param *one, mk_str value)
{
    bool whole = one->section == MK_PARAM_WHOLE;
    bool extended = (one->flags & MK_PARAM_EXTENDED) != 0;
    if (!mk_str_is_nocase(one->name, c->name) ||
        (whole != c->sections && !(whole && extended != c->extended))) {
        return false;
    }
    return !whole || extended || !says(one, value);
}

static void tell_others(const words *w, const chosen *c, const mk_param *first,
                        mk_str value)
{
    bool others = false;
    for (uint32_t i = 0; i < c->params->count; i++) {
        others |= is_other(c, &c->params->items[i], value);
    }
    if (others) {
        tell(w, MK_DEFECT_PARAM_BOTH_FORMS, first);
    }
}

/* Sections that begin behind 0 or leave some out. */
static void tell_gap(const words *w, const chosen *c, const mk_param *first)
{
    uint32_t due = 0;
    for (const mk_param *one = c->sections ? first : NULL; one != NULL;
         one = next_piece(c, one)) {
        if (one->section != due) {
            tell(w, MK_DEFECT_PARAM_GAP, one);
            break;
        }
        due++;
    }
}

bool mk_params_has(const mk_params *params, mk_str name)
{
    for (uint32_t i = 0; i < params->count; i++) {
        if (mk_str_is_nocase(params->items[i].name, name)) {
            return true;
        }
    }
    return false;
}

mk_err mk_params_decode(const mk_params *params, mk_str name,
                        const mk_charset_table *table, mk_buf *out,
                        mk_defects *defects)
{
    words w;
    chosen c;
    size_t start = out->len;
    const mk_param *first = choose(&c, params, name);
    if (first == NULL) {
        return MK_E_NOENT;
    }
    mk_words_begin(&w, params->text, table, out, defects);
    tell_gap(&w, &c, first);
    if (may_have_words(&c, first)) {
        put_words(&w, &c, first);
    } else {
        put_octets(&w, &c, first);
    }
    tell_others(&w, &c, first, mk_str_sub(mk_buf_str(out), start, SIZE_MAX));
    return mk_words_end(&w);
}

mk_str mk_params_language(const mk_params *params, mk_str name)
{
    chosen c;
    (void)choose(&c, params, name);
    return c.language;
}

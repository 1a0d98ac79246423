/* SPDX-License-Identifier: MIT
 *
 * message/address_look.c: names that are shown and deceive (THREATS 60): an
 * address in the name, characters that turn the direction of text (Unicode
 * TR36 2.2), Latin mixed with look-alike scripts in one word (TR39 5.2), and
 * look-alikes of ASCII signs. The ranges are a few blocks, not the Unicode
 * tables: it hints, it does not judge, and it refuses to know of languages.
 */
#include "message/charset_internal.h"

#include "base/ascii.h"

#include <mailkit/header.h>
#include <string.h>

enum { LATIN = 1, CYRILLIC = 2, GREEK = 4, ARMENIAN = 8 };

static bool is_between(uint32_t c, uint32_t least, uint32_t most)
{
    return c >= least && c <= most;
}

/* Scripts with letters that look like Latin ones; 0 for all the others. */
static unsigned script_of(uint32_t c)
{
    if (is_between(c | 0x20, 'a', 'z') || is_between(c, 0xC0, 0x24F) ||
        is_between(c, 0x1E00, 0x1EFF)) {
        return LATIN;
    }
    if (is_between(c, 0x400, 0x52F)) {
        return CYRILLIC;
    }
    if (is_between(c, 0x370, 0x3FF) || is_between(c, 0x1F00, 0x1FFF)) {
        return GREEK;
    }
    return is_between(c, 0x530, 0x58F) ? ARMENIAN : 0;
}

/* LRE to RLO, LRI to PDI, LRM, RLM, ALM. */
static bool is_bidi(uint32_t c)
{
    return is_between(c, 0x202A, 0x202E) || is_between(c, 0x2066, 0x2069) ||
           is_between(c, 0x200E, 0x200F) || c == 0x61C;
}

/* Full-width forms, small forms, mathematical letters; characters without a
 * width; look-alikes of "@", "." and "/". */
static bool is_confusable(uint32_t c)
{
    return is_between(c, 0xFF01, 0xFF5E) || is_between(c, 0xFE50, 0xFE6B) ||
           is_between(c, 0x1D400, 0x1D7FF) || is_between(c, 0x200B, 0x200D) ||
           c == 0x2060 || c == 0xFEFF || c == 0xAD || c == 0x2024 ||
           c == 0x3002 || c == 0xFF61 || c == 0x2044 || c == 0x2215;
}

static bool is_word_end(uint32_t c)
{
    return c == ' ' || c == '\t' || c == '@' || c == '.' || c == '-' ||
           c == '(' || c == ')' || c == '"' || c == '<' || c == '>';
}

typedef struct look {
    unsigned scripts; /* of this word */
    bool bidi, mixed, confusable;
} look;

static void look_at(look *l, uint32_t c)
{
    l->scripts = is_word_end(c) ? 0 : l->scripts | script_of(c);
    l->mixed |= (l->scripts & LATIN) != 0 && l->scripts != LATIN;
    l->bidi |= is_bidi(c);
    l->confusable |= is_confusable(c);
}

static void look_through(look *l, mk_str s)
{
    utf8_walk w = {0};
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = mk_octet_at(s, i);
        utf8_said said = mk_utf8_step(&w, c);
        if (said == UTF8_CUT) {
            said = mk_utf8_step(&w, c);
        }
        if (said == UTF8_WHOLE) {
            look_at(l, w.bits);
        }
    }
    l->scripts = 0;
}

static bool is_address_octet(unsigned char c)
{
    return mk_is_atext(c) || c == '.' || c >= 0x80;
}

/* Signs of a sentence or quotes, as names have them around an address. */
static bool is_sign(char c)
{
    return c == '\'' || c == '`' || c == '.' || c == '?' || c == '!';
}

/* Is it the address, but for such signs at its ends? Less of them may be part
 * of it. */
static bool is_same(mk_str shown, mk_str address)
{
    while (shown.len > address.len && is_sign(shown.ptr[shown.len - 1])) {
        shown.len--;
    }
    while (shown.len > address.len && is_sign(shown.ptr[0])) {
        shown = mk_str_sub(shown, 1, SIZE_MAX);
    }
    return mk_str_is_nocase(shown, address);
}

/* local-part "@" domain somewhere in the name that is not the address. */
static bool has_other_address(mk_str name, mk_str address)
{
    size_t at = 0;
    for (;;) {
        at += mk_str_find(mk_str_sub(name, at, SIZE_MAX), '@');
        if (at >= name.len) {
            return false;
        }
        size_t start = at;
        size_t end = at + 1;
        while (start > 0 && is_address_octet(mk_octet_at(name, start - 1))) {
            start--;
        }
        while (end < name.len && is_address_octet(mk_octet_at(name, end))) {
            end++;
        }
        if (start < at && end > at + 1 &&
            !is_same(mk_str_sub(name, start, end - start), address)) {
            return true;
        }
        at = end;
    }
}

bool mk_address_is_deceptive(mk_str name, mk_str address, mk_defects *defects)
{
    look l = {0};
    look_through(&l, name);
    look_through(&l, address);
    bool other = has_other_address(name, address);
    if (other) {
        mk_defects_add(defects, MK_DEFECT_ADDR_IN_NAME, 0, name.len);
    }
    if (l.bidi) {
        mk_defects_add(defects, MK_DEFECT_ADDR_BIDI, 0, name.len);
    }
    if (l.mixed) {
        mk_defects_add(defects, MK_DEFECT_ADDR_MIXED_SCRIPT, 0, name.len);
    }
    if (l.confusable) {
        mk_defects_add(defects, MK_DEFECT_ADDR_CONFUSABLE, 0, name.len);
    }
    return other || l.bidi || l.mixed || l.confusable;
}

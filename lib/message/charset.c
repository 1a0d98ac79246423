/* SPDX-License-Identifier: MIT
 *
 * charset.c: which character set a label means (WHATWG Encoding 4.2), and
 * which one octets look like when the label cannot be true. The walk through
 * UTF-8 is that of RFC 3629 4: no overlong form, no surrogate, nothing above
 * U+10FFFF. It does not guess among sets of one octet: no text proves one.
 */
#include "base/ascii.h"
#include "charset_internal.h"

#include <string.h>

enum { LABEL_MAX = 64 };

/* Letters and digits only, in lower case; the length, or 0 when it is too long
 * to be a label. */
static size_t fold(mk_str label, char *out)
{
    size_t n = 0;
    if (label.len > LABEL_MAX) {
        return 0;
    }
    for (size_t i = 0; i < label.len; i++) {
        unsigned char c = mk_lower(mk_octet_at(label, i));
        if (mk_is_alnum(c)) {
            out[n] = (char)c;
            n++;
        }
    }
    return n;
}

static int compare(const char *a, size_t n, mk_str b)
{
    int order = memcmp(a, b.ptr, n < b.len ? n : b.len);
    if (order != 0) {
        return order;
    }
    return n == b.len ? 0 : n < b.len ? -1 : 1;
}

mk_charset mk_charset_parse(mk_str label)
{
    char folded[LABEL_MAX];
    size_t n = fold(label, folded);
    size_t low = 0;
    size_t top = mk_charset_label_count;
    while (low < top) {
        size_t mid = low + (top - low) / 2;
        int order = compare(folded, n, mk_charset_labels[mid].text);
        if (order == 0) {
            return (mk_charset)mk_charset_labels[mid].charset;
        }
        if (order < 0) {
            top = mid;
        } else {
            low = mid + 1;
        }
    }
    return MK_CHARSET_NONE;
}

mk_str mk_charset_name(mk_charset charset)
{
    unsigned row = (unsigned)charset;
    return mk_charset_rows[row < MK_CHARSET_COUNT ? row : 0].name;
}

enum { STRIDE = 8, STRIDE_OCTETS = 64 }; /* words looked at at once */

/* Is an octet of `count` words above 127? */
static inline bool has_high(const char *ptr, size_t count)
{
    uint64_t all = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t w;
        memcpy(&w, ptr + 8 * i, 8);
        all |= w;
    }
    return (all & UINT64_C(0x8080808080808080)) != 0;
}

size_t mk_ascii_run(const char *ptr, size_t n)
{
    size_t at = 0;
    /* In a text of another script runs are short. */
    bool is_short = n >= 8 && has_high(ptr, 1);
    while (!is_short && n - at >= STRIDE_OCTETS &&
           !has_high(ptr + at, STRIDE)) {
        at += STRIDE_OCTETS;
    }
    while (n - at >= 8 && !has_high(ptr + at, 1)) {
        at += 8;
    }
    while (at < n && (unsigned char)ptr[at] < 0x80) {
        at++;
    }
    return at;
}

void mk_charset_look_init(mk_charset_look *look)
{
    memset(look, 0, sizeof *look);
}

void mk_charset_look_at(mk_charset_look *look, mk_str octets)
{
    utf8_walk w = {look->bits, look->due, look->low, look->top};
    size_t at = 0;
    while (at < octets.len) {
        if (w.due == 0) {
            at += mk_ascii_run(octets.ptr + at, octets.len - at);
            if (at == octets.len) {
                break;
            }
        }
        unsigned char c = mk_octet_at(octets, at);
        utf8_said said = mk_utf8_step(&w, c);
        look->sequences += said == UTF8_WHOLE;
        look->clear += said == UTF8_WHOLE && c >= 0x80 &&
                       (w.bits < 0x100 || w.bits >= 0x800);
        look->faults += said == UTF8_BAD || said == UTF8_CUT;
        if (said != UTF8_CUT) {
            look->high += c >= 0x80;
            at++;
        }
    }
    look->bits = w.bits;
    look->due = w.due;
    look->low = w.low;
    look->top = w.top;
}

mk_charset mk_charset_look_choose(const mk_charset_look *look, mk_charset label)
{
    bool is_utf8 = look->faults == 0 && look->due == 0;
    if (label == MK_CHARSET_NONE || label == MK_CHARSET_US_ASCII) {
        if (look->high == 0) {
            return MK_CHARSET_US_ASCII;
        }
        return is_utf8 ? MK_CHARSET_UTF_8 : MK_CHARSET_WINDOWS_1252;
    }
    /* A capital and a quotation mark may be a character: three are not. */
    if ((label == MK_CHARSET_ISO_8859_1 || label == MK_CHARSET_WINDOWS_1252) &&
        is_utf8 && (look->clear > 0 || look->sequences > 2)) {
        return MK_CHARSET_UTF_8;
    }
    if (label == MK_CHARSET_UTF_8 && !is_utf8 && look->sequences == 0) {
        return MK_CHARSET_WINDOWS_1252;
    }
    return label;
}

/* SPDX-License-Identifier: MIT
 *
 * domain.c: is this domain that one, whether it is written in UTF-8 (U-labels)
 * or in ASCII (A-labels, RFC 5890 2.3.2.1)? A U-label is brought to its A-label
 * by Punycode (RFC 3492 6.3). Case is that of ASCII; beyond it nothing is
 * mapped and nothing normalised (RFC 5891 5.2 leaves that to who types it), and
 * whether IDNA allows the code points is not looked at: a domain that is
 * compared with an own one need not be a good one.
 */
#include "base/ascii.h"
#include "base/utf8.h"
#include "internal.h"

#define LABEL_MAX 63u

/* How many; 0: no label, or one that is too long. */
static size_t code_points(mk_str label, uint32_t *out)
{
    size_t n = 0;
    while (label.len > 0) {
        uint32_t c = 0;
        size_t used = mk_utf8_at(label, &c);
        if (used == 0 || n == LABEL_MAX) {
            return 0;
        }
        out[n++] = c;
        label = mk_str_sub(label, used, SIZE_MAX);
    }
    return n;
}

/* ---- Punycode (RFC 3492) --------------------------------------------------
 */

enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, BIAS = 72 };

static uint32_t adapt(uint32_t delta, uint32_t points, bool is_first)
{
    uint32_t k = 0;
    delta = is_first ? delta / DAMP : delta / 2;
    delta += delta / points;
    for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE) {
        delta /= BASE - TMIN;
    }
    return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

/* A number of variable length. */
static void add_delta(mk_buf *out, uint32_t delta, uint32_t bias)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    for (uint32_t k = BASE;; k += BASE) {
        uint32_t t = k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;
        if (delta < t) {
            break;
        }
        mk_buf_add_c(out, digits[t + (delta - t) % (BASE - t)]);
        delta = (delta - t) / (BASE - t);
    }
    mk_buf_add_c(out, digits[delta]);
}

static uint32_t least_from(const uint32_t *c, size_t n, uint32_t from)
{
    uint32_t least = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        least = c[i] >= from && c[i] < least ? c[i] : least;
    }
    return least;
}

/* With 63 code points below 0x110000 no sum overflows 32 bits. */
static void add_punycode(mk_buf *out, const uint32_t *c, size_t n)
{
    uint32_t delta = 0;
    uint32_t bias = BIAS;
    size_t basic = 0;

    for (size_t i = 0; i < n; i++) {
        if (c[i] < 0x80) {
            mk_buf_add_c(out, (char)c[i]);
            basic++;
        }
    }
    if (basic > 0) {
        mk_buf_add_c(out, '-');
    }
    uint32_t at = 0x80;
    for (size_t done = basic; done < n; delta++, at++) {
        uint32_t next = least_from(c, n, at);
        delta += (next - at) * (uint32_t)(done + 1);
        at = next;
        for (size_t i = 0; i < n; i++) {
            if (c[i] < at) {
                delta++;
            } else if (c[i] == at) {
                add_delta(out, delta, bias);
                bias = adapt(delta, (uint32_t)(done + 1), done == basic);
                delta = 0;
                done++;
            }
        }
    }
}

/* ---- labels -------------------------------------------------------------- */

static bool is_ascii(mk_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (mk_octet_at(s, i) >= 0x80) {
            return false;
        }
    }
    return true;
}

/* The A-label of a U-label; others stay. Empty: it has none. */
static mk_str to_ascii(mk_str label, mk_buf *out)
{
    uint32_t points[LABEL_MAX];
    if (is_ascii(label)) {
        return label;
    }
    size_t n = code_points(label, points);
    mk_buf_add_z(out, "xn--");
    add_punycode(out, points, n);
    return n == 0 || out->full ? mk_str_of(NULL, 0) : mk_buf_str(out);
}

static bool is_label(mk_str a, mk_str b)
{
    char mem[2][LABEL_MAX];
    mk_buf left;
    mk_buf right;

    mk_buf_init(&left, mem[0], LABEL_MAX);
    mk_buf_init(&right, mem[1], LABEL_MAX);
    mk_str one = to_ascii(a, &left);
    mk_str two = to_ascii(b, &right);
    return one.len > 0 && mk_str_is_nocase(one, two);
}

bool mk_agent_domain_is(mk_str a, mk_str b)
{
    bool more = true;

    if (mk_str_is_nocase(a, b) || (is_ascii(a) && is_ascii(b))) {
        return mk_str_is_nocase(a, b);
    }
    while (more) {
        size_t i = mk_str_find(a, '.');
        size_t j = mk_str_find(b, '.');
        more = i < a.len;
        if (more != (j < b.len) ||
            !is_label(mk_str_sub(a, 0, i), mk_str_sub(b, 0, j))) {
            return false;
        }
        a = mk_str_sub(a, i + 1, SIZE_MAX);
        b = mk_str_sub(b, j + 1, SIZE_MAX);
    }
    return true;
}

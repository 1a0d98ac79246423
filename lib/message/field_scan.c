/* SPDX-License-Identifier: MIT
 *
 * message/field_scan.c: see field_scan.h. Each width makes masks of a block,
 * a bit an octet or a high bit an octet; octet by octet it goes only where a
 * block is not whole. CR and LF are compared as masks, one of them moved by an
 * octet, so that no line costs a branch. It does not decide what odd means.
 */
#include "message/field_scan.h"

#include <string.h>
#ifdef FIELD_SCAN_HAS_AVX2
#include <immintrin.h>
#endif

#include "base/ascii.h"

typedef struct scan {
    const char *ptr;
    size_t n;
    bool lf;
    bool cr; /* the octet before was one */
} scan;

/* Is the LF at ptr[at] the end of the field? */
static bool ends_at(const scan *s, size_t at)
{
    return at + 1 == s->n || !mk_is_wsp((unsigned char)s->ptr[at + 1]);
}

/* Is the line behind the LF at ptr[at], which folds, white space alone? */
static bool is_white_behind(const scan *s, size_t at)
{
    at += 2;
    while (at < s->n && mk_is_wsp((unsigned char)s->ptr[at])) {
        at++;
    }
    return at == s->n || s->ptr[at] == '\r' || s->ptr[at] == '\n';
}

/* ftext = %d33-57 / %d59-126 */
static bool is_name(unsigned char c)
{
    return mk_is_vchar(c);
}

static void find_colon(const scan *s, size_t at, field_span *out)
{
    while (at < out->end && s->ptr[at] != ':') {
        out->bad_name |= !is_name((unsigned char)s->ptr[at]);
        at++;
    }
    out->colon = at;
}

/* Octets from `at` on, one after the other, up to `stop`; true at the end. */
static bool settle(scan *s, size_t at, size_t stop, field_span *out)
{
    for (; at < stop; at++) {
        unsigned char c = (unsigned char)s->ptr[at];
        bool is_lf = c == '\n';
        out->high |= c >= 0x80;
        out->odd |= c == 0 || (s->lf ? c == '\r' : is_lf != s->cr);
        s->cr = c == '\r';
        if (is_lf) {
            if (ends_at(s, at)) {
                out->end = at + 1;
                out->closed = true;
                return true;
            }
            out->folded = true;
            out->white |= is_white_behind(s, at);
        }
    }
    return false;
}

static void finish(scan *s, size_t at, field_span *out)
{
    if (!settle(s, at, s->n, out)) {
        out->end = s->n;
        out->odd |= s->cr;
    }
}

#define ONES UINT64_C(0x0101010101010101)
#define LOW (ONES * 0x7f)

/* The high bit of each octet is set where the octet is c. */
static uint64_t octets_are(uint64_t w, unsigned char c)
{
    w ^= ONES * c;
    return ~(((w & LOW) + LOW) | w | LOW);
}

void mk_field_scan_8(const char *ptr, size_t n, bool lf, field_span *out)
{
    scan s = {ptr, n, lf, false};
    size_t at = 0;
    *out = (field_span){.end = n};
    for (; n - at >= 8; at += 8) {
        uint64_t w;
        memcpy(&w, ptr + at, 8);
        uint64_t any = octets_are(w, '\n') | octets_are(w, '\r') |
                       octets_are(w, 0) | (w & ~LOW);
        if (any != 0 || s.cr) {
            if (settle(&s, at, at + 8, out)) {
                find_colon(&s, 0, out);
                return;
            }
        }
    }
    finish(&s, at, out);
    find_colon(&s, 0, out);
}

#ifdef FIELD_SCAN_HAS_AVX2
bool mk_field_scan_has_avx2(void)
{
    return __builtin_cpu_supports("avx2") != 0;
}

#define EQUAL(v, c)                                                            \
    ((uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_set1_epi8(c))))

/* The colon within the first block, if it is there. */
__attribute__((target("avx2"))) static void colon_avx2(const scan *s, __m256i v,
                                                       field_span *out)
{
    uint32_t colon = EQUAL(v, ':');
    if (colon == 0) {
        find_colon(s, 0, out);
        return;
    }
    /* Compared as signed octets those above 127 are below 33, too. */
    uint32_t bad = (uint32_t)_mm256_movemask_epi8(
                       _mm256_cmpgt_epi8(_mm256_set1_epi8(33), v)) |
                   EQUAL(v, 127);
    out->colon = (size_t)__builtin_ctz(colon);
    if (out->colon > out->end) {
        out->colon = out->end;
    }
    /* those before the first colon, and before the end */
    uint32_t name = (colon & (0 - colon)) - 1;
    name &= out->end < 32 ? (UINT32_C(1) << out->end) - 1 : UINT32_MAX;
    out->bad_name = (bad & name) != 0;
}

__attribute__((target("avx2"))) void
mk_field_scan_avx2(const char *ptr, size_t n, bool lf, field_span *out)
{
    scan s = {ptr, n, lf, false};
    size_t at = 0;
    uint32_t highs = 0, odds = 0, carry = 0;
    *out = (field_span){.end = n};
    for (; n - at >= 32; at += 32) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(ptr + at));
        uint32_t feeds = EQUAL(v, '\n'), returns = EQUAL(v, '\r');
        uint32_t high = (uint32_t)_mm256_movemask_epi8(v);
        uint32_t odd =
            (lf ? returns : feeds ^ (returns << 1 | carry)) | EQUAL(v, 0);
        for (; feeds != 0; feeds &= feeds - 1) {
            size_t k = (size_t)__builtin_ctz(feeds);
            if (ends_at(&s, at + k)) {
                uint32_t upto = UINT32_MAX >> (31 - k);
                out->end = at + k + 1;
                out->closed = true;
                out->high = (highs | (high & upto)) != 0;
                out->odd = (odds | (odd & upto)) != 0;
                goto colon;
            }
            out->folded = true;
            out->white |= is_white_behind(&s, at + k);
        }
        highs |= high;
        odds |= odd;
        carry = returns >> 31;
    }
    out->high = highs != 0;
    out->odd = odds != 0;
    s.cr = carry != 0;
    finish(&s, at, out);
colon:
    if (n >= 32) {
        colon_avx2(&s, _mm256_loadu_si256((const __m256i *)ptr), out);
    } else {
        find_colon(&s, 0, out);
    }
}
#endif

void mk_field_scan(const char *ptr, size_t n, bool lf, field_span *out)
{
#ifdef FIELD_SCAN_HAS_AVX2
    if (mk_field_scan_has_avx2()) {
        mk_field_scan_avx2(ptr, n, lf, out);
        return;
    }
#endif
    mk_field_scan_8(ptr, n, lf, out);
}

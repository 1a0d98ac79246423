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
#include "base/octets.h"

typedef struct scan {
    const char *ptr;
    size_t n;
    bool lf;
} scan;

static inline uint32_t flag_if(bool is, span_flag flag)
{
    return is ? (uint32_t)flag : 0;
}

/* Is the LF at ptr[at] the end of the field? */
static inline bool ends_at(scan s, size_t at)
{
    return at + 1 == s.n || !mk_is_wsp((unsigned char)s.ptr[at + 1]);
}

/* The flags of the LF at ptr[at], which folds: is the line behind it white
 * space alone? */
static inline uint32_t fold_at(scan s, size_t at)
{
    at += 2;
    while (at < s.n && mk_is_wsp((unsigned char)s.ptr[at])) {
        at++;
    }
    bool white = at == s.n || s.ptr[at] == '\r' || s.ptr[at] == '\n';
    return SPAN_FOLDED | flag_if(white, SPAN_WHITE);
}

/* ftext = %d33-57 / %d59-126 */
static bool is_name(unsigned char c)
{
    return mk_is_vchar(c);
}

static void find_colon(scan s, field_span *out)
{
    size_t at = 0;
    bool good = true;
    while (at < out->end && s.ptr[at] != ':') {
        good &= is_name((unsigned char)s.ptr[at]);
        at++;
    }
    out->colon = at;
    out->flags |= flag_if(!good, SPAN_BAD_NAME);
}

/* Octets from `at` on, one after the other, up to `stop`; true at the end.
 * The octet before was a CR if io_cr says so. */
static bool settle(scan s, size_t at, size_t stop, bool *io_cr, field_span *out)
{
    for (; at < stop; at++) {
        unsigned char c = (unsigned char)s.ptr[at];
        bool is_lf = c == '\n';
        bool odd = c == 0 || (s.lf ? c == '\r' : is_lf != *io_cr);
        out->flags |= flag_if(c >= 0x80, SPAN_HIGH) | flag_if(odd, SPAN_ODD);
        *io_cr = c == '\r';
        if (is_lf && ends_at(s, at)) {
            out->end = at + 1;
            out->flags |= SPAN_CLOSED;
            return true;
        }
        out->flags |= is_lf ? fold_at(s, at) : 0;
    }
    return false;
}

/* The high bit of each octet is set where the octet is c. */
static uint64_t octets_are(uint64_t w, unsigned char c)
{
    return ~(mk_octets_any(w ^ mk_octets_of(c)) | MK_OCTETS_LOW);
}

void mk_field_scan_8(const char *ptr, size_t n, bool lf, field_span *out)
{
    scan s = {ptr, n, lf};
    size_t at = 0;
    bool cr = false;
    *out = (field_span){.end = n};
    for (; n - at >= 8; at += 8) {
        uint64_t w;
        memcpy(&w, ptr + at, 8);
        uint64_t any = octets_are(w, '\n') | octets_are(w, '\r') |
                       octets_are(w, 0) | (w & MK_OCTETS_HIGH);
        if ((any != 0 || cr) && settle(s, at, at + 8, &cr, out)) {
            find_colon(s, out);
            return;
        }
    }
    if (!settle(s, at, n, &cr, out)) {
        out->flags |= flag_if(cr, SPAN_ODD);
    }
    find_colon(s, out);
}

#ifdef FIELD_SCAN_HAS_AVX2
bool mk_field_scan_has_avx2(void)
{
    return __builtin_cpu_supports("avx2") != 0;
}

#define AVX2 __attribute__((target("avx2")))
#define BITS(v) ((uint32_t)_mm256_movemask_epi8(v))
#define EQUAL(v, c) BITS(_mm256_cmpeq_epi8(v, _mm256_set1_epi8(c)))

AVX2 static inline __m256i block(const char *ptr)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)ptr);
}

/* Less than a block, filled with what means nothing. */
static __attribute__((noinline)) void fill(const char *ptr, size_t n, char *out)
{
    memset(out, 'x', 32);
    memcpy(out, ptr, n);
}

/* The colon within the first block, if it is there. */
AVX2 static inline void colon_avx2(scan s, __m256i v, field_span *out)
{
    uint32_t colon = EQUAL(v, ':');
    /* Compared as signed octets those above 127 are below 33, too. */
    uint32_t bad =
        BITS(_mm256_cmpgt_epi8(_mm256_set1_epi8(33), v)) | EQUAL(v, 127);
    if (colon == 0 || (size_t)__builtin_ctz(colon) > out->end) {
        find_colon(s, out);
        return;
    }
    out->colon = (size_t)__builtin_ctz(colon);
    if ((bad & (colon ^ (colon - 1))) != 0) {
        out->flags |= SPAN_BAD_NAME;
    }
}

/* What was seen so far: octets, or'ed, and the least of them; what is odd in
 * line ends. */
typedef struct seen {
    __m256i all, least;
    uint32_t crlf, carry; /* all bits, or none; a CR before the next octet */
    uint32_t odd, flags;
} seen;

/* With the octets of the mask in another block. */
AVX2 static inline uint32_t octet_flags(const seen *io, __m256i v,
                                        uint32_t mask)
{
    uint32_t high = BITS(io->all) | (BITS(v) & mask);
    uint32_t odd = EQUAL(io->least, 0) | (EQUAL(v, 0) & mask) | io->odd;
    return (high | odd) == 0
               ? 0
               : flag_if(high != 0, SPAN_HIGH) | flag_if(odd != 0, SPAN_ODD);
}

/* The block v at ptr[at]; true at the end. */
AVX2 static inline bool look(scan s, size_t at, __m256i v, seen *io,
                             field_span *out)
{
    uint32_t feeds = EQUAL(v, '\n'), returns = EQUAL(v, '\r');
    /* With LF alone each CR is odd, else each that no LF follows. */
    uint32_t odd = (feeds & io->crlf) ^ (returns << (io->crlf & 1) | io->carry);
    for (; feeds != 0; feeds &= feeds - 1) {
        size_t k = (size_t)__builtin_ctz(feeds);
        if (ends_at(s, at + k)) {
            uint32_t upto = UINT32_MAX >> (31 - k);
            io->odd |= odd & upto;
            out->end = at + k + 1;
            out->flags = io->flags | SPAN_CLOSED | octet_flags(io, v, upto);
            return true;
        }
        io->flags |= fold_at(s, at + k);
    }
    io->all = _mm256_or_si256(io->all, v);
    io->least = _mm256_min_epu8(io->least, v);
    io->odd |= odd;
    io->carry = returns >> 31 & io->crlf;
    return false;
}

AVX2 void mk_field_scan_avx2(const char *ptr, size_t n, bool lf,
                             field_span *out)
{
    scan s = {ptr, n, lf};
    seen w = {_mm256_setzero_si256(),
              _mm256_set1_epi8(1),
              lf ? 0 : UINT32_MAX,
              0,
              0,
              0};
    char rest[32];
    size_t at = 0;
    for (; n - at >= 32; at += 32) {
        if (look(s, at, block(ptr + at), &w, out)) {
            colon_avx2(s, block(ptr), out);
            return;
        }
    }
    fill(ptr + at, n - at, rest);
    if (!look(s, at, block(rest), &w, out)) {
        w.odd |= w.carry;
        out->end = n;
        out->flags = w.flags | octet_flags(&w, w.all, 0);
    }
    colon_avx2(s, block(n < 32 ? rest : ptr), out);
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

/* SPDX-License-Identifier: MIT
 *
 * message/parse_scan.c: see parse_scan.h. The vector width makes a mask of the
 * line ends and one of the octets that are looked for, and moves the first by
 * an octet against the second, so that no line costs a branch. The portable
 * one goes octet by octet only through words that hold a line end. It does not
 * decide what a line means.
 */
#include "message/parse_scan.h"

#include "base/octets.h"

#include <string.h>
#ifdef PARSE_SCAN_HAS_AVX2
#include <immintrin.h>
#endif

static bool is_first(parse_firsts f, char c)
{
    return c == f.a || c == f.b || c == f.c;
}

/* Octet by octet up to `stop`; the index of a hit, or stop. `lf`: the octet
 * before was one. */
static size_t settle(const char *ptr, size_t at, size_t stop, parse_firsts f,
                     bool *lf, parse_seen *io)
{
    for (; at < stop; at++) {
        char c = ptr[at];
        if (*lf && is_first(f, c)) {
            return at;
        }
        *lf = c == '\n';
        io->lines += *lf;
        io->high |= (unsigned char)c >= 0x80;
        io->nul |= c == '\0';
    }
    return at;
}

static bool all_high(uint64_t w)
{
    return (w & MK_OCTETS_HIGH) == MK_OCTETS_HIGH;
}

size_t mk_parse_scan_8(const char *ptr, size_t at, size_t n,
                       parse_firsts firsts, parse_seen *io)
{
    bool lf = false;
    while (n - at >= 8) {
        uint64_t w;
        memcpy(&w, ptr + at, 8);
        if (lf || !all_high(mk_octets_any(w ^ mk_octets_of('\n')))) {
            size_t hit = settle(ptr, at, at + 8, firsts, &lf, io);
            if (hit < at + 8) {
                return hit;
            }
        } else {
            io->high |= (w & MK_OCTETS_HIGH) != 0;
            io->nul |= !all_high(mk_octets_any(w));
        }
        at += 8;
    }
    return settle(ptr, at, n, firsts, &lf, io);
}

#ifdef PARSE_SCAN_HAS_AVX2
bool mk_parse_scan_has_avx2(void)
{
    return __builtin_cpu_supports("avx2") != 0 &&
           __builtin_cpu_supports("popcnt") != 0;
}

#define AVX2 __attribute__((target("avx2,popcnt")))
#define EQUAL(v, c) _mm256_cmpeq_epi8(v, _mm256_set1_epi8(c))
#define BITS(v) ((uint32_t)_mm256_movemask_epi8(v))

AVX2 static inline __m256i block(const char *ptr)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)ptr);
}

/* `one`: the three are the same. */
AVX2 static inline uint32_t firsts_in(__m256i v, parse_firsts f, bool one)
{
    if (one) {
        return BITS(EQUAL(v, f.a));
    }
    __m256i b_or_c = _mm256_or_si256(EQUAL(v, f.b), EQUAL(v, f.c));
    return BITS(_mm256_or_si256(EQUAL(v, f.a), b_or_c));
}

/* The octets of a block that are in the mask; `before`: the bit of one that
 * stands behind an LF of the block before. The index of a hit, or 32. */
AVX2 static inline size_t look(__m256i v, uint32_t mask, uint32_t before,
                               parse_firsts f, parse_seen *io)
{
    uint32_t feeds = BITS(EQUAL(v, '\n')) & mask;
    uint32_t hits = firsts_in(v, f, false) & (feeds << 1 | before) & mask;
    mask &= (hits & (0 - hits)) - 1; /* all of them when there is none */
    io->lines += (uint32_t)__builtin_popcount(feeds & mask);
    io->high |= (BITS(v) & mask) != 0;
    io->nul |= (BITS(EQUAL(v, 0)) & mask) != 0;
    return hits != 0 ? (size_t)__builtin_ctz(hits) : 32;
}

/* Pairs of blocks without a hit; where the first other one begins. */
AVX2 static inline size_t pass(const char *ptr, size_t at, size_t n,
                               parse_firsts f, bool one, parse_seen *io)
{
    uint64_t carry = 0, lines = 0;
    __m256i least = _mm256_set1_epi8((char)-1);
    __m256i all = _mm256_setzero_si256();
    for (; n - at >= 64; at += 64) {
        __m256i v = block(ptr + at), w = block(ptr + at + 32);
        uint64_t feeds =
            (uint64_t)BITS(EQUAL(w, '\n')) << 32 | BITS(EQUAL(v, '\n'));
        uint64_t firsts =
            (uint64_t)firsts_in(w, f, one) << 32 | firsts_in(v, f, one);
        if ((firsts & (feeds << 1 | carry)) != 0) {
            break;
        }
        lines += (uint64_t)__builtin_popcountll(feeds);
        carry = feeds >> 63;
        least = _mm256_min_epu8(least, _mm256_min_epu8(v, w));
        all = _mm256_or_si256(all, _mm256_or_si256(v, w));
    }
    io->lines += lines;
    io->high |= BITS(all) != 0;
    io->nul |= BITS(EQUAL(least, 0)) != 0;
    return at;
}

AVX2 size_t mk_parse_scan_avx2(const char *ptr, size_t at, size_t n,
                               parse_firsts firsts, parse_seen *io)
{
    size_t start = at;
    bool lf = false;
    if (n < 32) {
        return settle(ptr, at, n, firsts, &lf, io);
    }
    at = firsts.a == firsts.b && firsts.a == firsts.c
             ? pass(ptr, at, n, firsts, true, io)
             : pass(ptr, at, n, firsts, false, io);
    while (at < n) {
        /* The last block overlaps the one before. */
        size_t from = n - at >= 32 ? at : n - 32;
        uint32_t mask = UINT32_MAX << (at - from);
        uint32_t before = at > start && ptr[at - 1] == '\n' ? mask : 0;
        size_t k =
            look(block(ptr + from), mask, before & (0 - before), firsts, io);
        if (k < 32) {
            return from + k;
        }
        at = from + 32;
    }
    return n;
}
#endif

size_t mk_parse_scan(const char *ptr, size_t at, size_t n, parse_firsts firsts,
                     parse_seen *io)
{
#ifdef PARSE_SCAN_HAS_AVX2
    if (mk_parse_scan_has_avx2()) {
        return mk_parse_scan_avx2(ptr, at, n, firsts, io);
    }
#endif
    return mk_parse_scan_8(ptr, at, n, firsts, io);
}

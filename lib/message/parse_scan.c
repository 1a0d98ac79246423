/* SPDX-License-Identifier: MIT
 *
 * message/parse_scan.c: see parse_scan.h. The vector width makes a mask of the
 * line ends and one of the octets that are looked for, and moves the first by
 * an octet against the second, so that no line costs a branch. The portable
 * one goes octet by octet only through words that hold a line end. It does not
 * decide what a line means.
 */
#include "message/parse_scan.h"

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

#define ONES UINT64_C(0x0101010101010101)
#define LOW (ONES * 0x7f)

/* The high bit of each octet is set but where the octet is NUL. */
static uint64_t not_nul(uint64_t w)
{
    return ((w & LOW) + LOW) | w;
}

size_t mk_parse_scan_8(const char *ptr, size_t at, size_t n,
                       parse_firsts firsts, parse_seen *io)
{
    bool lf = false;
    while (n - at >= 8) {
        uint64_t w;
        memcpy(&w, ptr + at, 8);
        if (lf || (not_nul(w ^ (ONES * '\n')) & ~LOW) != ~LOW) {
            size_t hit = settle(ptr, at, at + 8, firsts, &lf, io);
            if (hit < at + 8) {
                return hit;
            }
        } else {
            io->high |= (w & ~LOW) != 0;
            io->nul |= (not_nul(w) & ~LOW) != ~LOW;
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

#define EQUAL(v, c) _mm256_cmpeq_epi8(v, _mm256_set1_epi8(c))
#define BITS(v) ((uint32_t)_mm256_movemask_epi8(v))

__attribute__((target("avx2,popcnt"))) size_t
mk_parse_scan_avx2(const char *ptr, size_t at, size_t n, parse_firsts firsts,
                   parse_seen *io)
{
    uint32_t carry = 0;
    uint64_t lines = 0;
    __m256i least = _mm256_set1_epi8((char)-1);
    __m256i highs = _mm256_setzero_si256();
    bool lf = false;
    for (; n - at >= 32; at += 32) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(ptr + at));
        uint32_t feeds = BITS(EQUAL(v, '\n'));
        uint32_t hits =
            BITS(_mm256_or_si256(
                EQUAL(v, firsts.a),
                _mm256_or_si256(EQUAL(v, firsts.b), EQUAL(v, firsts.c)))) &
            (feeds << 1 | carry);
        if (hits != 0) {
            break;
        }
        lines += (uint32_t)__builtin_popcount(feeds);
        carry = feeds >> 31;
        least = _mm256_min_epu8(least, v);
        highs = _mm256_or_si256(highs, v);
    }
    io->lines += lines;
    io->high |= BITS(highs) != 0;
    io->nul |= BITS(EQUAL(least, 0)) != 0;
    lf = carry != 0;
    return settle(ptr, at, n, firsts, &lf, io);
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

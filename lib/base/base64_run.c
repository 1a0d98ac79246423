/* SPDX-License-Identifier: MIT
 *
 * base64_run.c: see base64_run.h. Lines of a body have one length, so the next
 * line end is where the last one was; only where it is not it is looked for.
 * Groups go four characters at a time through tables, 32 at a time (a
 * character's nibbles choose what is added to it, and tell whether it is one
 * of the alphabet; the last groups of a line are done once more with those
 * before them, so that no line has a remainder), or 64 at a time through one
 * table in registers. It judges no line: what it does not like is not touched.
 */
#include "base64_run.h"

#include <string.h>
#ifdef BASE64_RUN_HAS_AVX2
#include <immintrin.h>
#endif

/* clang-format off */
const unsigned char mk_base64_values[256] = {
    66, 66, 66, 66, 66, 66, 66, 66, 66, 65, 65, 66, 66, 65, 66, 66,
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
    65, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 62, 66, 66, 66, 63,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 66, 66, 66, 64, 66, 66,
    66,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 66, 66, 66, 66, 66,
    66, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 66, 66, 66, 66, 66,
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
};
/* clang-format on */

/* For each of the four places in a group, what a character gives to the three
 * octets, the first in the lowest eight bits; above them what is no character
 * has bits. */
#define SEXTET(c)                                                              \
    ((c) >= 'A' && (c) <= 'Z'   ? (c) - 'A'                                    \
     : (c) >= 'a' && (c) <= 'z' ? (c) - 'a' + 26                               \
     : (c) >= '0' && (c) <= '9' ? (c) - '0' + 52                               \
     : (c) == '+'               ? 62                                           \
     : (c) == '/'               ? 63                                           \
                                : 64)
#define PLACED(c, bits) (SEXTET(c) == 64 ? UINT32_C(0xFF000000) : (bits))
#define V(c) ((uint32_t)SEXTET(c))
#define FIRST(c) PLACED(c, V(c) << 2)
#define SECOND(c) PLACED(c, V(c) >> 4 | (V(c) & 15U) << 12)
#define THIRD(c) PLACED(c, V(c) >> 2 << 8 | (V(c) & 3U) << 22)
#define FOURTH(c) PLACED(c, V(c) << 16)
#define ALL_4(f, c) f(c), f((c) + 1), f((c) + 2), f((c) + 3)
#define ALL_16(f, c)                                                           \
    ALL_4(f, c), ALL_4(f, (c) + 4), ALL_4(f, (c) + 8), ALL_4(f, (c) + 12)
#define ALL_64(f, c)                                                           \
    ALL_16(f, c), ALL_16(f, (c) + 16), ALL_16(f, (c) + 32), ALL_16(f, (c) + 48)
#define ALL(f) ALL_64(f, 0), ALL_64(f, 64), ALL_64(f, 128), ALL_64(f, 192)

static const uint32_t places[4][256] = {
    {ALL(FIRST)}, {ALL(SECOND)}, {ALL(THIRD)}, {ALL(FOURTH)}};

/* A line is looked at twice at most: by this many octets, whoever calls with
 * little room again and again. */
enum { LINE_OCTETS_MAX = 1000 };

typedef struct line {
    size_t chars; /* without its end */
    size_t end;   /* octets of the end: 0 when none is in sight, 1 or 2 */
    bool guessed; /* it ends where the last one did, and perhaps before */
} line;

/* The line at ptr, or whole groups of one that goes on; false when there are
 * none. */
static bool find_line(const char *ptr, size_t n, line *io)
{
    if (io->end > 0 && io->chars + io->end <= n &&
        ptr[io->chars + io->end - 1] == '\n' &&
        (io->end == 1 || ptr[io->chars] == '\r')) {
        io->guessed = true;
        return true;
    }
    io->guessed = false;
    size_t look = n < LINE_OCTETS_MAX ? n : LINE_OCTETS_MAX;
    const char *feed = n == 0 ? NULL : memchr(ptr, '\n', look);
    if (feed == NULL) {
        io->chars = look / 4 * 4;
        io->end = 0;
        return io->chars > 0;
    }
    io->chars = (size_t)(feed - ptr);
    io->end = 1;
    if (io->chars > 0 && ptr[io->chars - 1] == '\r') {
        io->chars--;
        io->end = 2;
    }
    return io->chars > 0 && io->chars % 4 == 0;
}

/* n characters, a multiple of 4; false when one is none of the alphabet, and
 * then what was written does not count. */
static bool groups_4(const char *ptr, size_t n, char *out)
{
    uint32_t marks = 0;
    for (size_t i = 0; i < n; i += 4) {
        uint32_t bits = places[0][(unsigned char)ptr[i]] |
                        places[1][(unsigned char)ptr[i + 1]] |
                        places[2][(unsigned char)ptr[i + 2]] |
                        places[3][(unsigned char)ptr[i + 3]];
        marks |= bits;
        out[0] = (char)(unsigned char)bits;
        out[1] = (char)(unsigned char)(bits >> 8);
        out[2] = (char)(unsigned char)(bits >> 16);
        out += 3;
    }
    return marks <= 0xFFFFFF;
}

/* A line cannot be taken. False: and it is no other than was thought. */
static bool look_again(line *io)
{
    io->end = 0;
    return io->guessed;
}

base64_run mk_base64_run_4(mk_str in, char *out, size_t room)
{
    base64_run r = {0, 0};
    line l = {0, 0, false};
    while (find_line(in.ptr + r.taken, in.len - r.taken, &l)) {
        if (l.chars / 4 * 3 > room - r.made ||
            !groups_4(in.ptr + r.taken, l.chars, out + r.made)) {
            if (look_again(&l)) {
                continue;
            }
            break;
        }
        r.taken += l.chars + l.end;
        r.made += l.chars / 4 * 3;
    }
    return r;
}

#ifdef BASE64_RUN_HAS_AVX2
/* The sextets of ASCII, the high bit where there is none. */
#define SEXTET_OR_BAD(c) (char)(SEXTET(c) == 64 ? -128 : SEXTET(c))
static const char sextets_128[128] = {ALL_64(SEXTET_OR_BAD, 0),
                                      ALL_64(SEXTET_OR_BAD, 64)};
/* Where the octets of four groups lie: three of four, the last one first. */
#define ORDER_3(g) (g) * 4 + 2, (g)*4 + 1, (g)*4
#define ORDER_12(g)                                                            \
    ORDER_3(g), ORDER_3((g) + 1), ORDER_3((g) + 2), ORDER_3((g) + 3)
static const char octets_64[64] = {ORDER_12(0), ORDER_12(4), ORDER_12(8),
                                   ORDER_12(12)};

bool mk_base64_run_has_avx2(void)
{
    return __builtin_cpu_supports("avx2") != 0;
}

#define TWICE(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)

/* By the high nibble what to add: 2 is "+" and "/", 3 the digits, 4 and 5
 * upper case, 6 and 7 lower case; "/" takes the place of 1. The two other
 * tables have a bit in common for what is not of the alphabet. 32 characters
 * become 24 octets at the front of each half and then of the whole. */
__attribute__((target("avx2"))) static inline __m256i decode_32(__m256i v,
                                                                __m256i *io_bad)
{
    const __m256i nibble = _mm256_set1_epi8(0x0F);
    const __m256i adds = TWICE(0, 16, 19, 4, (char)-65, (char)-65, (char)-71,
                               (char)-71, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i by_low =
        TWICE(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13,
              0x1A, 0x1B, 0x1B, 0x1B, 0x1A);
    const __m256i by_high =
        TWICE(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10,
              0x10, 0x10, 0x10, 0x10, 0x10);
    const __m256i order = TWICE(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12,
                                (char)-1, (char)-1, (char)-1, (char)-1);
    __m256i high = _mm256_and_si256(_mm256_srli_epi32(v, 4), nibble);
    __m256i low = _mm256_and_si256(v, nibble);
    __m256i slash = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('/'));
    *io_bad = _mm256_or_si256(
        *io_bad, _mm256_and_si256(_mm256_shuffle_epi8(by_low, low),
                                  _mm256_shuffle_epi8(by_high, high)));
    v = _mm256_add_epi8(
        v, _mm256_shuffle_epi8(adds, _mm256_add_epi8(slash, high)));
    v = _mm256_maddubs_epi16(v, _mm256_set1_epi32(0x01400140));
    v = _mm256_madd_epi16(v, _mm256_set1_epi32(0x00011000));
    v = _mm256_shuffle_epi8(v, order);
    return _mm256_permutevar8x32_epi32(
        v, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7));
}

/* A line of 32 characters or more; 8 octets behind the 3 * n / 4 are written,
 * too. */
__attribute__((target("avx2"))) static bool groups_avx2(const char *ptr,
                                                        size_t n, char *out)
{
    __m256i bad = _mm256_setzero_si256();
    size_t at = 0;
    for (; n - at >= 32; at += 32) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(ptr + at));
        v = decode_32(v, &bad);
        _mm256_storeu_si256((__m256i *)(out + at / 4 * 3), v);
    }
    if (at < n) {
        at = n - 32;
        __m256i v = _mm256_loadu_si256((const __m256i *)(ptr + at));
        v = decode_32(v, &bad);
        _mm256_storeu_si256((__m256i *)(out + at / 4 * 3), v);
    }
    return _mm256_testz_si256(bad, bad) != 0;
}

__attribute__((target("avx2"))) base64_run
mk_base64_run_avx2(mk_str in, char *out, size_t room)
{
    base64_run r = {0, 0};
    line l = {0, 0, false};
    while (find_line(in.ptr + r.taken, in.len - r.taken, &l)) {
        if (l.chars < 32 || l.chars / 4 * 3 + 8 > room - r.made ||
            !groups_avx2(in.ptr + r.taken, l.chars, out + r.made)) {
            if (look_again(&l)) {
                continue;
            }
            break;
        }
        r.taken += l.chars + l.end;
        r.made += l.chars / 4 * 3;
    }
    base64_run rest = mk_base64_run_4(mk_str_sub(in, r.taken, SIZE_MAX),
                                      out + r.made, room - r.made);
    r.taken += rest.taken;
    r.made += rest.made;
    return r;
}
bool mk_base64_run_has_avx512(void)
{
    return __builtin_cpu_supports("avx512bw") != 0 &&
           __builtin_cpu_supports("avx512vbmi") != 0;
}

#define WIDE __attribute__((target("avx512f,avx512bw,avx512vbmi")))

/* 64 characters, of which the first n count, become 48 octets at the front of
 * 64; false when one of them is none of the alphabet. */
WIDE static inline bool decode_64(const char *ptr, size_t n, __m512i low,
                                  __m512i high, __m512i order, char *out)
{
    __m512i v = _mm512_loadu_si512(ptr);
    __m512i sextets = _mm512_permutex2var_epi8(low, v, high);
    __mmask64 bad = _mm512_movepi8_mask(_mm512_or_si512(v, sextets));
    v = _mm512_maddubs_epi16(sextets, _mm512_set1_epi32(0x01400140));
    v = _mm512_madd_epi16(v, _mm512_set1_epi32(0x00011000));
    _mm512_storeu_si512(out, _mm512_permutexvar_epi8(order, v));
    return n < 64 ? (bad & ((UINT64_C(1) << n) - 1)) == 0 : bad == 0;
}

/* 64 octets behind a line are read, and 64 behind its output written, too. */
WIDE static bool groups_avx512(const char *ptr, size_t n, char *out,
                               __m512i low, __m512i high, __m512i order)
{
    bool good = true;
    for (size_t at = 0; at < n; at += 64) {
        good &= decode_64(ptr + at, n - at, low, high, order, out + at / 4 * 3);
    }
    return good;
}

WIDE base64_run mk_base64_run_avx512(mk_str in, char *out, size_t room)
{
    base64_run r = {0, 0};
    line l = {0, 0, false};
    const __m512i low = _mm512_loadu_si512(sextets_128);
    const __m512i high = _mm512_loadu_si512(sextets_128 + 64);
    const __m512i order = _mm512_loadu_si512(octets_64);
    while (find_line(in.ptr + r.taken, in.len - r.taken, &l)) {
        if (l.chars + 64 > in.len - r.taken ||
            l.chars / 4 * 3 + 64 > room - r.made ||
            !groups_avx512(in.ptr + r.taken, l.chars, out + r.made, low, high,
                           order)) {
            if (look_again(&l)) {
                continue;
            }
            break;
        }
        r.taken += l.chars + l.end;
        r.made += l.chars / 4 * 3;
    }
    base64_run rest = mk_base64_run_avx2(mk_str_sub(in, r.taken, SIZE_MAX),
                                         out + r.made, room - r.made);
    r.taken += rest.taken;
    r.made += rest.made;
    return r;
}
#endif

base64_run mk_base64_run(mk_str in, char *out, size_t room)
{
#ifdef BASE64_RUN_HAS_AVX2
    if (mk_base64_run_has_avx512()) {
        return mk_base64_run_avx512(in, out, room);
    }
    if (mk_base64_run_has_avx2()) {
        return mk_base64_run_avx2(in, out, room);
    }
#endif
    return mk_base64_run_4(in, out, room);
}

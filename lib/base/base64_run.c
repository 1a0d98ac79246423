/* SPDX-License-Identifier: MIT
 *
 * base64_run.c: see base64_run.h. The lines of a body have one length, so the
 * end of a line is looked for only where the last one was; where it is not,
 * a new length is taken. Groups go four characters at a time through tables,
 * or 32 or 64 at a time through tables in registers; the last of a line are
 * done once more with those before them, so that no line has a remainder, and
 * lines of 76 (RFC 2045 6.8) go two or four at once, the remainders of all in
 * one. It judges no line: what it does not like is not touched.
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

/* A line is looked for this far: whoever calls with little room again and
 * again has it looked for each time. */
enum { LINE_OCTETS_MAX = 1000 };

/* A full line with its CRLF, and what it becomes. */
enum { FULL_CHARS = 76, FULL = 78, FULL_OUT = 57 };

/* Where the third and the fourth of them begin. */
enum { THIRD = 156, THIRD_OUT = 114, FOURTH = 234, FOURTH_OUT = 171 };

typedef struct line {
    size_t chars; /* without its end */
    size_t end;   /* octets of the end: 0 when none is in sight, 1 or 2 */
} line;

/* Where the text is taken from and put to, and the last places where a line
 * may begin. */
typedef struct cursor {
    const char *in, *in_last;
    char *out, *out_last;
} cursor;

/* One width: takes lines of one form, as many as follow each other. */
typedef struct kernel {
    void (*take)(cursor *io, line l);
    size_t chars_min; /* of a line */
    size_t beyond;    /* octets behind its output that are written, too */
} kernel;

/* The line at ptr, or groups of one that goes on; false when that is not whole
 * groups. */
static bool find_line(const char *ptr, size_t n, line *out_line)
{
    size_t look = n < LINE_OCTETS_MAX ? n : LINE_OCTETS_MAX;
    const char *feed = n == 0 ? NULL : memchr(ptr, '\n', look);
    size_t chars = feed == NULL ? look / 4 * 4 : (size_t)(feed - ptr);
    size_t end = feed == NULL ? 0 : 1;
    if (end > 0 && chars > 0 && ptr[chars - 1] == '\r') {
        chars--;
        end = 2;
    }
    *out_line = (line){chars, end};
    return chars % 4 == 0;
}

/* Of each line as much as the first of the kernels takes, and of what it
 * leaves the next; the last of them is NULL. */
static base64_run run(mk_str in, char *out, size_t room,
                      const kernel *const *kernels)
{
    base64_run r = {0, 0};
    line l;
    while (find_line(in.ptr + r.taken, in.len - r.taken, &l)) {
        size_t before = r.taken;
        for (size_t i = 0; kernels[i] != NULL; i++) {
            size_t need = l.chars / 4 * 3 + kernels[i]->beyond;
            if (l.chars < kernels[i]->chars_min || need > room) {
                continue;
            }
            cursor c = {in.ptr + r.taken, in.ptr + (in.len - l.chars - l.end),
                        out + r.made, out + (room - need)};
            kernels[i]->take(&c, l);
            r.taken = (size_t)(c.in - in.ptr);
            r.made = (size_t)(c.out - out);
        }
        if (r.taken == before) {
            break;
        }
    }
    return r;
}

static inline bool is_crlf(const char *ptr)
{
    return memcmp(ptr, "\r\n", 2) == 0;
}

/* Is there a line of that form, whatever it is made of? */
static inline bool has_line(const cursor *c, line l)
{
    return c->in <= c->in_last && c->out <= c->out_last &&
           (l.end == 2   ? is_crlf(c->in + l.chars)
            : l.end == 1 ? c->in[l.chars] == '\n'
                         : true);
}

static inline void skip_line(cursor *io, line l)
{
    io->in += l.chars + l.end;
    io->out += l.chars / 4 * 3;
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

static void take_4(cursor *io, line l)
{
    while (has_line(io, l) && groups_4(io->in, l.chars, io->out)) {
        skip_line(io, l);
    }
}

static const kernel kernel_4 = {take_4, 4, 0};

base64_run mk_base64_run_4(mk_str in, char *out, size_t room)
{
    static const kernel *const only[] = {&kernel_4, NULL};
    return run(in, out, room, only);
}

#ifdef BASE64_RUN_HAS_AVX2
/* Are there two or four full lines, whatever they are made of? */
static inline bool has_full(const cursor *c, ptrdiff_t n)
{
    const char *end = c->in + FULL_CHARS;
    return c->in_last - c->in >= (n - 1) * FULL &&
           c->out_last - c->out >= (n - 1) * FULL_OUT && is_crlf(end) &&
           is_crlf(end + FULL) &&
           (n == 2 || (is_crlf(end + THIRD) && is_crlf(end + FOURTH)));
}

static inline bool is_full(line l)
{
    return l.chars == FULL_CHARS && l.end == FULL - FULL_CHARS;
}

static inline void skip_full(cursor *io, size_t n)
{
    io->in += n * FULL;
    io->out += n * FULL_OUT;
}

static inline __m128i load_16(const char *ptr)
{
    return _mm_loadu_si128((const __m128i *)ptr);
}

static inline void store_16(char *out, __m128i v)
{
    _mm_storeu_si128((__m128i *)out, v);
}

/* Puts the last 12 octets of the full line at ptr. So fast that the cache has
 * to be told what comes; beyond the end of the text that does no harm. */
static inline void end_full(const char *ptr, char *out, __m128i last)
{
    enum { AHEAD = 2048 };
    __builtin_prefetch((const void *)((uintptr_t)ptr + AHEAD), 0);
    __builtin_prefetch((const void *)((uintptr_t)out + AHEAD), 1);
    store_16(out + 45, last);
}

bool mk_base64_run_has_avx2(void)
{
    return __builtin_cpu_supports("avx2") != 0;
}

#define AVX2 __attribute__((target("avx2")))

#define TWICE(...) __VA_ARGS__, __VA_ARGS__

/* The place of a character in a table of 16 is its high nibble and a shift
 * that the low one chooses: (shift + v / 8 + 1) / 2, where what v / 8 has from
 * the neighbour is a multiple of 16 at last. All characters of the alphabet
 * with one place need the same to be added; by another choice of shifts, none
 * of them is less than all other characters with its place. */
/* clang-format off */
static const int8_t add_shift[32] =
    {TWICE(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 15)};
static const int8_t adds[32] =
    {TWICE(0, 0, 0, 19, 4, -65, -65, -71, -71, 0, 16, 0, -65, 0, -71, 0)};
static const int8_t least_shift[32] =
    {TWICE(0, 7, 7, 7, 7, 7, 7, 7, 6, 6, 4, 8, 12, 12, 12, 8)};
static const int8_t least_negated[32] =
    {TWICE(-128, -128, -128, -48, -128, -80, -128, -43,
           -65, -75, -97, -76, -128, -108, -128, -128)};
/* Where the octets of four groups lie: three of four, the last one first. */
static const int8_t order_16[32] =
    {TWICE(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1)};
/* clang-format on */

AVX2 static inline __m256i load_32(const void *ptr)
{
    return _mm256_loadu_si256((const __m256i *)ptr);
}

/* 32 characters become 12 octets at the front of each half. */
AVX2 static inline __m256i decode_32(__m256i v, __m256i *io_bad)
{
    __m256i eighth = _mm256_srli_epi32(v, 3);
    __m256i least =
        _mm256_avg_epu8(_mm256_shuffle_epi8(load_32(least_shift), v), eighth);
    __m256i add =
        _mm256_avg_epu8(_mm256_shuffle_epi8(load_32(add_shift), v), eighth);
    __m256i over =
        _mm256_adds_epi8(v, _mm256_shuffle_epi8(load_32(least_negated), least));
    *io_bad = _mm256_or_si256(*io_bad, over);
    v = _mm256_add_epi8(v, _mm256_shuffle_epi8(load_32(adds), add));
    v = _mm256_maddubs_epi16(v, _mm256_set1_epi32(0x01400140));
    v = _mm256_madd_epi16(v, _mm256_set1_epi32(0x00011000));
    return _mm256_shuffle_epi8(v, load_32(order_16));
}

/* 32 characters become 24 octets at the front of 28. */
AVX2 static inline void groups_32(const char *ptr, char *out, __m256i *io_bad)
{
    __m256i v = decode_32(load_32(ptr), io_bad);
    store_16(out, _mm256_castsi256_si128(v));
    store_16(out + 12, _mm256_extracti128_si256(v, 1));
}

/* n characters, 32 or more: the last 32 perhaps once more. */
AVX2 static inline bool groups_avx2(const char *ptr, size_t n, char *out)
{
    __m256i bad = _mm256_setzero_si256();
    for (size_t at = 0; n - at >= 32; at += 32) {
        groups_32(ptr + at, out + at / 4 * 3, &bad);
    }
    if (n % 32 != 0) {
        groups_32(ptr + n - 32, out + (n - 32) / 4 * 3, &bad);
    }
    return _mm256_movemask_epi8(bad) == 0;
}

AVX2 static inline void full_avx2(const char *ptr, char *out, __m128i last,
                                  __m256i *io_bad)
{
    groups_32(ptr, out, io_bad);
    groups_32(ptr + 32, out + 24, io_bad);
    end_full(ptr, out, last);
}

/* Two full lines: 64 characters of each, and the last 16 of both at once. */
AVX2 static inline bool two_lines(const char *ptr, char *out)
{
    __m256i bad = _mm256_setzero_si256();
    __m256i v = _mm256_castsi128_si256(load_16(ptr + 60));
    v = _mm256_inserti128_si256(v, load_16(ptr + FULL + 60), 1);
    v = decode_32(v, &bad);
    full_avx2(ptr, out, _mm256_castsi256_si128(v), &bad);
    full_avx2(ptr + FULL, out + FULL_OUT, _mm256_extracti128_si256(v, 1), &bad);
    return _mm256_movemask_epi8(bad) == 0;
}

AVX2 static void take_avx2(cursor *io, line l)
{
    cursor c = *io;
    while (is_full(l) && has_full(&c, 2) && two_lines(c.in, c.out)) {
        skip_full(&c, 2);
    }
    while (has_line(&c, l) && groups_avx2(c.in, l.chars, c.out)) {
        skip_line(&c, l);
    }
    *io = c;
}

static const kernel kernel_avx2 = {take_avx2, 32, 4};

base64_run mk_base64_run_avx2(mk_str in, char *out, size_t room)
{
    static const kernel *const only[] = {&kernel_avx2, NULL};
    return run(in, out, room, only);
}

bool mk_base64_run_has_avx512(void)
{
    return __builtin_cpu_supports("avx512bw") != 0 &&
           __builtin_cpu_supports("avx512vbmi") != 0;
}

/* The sextets of ASCII, the high bit where there is none. */
#define SEXTET_OR_BAD(c) (char)(SEXTET(c) == 64 ? -128 : SEXTET(c))
static const char sextets_128[128] = {ALL_64(SEXTET_OR_BAD, 0),
                                      ALL_64(SEXTET_OR_BAD, 64)};
/* order_16 four times, without the gaps. */
#define ORDER_3(g) (g) * 4 + 2, (g)*4 + 1, (g)*4
#define ORDER_12(g)                                                            \
    ORDER_3(g), ORDER_3((g) + 1), ORDER_3((g) + 2), ORDER_3((g) + 3)
static const char octets_64[64] = {ORDER_12(0), ORDER_12(4), ORDER_12(8),
                                   ORDER_12(12)};

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi")))

/* 64 characters become three octets of each four, the last one first. */
AVX512 static inline __m512i decode_64(__m512i v, __m512i *io_bad)
{
    const __m512i low = _mm512_loadu_si512(sextets_128);
    const __m512i high = _mm512_loadu_si512(sextets_128 + 64);
    __m512i sextets = _mm512_permutex2var_epi8(low, v, high);
    *io_bad = _mm512_ternarylogic_epi32(*io_bad, v, sextets, 0xFE);
    v = _mm512_maddubs_epi16(sextets, _mm512_set1_epi32(0x01400140));
    return _mm512_madd_epi16(v, _mm512_set1_epi32(0x00011000));
}

/* 64 characters become 48 octets at the front of 64. */
AVX512 static inline void groups_64(const char *ptr, char *out, __m512i *io_bad)
{
    const __m512i order = _mm512_loadu_si512(octets_64);
    __m512i v = decode_64(_mm512_loadu_si512(ptr), io_bad);
    _mm512_storeu_si512(out, _mm512_permutexvar_epi8(order, v));
}

/* n characters, 64 or more: the last 64 perhaps once more. */
AVX512 static inline bool groups_avx512(const char *ptr, size_t n, char *out)
{
    __m512i bad = _mm512_setzero_si512();
    for (size_t at = 0; n - at >= 64; at += 64) {
        groups_64(ptr + at, out + at / 4 * 3, &bad);
    }
    if (n % 64 != 0) {
        groups_64(ptr + n - 64, out + (n - 64) / 4 * 3, &bad);
    }
    return _mm512_movepi8_mask(bad) == 0;
}

/* The last 16 characters of four full lines, each line's in its quarter. */
AVX512 static inline __m512i last_of_four(const char *ptr, __m512i *io_bad)
{
    const __m512i order =
        _mm512_broadcast_i32x4(load_16((const char *)order_16));
    __m512i v = _mm512_castsi128_si512(load_16(ptr + 60));
    v = _mm512_inserti32x4(v, load_16(ptr + FULL + 60), 1);
    v = _mm512_inserti32x4(v, load_16(ptr + THIRD + 60), 2);
    v = _mm512_inserti32x4(v, load_16(ptr + FOURTH + 60), 3);
    return _mm512_shuffle_epi8(decode_64(v, io_bad), order);
}

AVX512 static inline void full_avx512(const char *ptr, char *out, __m128i last,
                                      __m512i *io_bad)
{
    groups_64(ptr, out, io_bad);
    end_full(ptr, out, last);
}

/* Four full lines: 64 characters of each, and the last 16 of all at once. */
AVX512 static inline bool four_lines(const char *ptr, char *out)
{
    __m512i bad = _mm512_setzero_si512();
    __m512i v = last_of_four(ptr, &bad);
    full_avx512(ptr, out, _mm512_castsi512_si128(v), &bad);
    full_avx512(ptr + FULL, out + FULL_OUT, _mm512_extracti32x4_epi32(v, 1),
                &bad);
    full_avx512(ptr + THIRD, out + THIRD_OUT, _mm512_extracti32x4_epi32(v, 2),
                &bad);
    full_avx512(ptr + FOURTH, out + FOURTH_OUT, _mm512_extracti32x4_epi32(v, 3),
                &bad);
    return _mm512_movepi8_mask(bad) == 0;
}

AVX512 static void take_avx512(cursor *io, line l)
{
    cursor c = *io;
    while (is_full(l) && has_full(&c, 4) && four_lines(c.in, c.out)) {
        skip_full(&c, 4);
    }
    while (has_line(&c, l) && groups_avx512(c.in, l.chars, c.out)) {
        skip_line(&c, l);
    }
    *io = c;
}

static const kernel kernel_avx512 = {take_avx512, 64, 16};

base64_run mk_base64_run_avx512(mk_str in, char *out, size_t room)
{
    static const kernel *const only[] = {&kernel_avx512, NULL};
    return run(in, out, room, only);
}
#endif

base64_run mk_base64_run(mk_str in, char *out, size_t room)
{
#ifdef BASE64_RUN_HAS_AVX2
    static const kernel *const all[] = {&kernel_avx512, &kernel_avx2, &kernel_4,
                                        NULL};
    if (mk_base64_run_has_avx512()) {
        return run(in, out, room, all);
    }
    if (mk_base64_run_has_avx2()) {
        return run(in, out, room, all + 1);
    }
#endif
    return mk_base64_run_4(in, out, room);
}

/* SPDX-License-Identifier: MIT
 *
 * wire/scan.c: see scan.h. Whether an octet may stand where it does depends on
 * it and the octet before, so the same expression over a run and the same run
 * one octet earlier judges a whole vector, and no line costs a branch. Blocks
 * are only asked whether all is well; one octet after the other finds where it
 * is not. It does not decide what an irregular octet means.
 */
#include "wire/scan.h"

#include "base/octets.h"

#include <string.h>
#ifdef SCAN_HAS_AVX2
#include <immintrin.h>
#endif

/* c with b before it, octets or vectors of them: an LF that no CR precedes,
 * what is no LF behind a CR, a NUL, a dot at the beginning of a line. */
#define IRREGULAR(c, b)                                                        \
    ((((c) == '\n') ^ ((b) == '\r')) | ((c) == '\0') |                         \
     (((c) == '.') & ((b) == '\n')))

/* Everything before `at` is regular: look on, octet by octet. */
static size_t settle(const char *ptr, size_t at, size_t n)
{
    while (at < n) {
        unsigned char c = (unsigned char)ptr[at];
        unsigned char b = (unsigned char)ptr[at - 1];
        if (IRREGULAR(c, b)) {
            return b == '\r' ? at - 1 : at;
        }
        at++;
    }
    return ptr[n - 1] == '\r' ? n - 1 : n;
}

/* The high bit of each octet is set but where the octet is `other`. */
static uint64_t are_not(uint64_t w, unsigned char other)
{
    return mk_octets_any(w ^ mk_octets_of(other));
}

/* IRREGULAR for the octets of a word: some high bit is set. */
static uint64_t irregular_8(const char *at)
{
    uint64_t c;
    uint64_t b;
    memcpy(&c, at, 8);
    memcpy(&b, at - 1, 8);
    return (are_not(c, '\n') ^ are_not(b, '\r')) | ~mk_octets_any(c) |
           ~(are_not(c, '.') | are_not(b, '\n'));
}

size_t mk_scan_body_8(const char *ptr, size_t at, size_t n)
{
    for (at++; n - at >= 8 && (irregular_8(ptr + at) & MK_OCTETS_HIGH) == 0;
         at += 8) {
    }
    return settle(ptr, at, n);
}

#ifdef SCAN_HAS_16
typedef unsigned char octets_16 __attribute__((vector_size(16)));

static octets_16 irregular_16(const char *at)
{
    octets_16 c;
    octets_16 b;
    memcpy(&c, at, 16);
    memcpy(&b, at - 1, 16);
    return (octets_16)IRREGULAR(c, b);
}

static bool is_clear(octets_16 any)
{
    uint64_t halves[2];
    memcpy(halves, &any, 16);
    return (halves[0] | halves[1]) == 0;
}

size_t mk_scan_body_16(const char *ptr, size_t at, size_t n)
{
    for (at++; n - at >= 64; at += 64) {
        const char *p = ptr + at;
        if (!is_clear(irregular_16(p) | irregular_16(p + 16) |
                      irregular_16(p + 32) | irregular_16(p + 48))) {
            break;
        }
    }
    while (n - at >= 16 && is_clear(irregular_16(ptr + at))) {
        at += 16;
    }
    return settle(ptr, at, n);
}
#endif

#ifdef SCAN_HAS_AVX2
typedef unsigned char octets_32 __attribute__((vector_size(32)));

__attribute__((target("avx2"))) static inline octets_32
irregular_32(const char *at)
{
    octets_32 c;
    octets_32 b;
    memcpy(&c, at, 32);
    memcpy(&b, at - 1, 32);
    return (octets_32)IRREGULAR(c, b);
}

/* The compiler's library asks the processor once, before main; no word of ours
 * is written. In a static program the asking is 5 KiB of text. */
bool mk_scan_has_avx2(void)
{
    return __builtin_cpu_supports("avx2") != 0;
}

__attribute__((target("avx2"))) size_t mk_scan_body_avx2(const char *ptr,
                                                         size_t at, size_t n)
{
    for (at++; n - at >= 128; at += 128) {
        const char *p = ptr + at;
        octets_32 any = irregular_32(p) | irregular_32(p + 32) |
                        irregular_32(p + 64) | irregular_32(p + 96);
        if (_mm256_movemask_epi8((__m256i)any) != 0) {
            break;
        }
    }
    for (; n - at >= 32; at += 32) {
        int bits = _mm256_movemask_epi8((__m256i)irregular_32(ptr + at));
        if (bits != 0) {
            at += (size_t)__builtin_ctz((unsigned)bits);
            break;
        }
    }
    return settle(ptr, at, n);
}
#endif

size_t mk_scan_body(const char *ptr, size_t at, size_t n)
{
#ifdef SCAN_HAS_AVX2
    if (mk_scan_has_avx2()) {
        return mk_scan_body_avx2(ptr, at, n);
    }
#endif
#if defined(SCAN_HAS_16)
    return mk_scan_body_16(ptr, at, n);
#elif !defined(__OPTIMIZE_SIZE__)
    return mk_scan_body_8(ptr, at, n);
#else
    return settle(ptr, at + 1, n);
#endif
}

/* May the first octet stand behind what came before? */
static bool is_fit_behind(const scan_text *t, char c)
{
    if (c == '\n') {
        return t->cr || t->is_mended;
    }
    return t->is_stored || (!t->cr && c != '\0');
}

mk_err mk_scan_text(mk_str span, scan_text *io)
{
    scan_text t = {.is_stored = io->is_stored, .is_mended = io->is_mended};
    if (span.len == 0) {
        io->dots = false;
        io->lfs = false;
        return MK_OK;
    }
    if (!is_fit_behind(io, span.ptr[0])) {
        return MK_E_BARE;
    }
    t.dots = io->bol && span.ptr[0] == '.';
    t.lfs = !io->cr && span.ptr[0] == '\n';
    size_t at = mk_scan_body(span.ptr, 0, span.len);
    while (at < span.len) {
        char c = span.ptr[at];
        if (c == '\r' && at + 1 == span.len) {
            t.cr = true;
            break;
        }
        if (c == '\n' ? !t.is_mended : c != '.' && !t.is_stored) {
            return MK_E_BARE;
        }
        t.dots = t.dots || c == '.';
        t.lfs = t.lfs || c == '\n';
        at = mk_scan_body(span.ptr, c == '\r' ? at + 1 : at, span.len);
    }
    t.bol = span.ptr[span.len - 1] == '\n';
    *io = t;
    return MK_OK;
}

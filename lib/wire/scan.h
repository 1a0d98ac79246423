/* SPDX-License-Identifier: MIT
 *
 * wire/scan.h: the one place that looks at every octet of a body. One pass
 * tells how far it is regular (RFC 5321 2.3.8, 4.5.2), over whole lines, 8, 16
 * or 32 octets at a time as the machine allows; the widths differ in nothing
 * else. No state, no allocation, any alignment; no octet beyond n is read.
 */
#ifndef WIRE_SCAN_H
#define WIRE_SCAN_H

#include <mailkit/base.h>

/* Octets are compared 16 at a time where every machine of the target can, and
 * 32 at a time where this one can. MK_NO_SIMD leaves both out (meson: simd). */
#if !defined(MK_NO_SIMD) && defined(__GNUC__)
#if defined(__SSE2__) || defined(__ARM_NEON)
#define SCAN_HAS_16 1
#endif
#if defined(__x86_64__) || defined(__i386__)
#define SCAN_HAS_AVX2 1
#endif
#endif

/* How far the body is regular behind ptr[at], which is taken as it stands: the
 * index in (at, n) of the first bare LF, NUL, or dot at the beginning of a
 * line, or the index in [at, n) of the first CR that no LF follows, be it for
 * want of octets; n if there is none. at < n. */
size_t mk_scan_body(const char *ptr, size_t at, size_t n);

/* mk_scan_body in each width; what is not built in is not declared. */
size_t mk_scan_body_8(const char *ptr, size_t at, size_t n);
#ifdef SCAN_HAS_16
size_t mk_scan_body_16(const char *ptr, size_t at, size_t n);
#endif
#ifdef SCAN_HAS_AVX2
bool mk_scan_has_avx2(void);
size_t mk_scan_body_avx2(const char *ptr, size_t at, size_t n);
#endif

typedef struct scan_text {
    bool cr;        /* in, out: the octet before was a CR */
    bool bol;       /* in, out: at the beginning of a line */
    bool dots;      /* out: some line begins with a dot */
    bool lfs;       /* out: some LF is bare */
    bool is_stored; /* in: a bare CR and a NUL pass */
    bool is_mended; /* in: a bare LF passes */
} scan_text;

/* Is a span of body fit for the wire? MK_OK and *io, or MK_E_BARE. */
mk_err mk_scan_text(mk_str span, scan_text *io);

#endif

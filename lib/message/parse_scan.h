/* SPDX-License-Identifier: MIT
 *
 * message/parse_scan.h: the one place that looks at every octet of a body in
 * search of delimiters (RFC 2046 5.1.1). One pass finds the next line that may
 * be something, counts line ends, and sees NULs and octets above 127, 8 or 32
 * octets at a time; the widths differ in nothing else. No state, no
 * allocation, any alignment; no octet beyond n is read.
 */
#ifndef MESSAGE_PARSE_SCAN_H
#define MESSAGE_PARSE_SCAN_H

#include <mailkit/base.h>

#if !defined(MK_NO_SIMD) && defined(__GNUC__) &&                               \
    (defined(__x86_64__) || defined(__i386__))
#define PARSE_SCAN_HAS_AVX2 1
#endif

/* First octets of lines that are looked for: one, two or three of them. */
typedef struct parse_firsts {
    char a, b, c;
} parse_firsts;

typedef struct parse_seen {
    uint64_t lines; /* LFs */
    bool high;      /* an octet above 127 */
    bool nul;
} parse_seen;

/* The index in (at, n) of the first octet that is one of the three and stands
 * behind an LF, else n; at <= n. What lies in [at, result) is added to *io. */
size_t mk_parse_scan(const char *ptr, size_t at, size_t n, parse_firsts firsts,
                     parse_seen *io);

/* mk_parse_scan in each width; what is not built in is not declared. */
size_t mk_parse_scan_8(const char *ptr, size_t at, size_t n,
                       parse_firsts firsts, parse_seen *io);
#ifdef PARSE_SCAN_HAS_AVX2
bool mk_parse_scan_has_avx2(void);
size_t mk_parse_scan_avx2(const char *ptr, size_t at, size_t n,
                          parse_firsts firsts, parse_seen *io);
#endif

#endif

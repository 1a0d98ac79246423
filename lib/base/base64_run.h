/* SPDX-License-Identifier: MIT
 *
 * base64_run.h: whole lines of base64 at once, for the bodies of mail (RFC 2045
 * 6.8). What is not a plain line it leaves to the decoder of base64.c, which
 * knows what to do. No state, no allocation, any alignment; no octet is read
 * or written beyond what was given.
 */
#ifndef MK_BASE_BASE64_RUN_H
#define MK_BASE_BASE64_RUN_H

#include <mailkit/base.h>

#if !defined(MK_NO_SIMD) && defined(__GNUC__) &&                               \
    (defined(__x86_64__) || defined(__i386__))
#define BASE64_RUN_HAS_AVX2 1
#endif

/* The value of each octet: 0 to 63, or one of these. */
enum { BASE64_PAD = 64, BASE64_SPACE = 65, BASE64_JUNK = 66 };
extern const unsigned char mk_base64_values[256];

typedef struct base64_run {
    size_t taken; /* octets of input */
    size_t made;  /* octets of output */
} base64_run;

/* Decode lines of whole groups, each with its CRLF or LF, from the front of in,
 * as far as that is all there is and out has room; of a line without end whole
 * groups, too. */
base64_run mk_base64_run(mk_str in, char *out, size_t room);

/* mk_base64_run in one width; what is not built in is not declared. The wide
 * ones take no short lines, 32 and 64 characters being the least, and none
 * that ends close to the end of the room. */
base64_run mk_base64_run_4(mk_str in, char *out, size_t room);
#ifdef BASE64_RUN_HAS_AVX2
bool mk_base64_run_has_avx2(void);
base64_run mk_base64_run_avx2(mk_str in, char *out, size_t room);
bool mk_base64_run_has_avx512(void);
base64_run mk_base64_run_avx512(mk_str in, char *out, size_t room);
#endif

#endif

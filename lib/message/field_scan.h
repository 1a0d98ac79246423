/* SPDX-License-Identifier: MIT
 *
 * message/field_scan.h: the one place that looks at every octet of a header.
 * One pass tells where a field ends (RFC 5322 2.2.3), where its colon is and
 * whether anything in it is out of the ordinary, 8 or 32 octets at a time as
 * the machine allows; the widths differ in nothing else. No state, no
 * allocation, any alignment; no octet beyond n is read.
 */
#ifndef MESSAGE_FIELD_SCAN_H
#define MESSAGE_FIELD_SCAN_H

#include <mailkit/header.h>

#if !defined(MK_NO_SIMD) && defined(__GNUC__) &&                               \
    (defined(__x86_64__) || defined(__i386__))
#define FIELD_SCAN_HAS_AVX2 1
#endif

typedef enum span_flag {
    SPAN_CLOSED = 1,   /* there is an LF that no white space follows */
    SPAN_FOLDED = 2,   /* there are LFs before it */
    SPAN_WHITE = 4,    /* a line is white space alone */
    SPAN_BAD_NAME = 8, /* an octet before the colon is none of a name (3.6.8) */
    SPAN_HIGH = 16,    /* an octet above 127 */
    SPAN_ODD = 32      /* a NUL, a bare CR, a line that ends unlike others */
} span_flag;

typedef struct field_span {
    size_t end;     /* behind the LF that ends it; else n */
    size_t colon;   /* the first ':'; end when there is none */
    uint32_t flags; /* span_flag, or'ed */
} field_span;

/* The field that begins at ptr[0], n > 0. Lines should end with LF alone when
 * lf is set, else with CRLF. */
void mk_field_scan(const char *ptr, size_t n, bool lf, field_span *out);

/* mk_field_scan in each width; what is not built in is not declared. */
void mk_field_scan_8(const char *ptr, size_t n, bool lf, field_span *out);
#ifdef FIELD_SCAN_HAS_AVX2
bool mk_field_scan_has_avx2(void);
void mk_field_scan_avx2(const char *ptr, size_t n, bool lf, field_span *out);
#endif

/* The field that the walk stands at, of which the scan is known. */
void mk_field_read(mk_fields *it, const field_span *span, mk_field *out);

/* Octets of a line before its end (RFC 5322 2.1.1). */
enum { FIELD_LINE_MAX = 998 };

/* Name and value_at of a field whose name is not one. */
void mk_field_read_odd_name(const mk_fields *it, const field_span *span,
                            mk_field *out);
/* Tell what is odd in the field that the walk stands at. */
void mk_field_tell_odds(const mk_fields *it, const field_span *span,
                        bool begins_with_space, bool is_again);

#endif

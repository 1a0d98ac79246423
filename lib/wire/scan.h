/* SPDX-License-Identifier: MIT
 *
 * wire/scan.h: the one place that looks at every octet of a body: finds the
 * next CR, LF or NUL, eight octets at a time where the machine allows, and
 * judges what an application lends (RFC 5321 2.3.8, 4.5.2). No state, no
 * allocation; any alignment.
 */
#ifndef WIRE_SCAN_H
#define WIRE_SCAN_H

#include <mailkit/base.h>

/* The index of the first CR, LF or NUL in [at, n), or n. */
size_t mk_scan_special(const char *ptr, size_t at, size_t n);

/* The index behind the first LF in [at, n) that a dot follows, or n. */
size_t mk_scan_dot_line(const char *ptr, size_t at, size_t n);

typedef struct scan_text {
    bool cr;   /* in, out: the octet before was a CR whose LF must follow */
    bool bol;  /* in, out: at the beginning of a line */
    bool dots; /* out: some line begins with a dot */
} scan_text;

/* Is a span of body fit for the wire? MK_OK and *io, or MK_E_BARE. */
mk_err mk_scan_text(mk_str span, scan_text *io);

#endif

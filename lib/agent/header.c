/* SPDX-License-Identifier: MIT
 *
 * header.c: counts what stands in a message's header block while it streams
 * by, cut anywhere: octets, fields, and the Received: fields that tell how
 * many hops it made (RFC 5321 6.3). A line that is no field ends the block as
 * an empty one does, and what stands in the body counts for nothing. It keeps
 * no octet and judges nothing.
 */
#include <string.h>

#include "base/ascii.h"
#include "internal.h"

enum { LINE_START, NAME, NAME_SPACE, FIELD, BLANK };

static const char received[] = "received";
#define RECEIVED_BYTES (sizeof received - 1)
#define MISMATCH 255u

static void name_octet(header_scan *h, unsigned char c)
{
    if (h->matched < RECEIVED_BYTES &&
        mk_lower(c) == (unsigned char)received[h->matched]) {
        h->matched++;
    } else {
        h->matched = MISMATCH;
    }
}

static void colon(header_scan *h)
{
    h->fields++;
    if (h->matched == RECEIVED_BYTES) {
        h->hops++;
    }
    h->state = FIELD;
}

static void line_start(header_scan *h, unsigned char c)
{
    if (c == '\r') {
        h->state = BLANK;
    } else if (c == '\n' || c == ':') {
        h->done = true;
    } else if (mk_is_wsp(c)) {
        h->state = FIELD;
    } else {
        h->state = NAME;
        h->matched = 0;
        name_octet(h, c);
    }
}

static void octet(header_scan *h, unsigned char c)
{
    switch (h->state) {
    case LINE_START:
        line_start(h, c);
        break;
    case NAME:
    case NAME_SPACE: /* RFC 5322 4.5: obs fields have WSP before the colon */
        if (c == ':') {
            colon(h);
        } else if (mk_is_wsp(c)) {
            h->state = NAME_SPACE;
        } else if (h->state == NAME && mk_is_vchar(c)) {
            name_octet(h, c);
        } else {
            h->done = true;
        }
        break;
    case FIELD:
        if (c == '\n') {
            h->state = LINE_START;
        }
        break;
    default:
        h->done = true;
        break;
    }
}

void mk_agent_header_scan_add(header_scan *h, mk_str octets)
{
    size_t i = 0;
    while (i < octets.len && !h->done) {
        if (h->state == FIELD) {
            const char *end = memchr(octets.ptr + i, '\n', octets.len - i);
            size_t n = end != NULL ? (size_t)(end - octets.ptr) : octets.len;
            h->bytes += n - i;
            i = n;
            if (end == NULL) {
                break;
            }
        }
        h->bytes++;
        octet(h, mk_octet_at(octets, i++));
    }
}

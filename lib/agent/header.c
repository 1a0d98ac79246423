/* SPDX-License-Identifier: MIT
 *
 * header.c: counts what stands in a message's header block while it streams
 * by, cut anywhere: octets, fields, the Received: fields that tell how many
 * hops it made (RFC 5321 6.3), and which of the fields are there that every
 * message should have (RFC 5322 3.6). A line that is no field ends the block as
 * an empty one does, and what stands in the body counts for nothing. It keeps
 * no octet and judges nothing.
 */
#include <string.h>

#include "base/ascii.h"
#include "internal.h"

enum { LINE_START, NAME, NAME_SPACE, FIELD, BLANK };

/* Bit n of header_name is row n. */
static const char *const names[] = {"received", "date", "from", "message-id"};
#define NAMES (sizeof names / sizeof names[0])

/* Those that agree up to here; beyond the longest there is none. */
static void name_octet(header_scan *h, unsigned char c)
{
    for (size_t i = 0; i < NAMES && h->names != 0; i++) {
        uint8_t bit = (uint8_t)(1u << i);
        if ((h->names & bit) != 0 &&
            (unsigned char)names[i][h->matched] != mk_lower(c)) {
            h->names &= (uint8_t)~bit;
        }
    }
    h->matched = (uint8_t)(h->matched + (h->names != 0));
}

static void colon(header_scan *h)
{
    h->fields++;
    for (size_t i = 0; i < NAMES && h->names != 0; i++) {
        uint8_t bit = (uint8_t)(1u << i);
        if ((h->names & bit) != 0 && names[i][h->matched] == '\0') {
            h->found |= bit;
            h->hops += bit == HEADER_RECEIVED;
        }
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
        h->names = (1u << NAMES) - 1;
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

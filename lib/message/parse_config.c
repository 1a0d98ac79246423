/* SPDX-License-Identifier: MIT
 *
 * message/parse_config.c: the limits of a parser (THREATS 52 to 55, 66): the
 * defaults, and which are of no sense. Whoever knows fewer of them than this
 * library, or more, gets the defaults for the others (Law 6: none is without
 * bound). It reads no message.
 */
#include "message/parse_internal.h"

#include <string.h>

/* The legal length of a boundary (RFC 2046 5.1.1), and the highest stack. */
enum { LEGAL_BOUNDARY = 70, DEPTH_MAX = 10000 };

static const mk_message_config defaults = {
    .size = sizeof defaults,
    .max_depth = 100,
    .max_parts = 10000,
    .max_boundary_bytes = 256,
    .max_fields = MK_FIELD_COUNT_MAX,
    .max_field_bytes = MK_FIELD_BYTES_MAX,
    .max_header_bytes = MK_HEADER_BYTES_MAX,
    .max_decoded_bytes = UINT64_C(1) << 28,
};

void mk_message_config_init(mk_message_config *config, size_t size)
{
    memcpy(config, &defaults, size < sizeof defaults ? size : sizeof defaults);
    config->size = size;
}

mk_message_config mk_parse_settle(const mk_message_config *config)
{
    mk_message_config c = defaults;
    if (config != NULL) {
        size_t n = config->size < sizeof c ? config->size : sizeof c;
        memcpy(&c, config, n);
        c.size = sizeof c;
    }
    return c;
}

bool mk_parse_allows(const mk_message_config *c)
{
    return c->max_depth > 0 && c->max_depth <= DEPTH_MAX && c->max_parts > 0 &&
           c->max_boundary_bytes > 0 &&
           c->max_boundary_bytes <= MIME_BOUNDARY_MAX && c->max_fields > 0 &&
           c->max_field_bytes > 0 && c->max_header_bytes > 0 &&
           c->max_decoded_bytes > 0;
}

/* One boundary that is not legal, and others that are. */
size_t mk_parse_store_max(const mk_message_config *c)
{
    return (size_t)c->max_depth * LEGAL_BOUNDARY + c->max_boundary_bytes;
}

/* SPDX-License-Identifier: MIT
 *
 * pop3/server_cut.c: see server_cut.h. RFC 1939 7 (TOP), RFC 5322 2.1 (the
 * header ends with the first empty line). A message without one is all header,
 * and shown whole. A bare CR is an octet like others.
 */
#include "pop3/server_cut.h"

#include <string.h>

void mk_pop3_cut_begin(pop3_cut *c, uint32_t lines)
{
    memset(c, 0, sizeof *c);
    c->left = lines;
}

/* A part of a line of the header, without its LF. */
static void look(pop3_cut *c, mk_str part)
{
    bool is_cr = part.len == 1 && part.ptr[0] == '\r';

    c->has_text = c->has_text || c->has_cr || !is_cr;
    c->has_cr = is_cr;
}

static void line_ended(pop3_cut *c)
{
    if (c->in_body) {
        c->left--;
    } else {
        c->in_body = !c->has_text;
    }
    c->has_cr = false;
    c->has_text = false;
    c->is_over = c->in_body && c->left == 0;
}

size_t mk_pop3_cut_take(pop3_cut *c, mk_str span)
{
    size_t at = 0;

    while (at < span.len && !c->is_over) {
        mk_str rest = mk_str_sub(span, at, SIZE_MAX);
        size_t n = mk_str_find(rest, '\n');

        if (n > 0 && !c->in_body) {
            look(c, mk_str_sub(rest, 0, n));
        }
        if (n == rest.len) {
            return span.len;
        }
        at += n + 1;
        line_ended(c);
    }
    return at;
}

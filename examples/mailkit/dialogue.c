/* SPDX-License-Identifier: MIT
 *
 * dialogue.c: see dialogue.h. The tap tells runs of octets; lines are put
 * together here, clipped, and made visible before a terminal sees them. That
 * the body runs is known from the server's 354 alone, that it ended from the
 * line with a single dot (RFC 5321 4.1.1.4).
 */
#include "dialogue.h"

#include "tool.h"

#include <inttypes.h>
#include <string.h>

enum { BODY_LINES_SHOWN = 5, SERVER = 0, CLIENT = 1 };

static void show(const dialogue *d, int who)
{
    fputs(who == CLIENT ? "C: " : "S: ", stderr);
    tool_print_escaped(stderr,
                       mk_str_of(d->line[who].octets, d->line[who].len));
    fputs(d->line[who].size > d->line[who].len ? "...\n" : "\n", stderr);
}

static void body_line(dialogue *d)
{
    bool is_end = d->line[CLIENT].size == 1 && d->line[CLIENT].octets[0] == '.';

    if (is_end && d->body_lines > BODY_LINES_SHOWN) {
        fprintf(stderr,
                "C: [lines more: %" PRIu64 ", octets in all: %" PRIu64 "]\n",
                d->body_lines - BODY_LINES_SHOWN, d->body_bytes - 3);
    }
    if (is_end || d->body_lines < BODY_LINES_SHOWN) {
        show(d, CLIENT);
    }
    d->body_lines++;
    d->in_body = !is_end;
}

/* 354, and the last line of it */
static bool is_go_ahead(mk_str line)
{
    return mk_str_has_prefix_nocase(line, mk_str_z("354")) &&
           (line.len == 3 || line.ptr[3] == ' ');
}

static void line_ended(dialogue *d, int who)
{
    d->body_bytes += d->line[who].size + 1;
    if (d->line[who].len > 0 && d->line[who].len == d->line[who].size &&
        d->line[who].octets[d->line[who].len - 1] == '\r') {
        d->line[who].len--;
        d->line[who].size--;
    }
    if (who == CLIENT && d->in_body) {
        body_line(d);
    } else {
        show(d, who);
    }
    if (who == SERVER &&
        is_go_ahead(mk_str_of(d->line[who].octets, d->line[who].len))) {
        d->in_body = true;
        d->body_lines = 0;
        d->body_bytes = 0;
    }
    d->line[who].len = 0;
    d->line[who].size = 0;
}

static void told(void *self, bool outgoing, mk_str octets)
{
    dialogue *d = self;
    int who = outgoing ? CLIENT : SERVER;
    size_t i;

    for (i = 0; i < octets.len; i++) {
        if (octets.ptr[i] == '\n') {
            line_ended(d, who);
            continue;
        }
        if (d->line[who].len < sizeof d->line[who].octets) {
            d->line[who].octets[d->line[who].len++] = octets.ptr[i];
        }
        d->line[who].size++;
    }
}

mk_err dialogue_over(dialogue *d, mk_engine *inner, mk_engine **out_outer)
{
    memset(d, 0, sizeof *d);
    return mk_tap_over(inner, told, d, d->tap, sizeof d->tap, out_outer);
}

/* SPDX-License-Identifier: MIT
 *
 * dialogue.c: see dialogue.h. The tap tells runs of octets; lines are put
 * together here, clipped, and made visible before a terminal sees them. It
 * knows no verb: what a line is, and whether it may be seen, is judged by the
 * protocol.
 */
#include "dialogue.h"

#include "tool.h"

#include <inttypes.h>
#include <string.h>

enum { BODY_LINES_SHOWN = 5 };

static const char letters[] = "SC";

static mk_str line_of(const dialogue *d, int who)
{
    return mk_str_of(d->line[who].octets, d->line[who].len);
}

void dialogue_show(const dialogue *d, int who)
{
    fprintf(stderr, "%c: ", letters[who]);
    tool_print_escaped(stderr, line_of(d, who));
    fputs(d->line[who].size > d->line[who].len ? "...\n" : "\n", stderr);
}

void dialogue_hide(dialogue *d, size_t n)
{
    mk_str line = line_of(d, DIALOGUE_CLIENT);
    mk_str shown = mk_str_sub(line, 0, n);

    fputs("C: ", stderr);
    tool_print_escaped(stderr, shown);
    fputs(shown.len < line.len                       ? "****\n"
          : d->line[DIALOGUE_CLIENT].size > line.len ? "...\n"
                                                     : "\n",
          stderr);
    mk_wipe(d->line[DIALOGUE_CLIENT].octets,
            sizeof d->line[DIALOGUE_CLIENT].octets);
}

bool dialogue_is_response(mk_str line)
{
    size_t i;

    for (i = 0; i < line.len; i++) {
        char c = line.ptr[i];
        if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
            !(c >= '0' && c <= '9') && c != '+' && c != '/' && c != '=') {
            return false;
        }
    }
    return true;
}

void dialogue_begin_body(dialogue *d)
{
    d->in_body = true;
    d->body_lines = 0;
    d->body_bytes = 0;
}

void dialogue_body(dialogue *d, int who)
{
    bool is_end = d->line[who].size == 1 && d->line[who].octets[0] == '.';

    if (is_end && d->body_lines > BODY_LINES_SHOWN) {
        fprintf(stderr,
                "%c: [lines more: %" PRIu64 ", octets in all: %" PRIu64 "]\n",
                letters[who], d->body_lines - BODY_LINES_SHOWN,
                d->body_bytes - 3);
    }
    if (is_end || d->body_lines < BODY_LINES_SHOWN) {
        dialogue_show(d, who);
    }
    d->body_lines++;
    d->in_body = !is_end;
}

void dialogue_chunk(dialogue *d, uint64_t octets)
{
    fprintf(stderr, "C: [octets: %" PRIu64 "]\n", octets);
    d->chunk_left = octets;
}

void dialogue_tls(const mk_tls_info *info, const char *host)
{
    fputs("-- ", stderr);
    tool_print_escaped(stderr, info->version);
    fputs(" ", stderr);
    tool_print_escaped(stderr, info->cipher);
    fputs(info->is_verified ? ", verified: " : ", not verified: ", stderr);
    fputs(info->is_verified ? host : mk_err_text(info->verify), stderr);
    fputs("\n", stderr);
}

static void line_ended(dialogue *d, int who)
{
    d->body_bytes += d->line[who].size + 1;
    if (d->line[who].len > 0 && d->line[who].len == d->line[who].size &&
        d->line[who].octets[d->line[who].len - 1] == '\r') {
        d->line[who].len--;
        d->line[who].size--;
    }
    d->protocol->line(d, who, line_of(d, who));
    d->line[who].len = 0;
    d->line[who].size = 0;
}

static void told(void *self, bool outgoing, mk_str octets)
{
    dialogue *d = self;
    int who = outgoing ? DIALOGUE_CLIENT : DIALOGUE_SERVER;
    size_t i;

    for (i = 0; i < octets.len; i++) {
        if (outgoing && d->chunk_left > 0) {
            d->chunk_left--;
            continue;
        }
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

mk_err dialogue_over(dialogue *d, const dialogue_protocol *protocol,
                     mk_engine *inner, mk_engine **out_outer)
{
    memset(d, 0, sizeof *d);
    d->protocol = protocol;
    return mk_tap_over(inner, told, d, d->tap, sizeof d->tap, out_outer);
}

/* SPDX-License-Identifier: MIT
 *
 * dialogue.c: see dialogue.h. The tap tells runs of octets; lines are put
 * together here, clipped, and made visible before a terminal sees them. That
 * the body runs is known from the server's 354 alone, that it ended from the
 * line with a single dot (RFC 5321 4.1.1.4). From our AUTH on whatever could
 * be base64 is hidden (RFC 4954 4), whatever the server says to it.
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

static mk_str line_of(const dialogue *d, int who)
{
    return mk_str_of(d->line[who].octets, d->line[who].len);
}

/* Could it be a response (base64)? No command but QUIT could, and QUIT is the
 * base64 of something that no password holds. */
static bool is_response(mk_str line)
{
    size_t i;

    for (i = 0; i < line.len; i++) {
        char c = line.ptr[i];
        if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
            !(c >= '0' && c <= '9') && c != '+' && c != '/' && c != '=') {
            return false;
        }
    }
    return !mk_str_is(line, mk_str_z("QUIT"));
}

/* AUTH and its mechanism are no secret, what stands behind them is. */
static void client_line(dialogue *d)
{
    mk_str line = line_of(d, CLIENT);
    mk_str words = mk_str_sub(line, 5, SIZE_MAX);
    bool is_auth = mk_str_has_prefix_nocase(line, mk_str_z("AUTH "));

    if (!is_auth && !(d->in_login && is_response(line))) {
        d->is_tls_next = mk_str_is_nocase(line, mk_str_z("STARTTLS"));
        d->in_login = false;
        show(d, CLIENT);
        return;
    }
    words = mk_str_sub(line, 0, is_auth ? 5 + mk_str_find(words, ' ') + 1 : 0);
    fputs("C: ", stderr);
    tool_print_escaped(stderr, words);
    fputs(is_auth && words.len == line.len ? "\n" : "****\n", stderr);
    mk_wipe(d->line[CLIENT].octets, sizeof d->line[CLIENT].octets);
    d->in_login = true;
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

static void server_line(dialogue *d)
{
    mk_str line = line_of(d, SERVER);
    bool is_whole = line.len == 3 || (line.len > 3 && line.ptr[3] != '-');

    show(d, SERVER);
    if (is_whole && mk_str_has_prefix_nocase(line, mk_str_z("354"))) {
        d->in_body = true;
        d->body_lines = 0;
        d->body_bytes = 0;
    }
    if (is_whole && d->is_tls_next) {
        fputs(line.ptr[0] == '2' ? "-- TLS begins\n" : "", stderr);
        d->is_tls_next = false;
    }
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
    if (who == CLIENT && d->in_body) {
        body_line(d);
    } else if (who == CLIENT) {
        client_line(d);
    } else {
        server_line(d);
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

/* SPDX-License-Identifier: MIT
 *
 * dialogue_smtp.c: the lines of SMTP for dialogue.h. That the body runs is
 * known from the server's 354 alone, that it ended from the line with a single
 * dot (RFC 5321 4.1.1.4), and of a chunk how long it is from its BDAT (RFC 3030
 * 2): it is not shown. From our AUTH on whatever could be base64 is hidden
 * (RFC 4954 4), whatever the server says to it.
 */
#include "dialogue.h"

#include <stdio.h>

/* BDAT SP 1*DIGIT [SP "LAST"] */
static void chunk_line(dialogue *d, mk_str line)
{
    mk_str size = mk_str_sub(line, 5, SIZE_MAX);
    uint64_t octets = 0;

    size.len = mk_str_find(size, ' ');
    if (mk_str_has_prefix_nocase(line, mk_str_z("BDAT ")) &&
        mk_str_u64(size, &octets) == MK_OK && octets > 0) {
        dialogue_chunk(d, octets);
    }
}

/* AUTH and its mechanism are no secret, what stands behind them is. No command
 * but QUIT could be a response, and QUIT is the base64 of something that no
 * password holds. */
static void client_line(dialogue *d, mk_str line)
{
    mk_str words = mk_str_sub(line, 5, SIZE_MAX);
    bool is_auth = mk_str_has_prefix_nocase(line, mk_str_z("AUTH "));

    if (!is_auth && !(d->in_login && dialogue_is_response(line) &&
                      !mk_str_is(line, mk_str_z("QUIT")))) {
        d->is_tls_next = mk_str_is_nocase(line, mk_str_z("STARTTLS"));
        d->in_login = false;
        dialogue_show(d, DIALOGUE_CLIENT);
        chunk_line(d, line);
        return;
    }
    dialogue_hide(d, is_auth ? 5 + mk_str_find(words, ' ') + 1 : 0);
    d->in_login = true;
}

static void server_line(dialogue *d, mk_str line)
{
    bool is_whole = line.len == 3 || (line.len > 3 && line.ptr[3] != '-');

    dialogue_show(d, DIALOGUE_SERVER);
    if (is_whole && mk_str_has_prefix_nocase(line, mk_str_z("354"))) {
        dialogue_begin_body(d);
    }
    if (is_whole && d->is_tls_next) {
        fputs(line.ptr[0] == '2' ? "-- TLS begins\n" : "", stderr);
        d->is_tls_next = false;
    }
}

static void smtp_line(dialogue *d, int who, mk_str line)
{
    if (who == DIALOGUE_SERVER) {
        server_line(d, line);
    } else if (d->in_body) {
        dialogue_body(d, who);
    } else {
        client_line(d, line);
    }
}

const dialogue_protocol dialogue_smtp = {smtp_line};

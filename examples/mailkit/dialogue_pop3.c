/* SPDX-License-Identifier: MIT
 *
 * dialogue_pop3.c: the lines of POP3 for dialogue.h. Which reply has further
 * lines is known from the command alone (RFC 1939 3), and several may be under
 * way, so they are remembered in order. Hidden are the argument of PASS, the
 * digest of APOP, and from our AUTH on whatever could be base64 and is no
 * command (RFC 5034 4).
 */
#include "dialogue.h"

#include <stdio.h>

typedef enum reply_kind {
    REPLY_STATUS, /* one line */
    REPLY_LINES,  /* more of them behind +OK */
    REPLY_TLS,    /* to STLS */
    REPLY_LOGIN   /* to AUTH: "+" asks for more */
} reply_kind;

static const struct {
    const char *word;
    bool is_alone; /* without arguments only */
    reply_kind kind;
} rows[] = {
    {"RETR", false, REPLY_LINES}, {"TOP", false, REPLY_LINES},
    {"LIST", true, REPLY_LINES},  {"UIDL", true, REPLY_LINES},
    {"CAPA", false, REPLY_LINES}, {"STLS", false, REPLY_TLS},
    {"AUTH", false, REPLY_LOGIN},
};

static reply_kind kind_of(mk_str line)
{
    size_t at = mk_str_find(line, ' ');
    size_t i;

    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (mk_str_is_nocase(mk_str_sub(line, 0, at), mk_str_z(rows[i].word)) &&
            (!rows[i].is_alone || at == line.len)) {
            return rows[i].kind;
        }
    }
    return REPLY_STATUS;
}

/* As base64 these are octets that no password in UTF-8 has. */
static bool is_command(mk_str line)
{
    static const char *const words[] = {"CAPA", "STLS", "STAT", "LIST",
                                        "UIDL", "NOOP", "RSET", "QUIT"};
    size_t i;

    for (i = 0; i < sizeof words / sizeof *words; i++) {
        if (mk_str_is(line, mk_str_z(words[i]))) {
            return true;
        }
    }
    return false;
}

/* Octets of a command that may be seen; line.len for most. */
static size_t open_part(mk_str line)
{
    size_t at = mk_str_find(line, ' ') + 1;
    mk_str word = mk_str_sub(line, 0, at - 1);

    if (mk_str_is_nocase(word, mk_str_z("PASS"))) {
        return at;
    }
    if (mk_str_is_nocase(word, mk_str_z("AUTH")) ||
        mk_str_is_nocase(word, mk_str_z("APOP"))) {
        return at + mk_str_find(mk_str_sub(line, at, SIZE_MAX), ' ') + 1;
    }
    return line.len;
}

static void client_line(dialogue *d, mk_str line)
{
    unsigned at = (d->asked_first + d->asked_count) % DIALOGUE_ASKED_MAX;
    reply_kind kind = kind_of(line);

    if (d->in_login && dialogue_is_response(line) && !is_command(line)) {
        dialogue_hide(d, 0);
        return;
    }
    if (d->in_login && mk_str_is(line, mk_str_z("*"))) {
        dialogue_show(d, DIALOGUE_CLIENT); /* gives up; no command either */
        return;
    }
    d->in_login = kind == REPLY_LOGIN;
    if (d->asked_count < DIALOGUE_ASKED_MAX) {
        d->asked[at] = (unsigned char)kind;
        d->asked_count++;
    }
    dialogue_hide(d, open_part(line));
}

static void status_line(dialogue *d, mk_str line)
{
    bool is_ok = mk_str_has_prefix_nocase(line, mk_str_z("+OK"));
    reply_kind kind = d->asked_count > 0 ? (reply_kind)d->asked[d->asked_first]
                                         : REPLY_STATUS;

    dialogue_show(d, DIALOGUE_SERVER);
    if (kind == REPLY_LOGIN && line.len > 0 && line.ptr[0] == '+' && !is_ok) {
        return;
    }
    if (d->asked_count > 0) {
        d->asked_first = (d->asked_first + 1) % DIALOGUE_ASKED_MAX;
        d->asked_count--;
    }
    if (is_ok && kind == REPLY_LINES) {
        dialogue_begin_body(d);
    }
    if (is_ok && kind == REPLY_TLS) {
        fputs("-- TLS begins\n", stderr);
    }
}

static void pop3_line(dialogue *d, int who, mk_str line)
{
    if (who == DIALOGUE_CLIENT) {
        client_line(d, line);
    } else if (d->in_body) {
        dialogue_body(d, who);
    } else {
        status_line(d, line);
    }
}

const dialogue_protocol dialogue_pop3 = {pop3_line};

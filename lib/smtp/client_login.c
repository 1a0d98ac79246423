/* SPDX-License-Identifier: MIT
 *
 * client_login.c: the client's AUTH (RFC 4954 4): one mechanism is chosen, its
 * messages go out in base64 by pieces, however small the unit, and challenges
 * are taken from the line in which they stand. A server's word of success is
 * believed only when the mechanism agrees (THREATS 47), and after a failure
 * nothing weaker is tried (THREATS 41). It knows no mechanism.
 */
#include "smtp/client_internal.h"

#include <mailkit/codec.h>

enum {
    command_max = 512, /* RFC 4954 4: longer ones go without the initial
                        * response */
    piece_min = 64,
    challenge_max = 1536 /* of a reply line at its default */
};

static const mk_sasl_client_ops *ops_of(const mk_smtp_client *c)
{
    return c->config->sasl->ops;
}

void mk_smtp_client_login_close(mk_smtp_client *c)
{
    if (c->login != NULL) {
        ops_of(c)->close(c->login);
        c->login = NULL;
    }
}

/* ---- the beginning ------------------------------------------------------- */

/* Would there be a way if the channel were safe? */
static mk_err why_none(const mk_smtp_client *c)
{
    mk_sasl_client_config free_and_easy = *c->config->sasl;

    free_and_easy.is_clear_allowed = true;
    return ops_of(c)->choose(&free_and_easy, c->mechanisms, c->tls) ==
                   MK_SASL_NONE
               ? MK_E_UNSUPPORTED
               : MK_E_CLEARTEXT;
}

void mk_smtp_client_login(mk_smtp_client *c)
{
    const mk_sasl_client_config *s = c->config->sasl;
    size_t n = ops_of(c)->need(c->config->sasl_message_max);
    mk_err err;

    c->mechanism = ops_of(c)->choose(s, c->mechanisms, c->tls);
    if (c->mechanism == MK_SASL_NONE) {
        err = why_none(c);
    } else {
        err = ops_of(c)->open(s, c->mechanism, c->mechanisms, c->tls, c + 1, n,
                              &c->login);
    }
    if (err != MK_OK) {
        mk_smtp_client_turn_away(c, err, MK_RETRY_LATER,
                                 "there is no way to log in");
        return;
    }
    mk_smtp_client_begin(c, CLIENT_AUTH, MK_SMTP_VERB_AUTH);
    c->login_state = (uint8_t)ops_of(c)->next_state(c->login);
    c->login_at = 0;
    c->login_why = MK_OK;
    c->is_cancelling = false;
}

static void end(mk_smtp_client *c, mk_err why, const char *text)
{
    mk_smtp_client_login_close(c);
    mk_smtp_client_turn_away(c, why, MK_RETRY_LATER, text);
}

/* ---- what is said -------------------------------------------------------- */

/* Base64 of as much of the message as there is room for; true: all of it. */
static bool add_piece(mk_smtp_client *c, mk_str message, mk_buf *b)
{
    size_t groups = (b->max - b->len - 2) / 4;
    mk_str rest = mk_str_sub(message, c->login_at, SIZE_MAX);
    bool is_all = rest.len <= groups * 3;
    mk_str piece = mk_str_sub(rest, 0, is_all ? rest.len : groups * 3);

    mk_base64_format(piece, b);
    c->login_at += (uint32_t)piece.len;
    return is_all;
}

/* Queue a line, or the next piece of it. True: its end is queued. */
static bool say(mk_smtp_client *c, mk_str words, mk_str message)
{
    bool is_all;
    mk_buf b;

    if (!mk_outq_reserve(&c->out, piece_min)) {
        c->is_starved = c->out.unit == NULL;
        mk_outq_release(&c->out);
        return false;
    }
    b = mk_outq_room(&c->out);
    if (c->login_at == 0) {
        mk_buf_add(&b, words);
    }
    is_all = add_piece(c, message, &b);
    if (is_all) {
        mk_buf_add_z(&b, "\r\n");
        c->sent++;
        c->unsent++;
        c->login_at = 0;
    }
    mk_outq_commit(&c->out, b.len);
    mk_outq_release(&c->out);
    return is_all;
}

/* initial-response = base64 / "="; a longer one waits for a challenge. */
static void say_auth(mk_smtp_client *c)
{
    char room[piece_min];
    mk_str message = ops_of(c)->message(c->login);
    mk_buf words;
    bool is_initial;

    mk_buf_init(&words, room, sizeof room);
    mk_buf_add_z(&words, "AUTH ");
    mk_buf_add_z(&words, ops_of(c)->name((mk_sasl_mechanism)c->mechanism));
    is_initial = c->login_state == MK_SASL_SEND &&
                 message.len / 3 * 4 + 4 + words.len + 3 <= command_max;
    if (!is_initial) {
        (void)say(c, mk_buf_str(&words), mk_str_of(NULL, 0));
        return;
    }
    mk_buf_add_z(&words, message.len > 0 ? " " : " =");
    if (say(c, mk_buf_str(&words), message)) {
        c->login_state = (uint8_t)ops_of(c)->next_state(c->login);
    }
}

static void say_next(mk_smtp_client *c)
{
    static const mk_str none = {NULL, 0};

    if (c->sent == 0) {
        say_auth(c);
    } else if (c->login_why != MK_OK) {
        c->is_cancelling = say(c, mk_str_of("*", 1), none);
    } else if (c->login_state == MK_SASL_SEND) {
        if (say(c, none, ops_of(c)->message(c->login))) {
            c->login_state = (uint8_t)ops_of(c)->next_state(c->login);
        }
    } else {
        (void)say(c, none, none); /* DONE: the server's last word was taken */
    }
}

void mk_smtp_client_login_advance(mk_smtp_client *c)
{
    if (c->sent > c->got) {
        return; /* a reply is due */
    }
    if (c->login_state == MK_SASL_WORK) {
        c->login_state = (uint8_t)ops_of(c)->next_state(c->login);
        c->is_stirred = true; /* a slice a step, so that no loop stalls */
        return;
    }
    if (c->login_state == MK_SASL_FAILED && c->login_why == MK_OK) {
        c->login_why = ops_of(c)->why(c->login);
    }
    say_next(c);
}

/* ---- what is heard ------------------------------------------------------- */

static mk_err take_challenge(mk_smtp_client *c, mk_str text)
{
    char room[challenge_max];
    mk_buf b;
    mk_err err;

    mk_buf_init(&b, room, sizeof room);
    err = mk_base64_parse(text, &b);
    if (err == MK_E_ROOM) {
        err = MK_E_LIMIT;
    } else if (err == MK_OK && c->login_state != MK_SASL_SEND) {
        err = ops_of(c)->take(c->login, mk_buf_str(&b));
        c->login_state = (uint8_t)ops_of(c)->next_state(c->login);
    } else if (err == MK_OK && b.len > 0) {
        err = MK_E_PROTOCOL; /* the initial response is still to come */
    }
    mk_wipe(room, sizeof room);
    return err == MK_E_STATE ? MK_E_PROTOCOL : err;
}

/* "334" SP [base64], in one line */
void mk_smtp_client_login_line(mk_smtp_client *c, mk_str line)
{
    if (c->reader.reply.code != 334 || c->login == NULL ||
        c->login_why != MK_OK) {
        return;
    }
    c->login_why = c->reader.lines > 1 || !c->reader.is_done
                       ? MK_E_PROTOCOL
                       : take_challenge(c, mk_str_sub(line, 4, SIZE_MAX));
}

void mk_smtp_client_hear_auth(mk_smtp_client *c, unsigned first_digit)
{
    if (c->is_cancelling) {
        end(c, c->login_why, "the login was broken off");
    } else if (first_digit == 2 && c->login_state == MK_SASL_DONE &&
               c->login_why == MK_OK) {
        c->is_known = true;
        mk_smtp_client_login_close(c);
        mk_smtp_client_served(c);
    } else if (first_digit == 2) {
        end(c, MK_E_PROTOCOL, "the server calls an unfinished login good");
    } else if (first_digit != 3) {
        end(c, MK_E_AUTH, "the server refuses the login");
    }
}

/* SPDX-License-Identifier: MIT
 *
 * client_login.c: the client's AUTH (RFC 4954 4): one mechanism is chosen, its
 * messages go out by pieces, however small the unit, and challenges are taken
 * from the line in which they stand. A server's word of success is
 * believed only when the mechanism agrees (THREATS 47), and after a failure
 * nothing weaker is tried (THREATS 41). It knows no mechanism.
 */
#include "smtp/client_internal.h"

enum {
    command_max = 512, /* RFC 4954 4: longer ones go without the initial
                        * response */
    piece_min = 64
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
    c->is_cut = false;
    c->is_cancelling = false;
}

static void end(mk_smtp_client *c, mk_err why, const char *text)
{
    mk_smtp_client_login_close(c);
    mk_smtp_client_turn_away(c, why, MK_RETRY_LATER, text);
}

/* ---- what is said -------------------------------------------------------- */

/* Queue a line, or the next piece of it: words, and what the mechanism has to
 * say. True: its end is queued. */
static bool say(mk_smtp_client *c, mk_str words, bool has_message)
{
    bool is_all = true;
    mk_buf b;

    if (!mk_outq_reserve(&c->out, piece_min)) {
        c->is_starved = c->out.unit == NULL;
        mk_outq_release(&c->out);
        return false;
    }
    b = mk_outq_room(&c->out);
    b.max -= 2; /* for the end of the line */
    if (!c->is_cut) {
        mk_buf_add(&b, words);
    }
    if (has_message) {
        is_all = ops_of(c)->say(c->login, &b);
    }
    c->is_cut = !is_all;
    if (is_all) {
        b.max += 2;
        mk_buf_add_z(&b, "\r\n");
        c->sent++;
        c->unsent++;
    }
    mk_outq_commit(&c->out, b.len);
    mk_outq_release(&c->out);
    return is_all;
}

/* initial-response = base64 / "="; a longer one waits for a challenge. */
static void say_auth(mk_smtp_client *c)
{
    char room[piece_min];
    size_t n = ops_of(c)->message(c->login).len;
    mk_buf words;
    bool is_initial;

    mk_buf_init(&words, room, sizeof room);
    mk_buf_add_z(&words, "AUTH ");
    mk_buf_add_z(&words, ops_of(c)->name((mk_sasl_mechanism)c->mechanism));
    is_initial = c->login_state == MK_SASL_SEND &&
                 n / 3 * 4 + 4 + words.len + 3 <= command_max;
    if (is_initial) {
        mk_buf_add_z(&words, n > 0 ? " " : " =");
    }
    if (say(c, mk_buf_str(&words), is_initial) && is_initial) {
        c->login_state = (uint8_t)ops_of(c)->next_state(c->login);
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
    } else if (c->sent == 0) {
        say_auth(c);
    } else if (say(c, mk_str_of(NULL, 0), true)) {
        c->is_cancelling = c->login_state == MK_SASL_FAILED;
        c->login_state = (uint8_t)ops_of(c)->next_state(c->login);
    }
}

/* ---- what is heard ------------------------------------------------------- */

/* "334" SP [base64], in one line */
void mk_smtp_client_login_line(mk_smtp_client *c, mk_str line)
{
    if (c->reader.reply.code != 334 || c->login == NULL) {
        return;
    }
    if (c->reader.lines > 1 || !c->reader.is_done) {
        ops_of(c)->fail(c->login, MK_E_PROTOCOL);
    }
    ops_of(c)->hear(c->login, mk_str_sub(line, 4, SIZE_MAX));
    if (ops_of(c)->heard(c->login) != MK_OK || c->login_state != MK_SASL_SEND) {
        c->login_state = (uint8_t)ops_of(c)->next_state(c->login);
    }
}

void mk_smtp_client_hear_auth(mk_smtp_client *c, unsigned first_digit)
{
    if (c->is_cancelling) {
        end(c, ops_of(c)->why(c->login), "the login was broken off");
    } else if (first_digit == 2 && c->login_state == MK_SASL_DONE) {
        c->is_known = true;
        mk_smtp_client_login_close(c);
        mk_smtp_client_served(c);
    } else if (first_digit == 2) {
        end(c, MK_E_PROTOCOL, "the server calls an unfinished login good");
    } else if (first_digit != 3) {
        end(c, MK_E_AUTH, "the server refuses the login");
    }
}

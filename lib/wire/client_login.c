/* SPDX-License-Identifier: MIT
 *
 * wire/client_login.c: the client's AUTH (RFC 4954 4, RFC 5034 4): the messages
 * of the mechanism that was chosen go out by pieces, however small the unit,
 * and challenges are taken from the line in which they stand. A server's word
 * of success is believed only when the mechanism agrees (THREATS 47), and after
 * a failure nothing weaker is tried (THREATS 41). It knows no mechanism.
 */
#include "wire/client.h"

enum { piece_min = 64 };

void mk_client_login_close(mk_client *c)
{
    if (c->login != NULL) {
        c->sasl->close(c->login);
        c->login = NULL;
    }
}

void mk_client_login_end(mk_client *c, mk_err why, mk_retry retry,
                         const char *text)
{
    mk_client_login_close(c);
    mk_client_turn_away(c, why, retry, text);
}

static void go_on(mk_client *c)
{
    c->login_state = (uint8_t)c->sasl->next_state(c->login);
}

mk_err mk_client_login_open(mk_client *c)
{
    mk_err err = c->sasl->open(c->sasl_config, (mk_sasl_mechanism)c->mechanism,
                               c->mechanisms, c->tls, c->login_room,
                               c->login_bytes, &c->login);

    if (err == MK_OK) {
        go_on(c);
        c->is_login_said = false;
        c->is_cut = false;
        c->is_cancelling = false;
    }
    return err;
}

/* ---- what is said -------------------------------------------------------- */

bool mk_client_login_say(mk_client *c, mk_str words, bool has_message)
{
    bool is_all = true;
    mk_buf b;

    if (!mk_outq_reserve(&c->out, words.len + piece_min)) {
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
        is_all = c->sasl->say(c->login, &b);
    }
    c->is_cut = !is_all;
    if (is_all) {
        b.max += 2;
        mk_buf_add_z(&b, "\r\n");
        c->awaited++;
    }
    mk_outq_commit(&c->out, b.len);
    mk_outq_release(&c->out);
    return is_all;
}

/* initial-response = base64 / "="; a longer one waits for a challenge. */
static void say_auth(mk_client *c)
{
    char room[piece_min];
    size_t n = c->sasl->message(c->login).len;
    mk_buf words;
    bool is_initial;

    mk_buf_init(&words, room, sizeof room);
    mk_buf_add_z(&words, "AUTH ");
    mk_buf_add_z(&words, c->sasl->name((mk_sasl_mechanism)c->mechanism));
    is_initial =
        c->login_state == MK_SASL_SEND &&
        n / 3 * 4 + 4 + words.len + 3 <= mk_client_kind_of(c)->auth_max;
    if (is_initial) {
        mk_buf_add_z(&words, n > 0 ? " " : " =");
    }
    c->is_login_said = mk_client_login_say(c, mk_buf_str(&words), is_initial);
    if (c->is_login_said && is_initial) {
        go_on(c);
    }
}

void mk_client_login_advance(mk_client *c)
{
    if (c->awaited > 0) {
        return; /* a reply is due */
    }
    if (c->login_state == MK_SASL_WORK) {
        go_on(c);
        c->is_stirred = true; /* a slice a step, so that no loop stalls */
    } else if (!c->is_login_said) {
        say_auth(c);
    } else if (mk_client_login_say(c, mk_str_of(NULL, 0), true)) {
        c->is_cancelling = c->login_state == MK_SASL_FAILED;
        go_on(c);
    }
}

/* ---- what is heard ------------------------------------------------------- */

void mk_client_login_hear(mk_client *c, mk_str base64)
{
    c->sasl->hear(c->login, base64);
    if (c->sasl->heard(c->login) != MK_OK || c->login_state != MK_SASL_SEND) {
        go_on(c);
    }
}

void mk_client_login_heard(mk_client *c, bool is_good, mk_retry retry)
{
    if (c->is_cancelling) {
        mk_client_login_end(c, c->sasl->why(c->login), MK_RETRY_LATER,
                            "the login was broken off");
    } else if (!is_good) {
        mk_client_login_end(c, MK_E_AUTH, retry,
                            "the server refuses the login");
    } else if (c->login_state == MK_SASL_DONE) {
        c->is_known = true;
        mk_client_login_close(c);
        mk_client_kind_of(c)->served(c);
    } else {
        mk_client_login_end(c, MK_E_PROTOCOL, MK_RETRY_LATER,
                            "the server calls an unfinished login good");
    }
}

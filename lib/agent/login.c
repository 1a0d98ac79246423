/* SPDX-License-Identifier: MIT
 *
 * login.c: the way of a login from the engine's question to the authenticator
 * and back (RFC 4954 4, RFC 4422 3). A question is a number in the slots, as a
 * stage's is, so that an answer that comes too late is stale and hits nobody
 * (Law 5). The name that the authenticator gives counts only once the engine
 * tells that the exchange succeeded. It judges nothing, keeps no secret, and
 * without an authenticator refuses each login for now.
 */
#include <mailkit/sasl.h>

#include "base/ascii.h"
#include "internal.h"

static void text_free(const mk_session *s, char **io_text, uint16_t *io_bytes)
{
    mk_alloc_put(s->in->c.alloc, *io_text, *io_bytes);
    *io_text = NULL;
    *io_bytes = 0;
}

/* NULL when memory is out. */
static void text_keep(const mk_session *s, mk_str text, char **io_text,
                      uint16_t *io_bytes)
{
    text_free(s, io_text, io_bytes);
    *io_text = mk_agent_copy(s->in->c.alloc, text, text.len);
    *io_bytes = (uint16_t)(*io_text != NULL ? text.len : 0);
}

static void login_free(mk_session *s)
{
    text_free(s, &s->login, &s->login_bytes);
    s->is_logged_in = false;
}

void mk_agent_login_forget(mk_session *s)
{
    login_free(s);
    text_free(s, &s->claimed, &s->claimed_bytes);
}

/* ---- the question -------------------------------------------------------- */

static void question_close(mk_session *s)
{
    s->open = false;
    s->at_login = false;
    s->put_off = false;
}

void mk_agent_login_withdraw(mk_session *s)
{
    const mk_authenticator *a = s->in->c.authenticator;
    mk_ask ask = mk_agent_chain_question_now(s);

    if (s->at_login) {
        question_close(s);
        if (a->withdrawn != NULL) {
            a->withdrawn(a->self, ask);
        }
    }
}

void mk_agent_login_ask(mk_session *s, const mk_event *ev)
{
    const mk_authenticator *a = s->in->c.authenticator;

    login_free(s);
    /* a failure tells no name: the record shall (THREATS 51) */
    mk_str claimed = mk_str_sub(ev->of.sasl->authcid, 0, MK_SASL_NAME_MAX);
    text_keep(s, claimed, &s->claimed, &s->claimed_bytes);
    if (a == NULL) {
        mk_sasl_answer(s->engine, ev->op, MK_ANSWER_LATER, NULL);
        return;
    }
    s->op = ev->op;
    s->put_off = false;
    mk_ask ask = mk_agent_chain_question(s);
    s->at_login = true;
    s->running = true; /* it may close the connection from inside */
    a->check(a->self, ev->of.sasl, ask);
    s->running = false;
    if (s->at_login) {
        s->put_off = true;
        if (mk_later(s->engine, s->op) != MK_OK) {
            mk_agent_login_withdraw(s);
        }
    }
    mk_agent_inbound_release(s);
}

/* ---- the answer ---------------------------------------------------------- */

static mk_err name_check(mk_str login)
{
    if (login.len == 0 || login.len > MK_LOGIN_MAX) {
        return MK_E_ARG;
    }
    for (size_t i = 0; i < login.len; i++) {
        unsigned char c = mk_octet_at(login, i);
        if (c < 0x20 || c == 0x7F) {
            return MK_E_CTL;
        }
    }
    return MK_OK;
}

mk_err mk_login_answer(mk_ask ask, mk_answer answer, const mk_sasl_keys *keys,
                       mk_str login)
{
    mk_session *s = mk_agent_inbound_find(ask, true);
    bool is_yes = answer == MK_ANSWER_YES;
    mk_err err = is_yes ? name_check(login) : MK_OK;

    if (s == NULL) {
        return MK_E_STALE;
    }
    if (err != MK_OK) {
        return err;
    }
    if (is_yes) {
        text_keep(s, login, &s->login, &s->login_bytes);
    }
    bool is_short = is_yes && s->login == NULL;
    err = mk_sasl_answer(s->engine, s->op, is_short ? MK_ANSWER_LATER : answer,
                         keys);
    if (err != MK_OK) {
        login_free(s);
    }
    if (err == MK_E_ARG) {
        return err;
    }
    /* else, if not taken: the engine withdrew it and is about to tell */
    bool late = s->put_off;
    question_close(s);
    if (late) {
        s->in->c.host->wake(s->in->c.host->self, s->conn);
    }
    return err == MK_OK && is_short ? MK_E_MEMORY : err;
}

/* ---- the end ------------------------------------------------------------- */

static void log_end(const mk_session *s, const mk_event *ev)
{
    const mk_log *log = &s->in->c.log;
    const mk_smtp_event *what = ev->of.smtp;

    if (log->write != NULL) {
        mk_log_record r = mk_agent_inbound_record(s, MK_LOG_LOGIN);
        r.err = ev->err == MK_OK && !s->is_logged_in ? MK_E_AUTH : ev->err;
        r.text = mk_str_z(r.err == MK_OK ? "logged in" : mk_err_text(r.err));
        if (!s->is_logged_in) {
            r.login = what->argument.len > 0
                          ? what->argument
                          : mk_str_of(s->claimed, s->claimed_bytes);
        }
        r.mechanism = mk_sasl_name((mk_sasl_mechanism)what->mechanism);
        log->write(log->self, &r);
    }
}

void mk_agent_login_end(mk_session *s, const mk_event *ev)
{
    s->is_logged_in = ev->err == MK_OK && s->login != NULL;
    if (!s->is_logged_in) {
        login_free(s);
    }
    log_end(s, ev);
    text_free(s, &s->claimed, &s->claimed_bytes);
}

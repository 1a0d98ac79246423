/* SPDX-License-Identifier: MIT
 *
 * login.c: the way of a login from the engine's question to the authenticator
 * and back (RFC 4954 4, RFC 5034, RFC 4422 3), for the sessions of all
 * protocols. A question is a number in the slots, as a stage's is, so that an
 * answer that comes too late is stale and hits nobody (Law 5). The name that
 * the authenticator gives counts only once the engine tells that the exchange
 * succeeded. It judges nothing, keeps no secret, and without an authenticator
 * refuses each login for now.
 */
#include <mailkit/sasl.h>

#include "base/ascii.h"
#include "internal.h"

static void text_free(const mk_alloc *a, char **io_text, uint16_t *io_bytes)
{
    mk_alloc_put(a, *io_text, *io_bytes);
    *io_text = NULL;
    *io_bytes = 0;
}

/* NULL when memory is out. */
static void text_keep(const mk_alloc *a, mk_str text, char **io_text,
                      uint16_t *io_bytes)
{
    text_free(a, io_text, io_bytes);
    *io_text = mk_agent_copy(a, text, text.len);
    *io_bytes = (uint16_t)(*io_text != NULL ? text.len : 0);
}

static void name_free(login_state *l)
{
    text_free(l->desk->alloc, &l->name, &l->name_bytes);
    l->is_in = false;
}

mk_str mk_agent_login_name(const login_state *l)
{
    return l != NULL && l->is_in ? mk_str_of(l->name, l->name_bytes)
                                 : mk_str_z(NULL);
}

/* ---- the question -------------------------------------------------------- */

static void question_close(login_state *l)
{
    mk_agent_ask_give(l->desk->asker, l->slot);
    l->is_open = false;
    l->put_off = false;
}

void mk_agent_login_withdraw(login_state *l)
{
    if (l != NULL && l->is_open) {
        const mk_authenticator *a = l->desk->authenticator;
        mk_ask ask = mk_agent_ask_now(l->desk->asker, l->slot);

        question_close(l);
        if (a->withdrawn != NULL) {
            a->withdrawn(a->self, ask);
        }
    }
}

void mk_agent_login_forget(login_state **io_login)
{
    login_state *l = *io_login;
    if (l != NULL) {
        mk_agent_login_withdraw(l);
        name_free(l);
        text_free(l->desk->alloc, &l->claimed, &l->claimed_bytes);
        mk_alloc_put(l->desk->alloc, l, sizeof *l);
        *io_login = NULL;
    }
}

/* The place of a new question; NULL: no memory. */
static login_state *login_begin(login_state **io_login, const login_desk *d)
{
    login_state *l = *io_login;
    if (l == NULL) {
        l = mk_alloc_get(d->alloc, sizeof *l);
        *io_login = l;
    }
    if (l == NULL) {
        return NULL;
    }
    l->desk = d;
    name_free(l);
    return l;
}

void mk_agent_login_ask(login_state **io_login, const login_desk *d,
                        mk_engine *engine, mk_conn *conn, const login_who *who,
                        const mk_event *ev)
{
    const mk_authenticator *a = d->authenticator;
    login_state *l = login_begin(io_login, d);

    if (l != NULL) {
        /* a failure tells no name: the record shall (THREATS 51) */
        mk_str claimed = mk_str_sub(ev->of.sasl->authcid, 0, MK_SASL_NAME_MAX);
        text_keep(d->alloc, claimed, &l->claimed, &l->claimed_bytes);
    }
    if (l == NULL || a == NULL ||
        mk_agent_ask_take(d->asker, ASK_LOGIN, l, &l->slot) != MK_OK) {
        mk_sasl_answer(engine, ev->op, MK_ANSWER_LATER, NULL);
        return;
    }
    l->engine = engine;
    l->conn = conn;
    l->who = *who;
    l->op = ev->op;
    l->is_open = true;
    a->check(a->self, ev->of.sasl, mk_agent_ask_next(d->asker, l->slot));
    if (l->is_open) {
        l->put_off = true;
        if (mk_later(engine, l->op) != MK_OK) {
            mk_agent_login_withdraw(l);
        }
    }
}

/* ---- the answer ---------------------------------------------------------- */

static mk_err name_check(mk_str name)
{
    if (name.len == 0 || name.len > MK_LOGIN_MAX) {
        return MK_E_ARG;
    }
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = mk_octet_at(name, i);
        if (c < 0x20 || c == 0x7F) {
            return MK_E_CTL;
        }
    }
    return MK_OK;
}

mk_err mk_login_answer(mk_ask ask, mk_answer answer, const mk_sasl_keys *keys,
                       mk_str name)
{
    login_state *l = mk_agent_ask_find(ask, ASK_LOGIN);
    bool is_yes = answer == MK_ANSWER_YES;
    mk_err err = is_yes ? name_check(name) : MK_OK;

    if (l == NULL) {
        return MK_E_STALE;
    }
    if (err != MK_OK) {
        return err;
    }
    const login_desk *d = l->desk;
    if (is_yes) {
        text_keep(d->alloc, name, &l->name, &l->name_bytes);
    }
    bool is_short = is_yes && l->name == NULL;
    err = mk_sasl_answer(l->engine, l->op, is_short ? MK_ANSWER_LATER : answer,
                         keys);
    if (err != MK_OK) {
        name_free(l);
    }
    if (err == MK_E_ARG) {
        return err;
    }
    /* else, if not taken: the engine withdrew it and is about to tell */
    bool late = l->put_off;
    question_close(l);
    if (late) {
        d->host->wake(d->host->self, l->conn);
    }
    return err == MK_OK && is_short ? MK_E_MEMORY : err;
}

const mk_peer *mk_login_peer(mk_ask ask)
{
    const login_state *l = mk_agent_ask_find(ask, ASK_LOGIN);
    return l != NULL ? l->who.peer : NULL;
}

mk_str mk_login_client_id(mk_ask ask)
{
    const login_state *l = mk_agent_ask_find(ask, ASK_LOGIN);
    return l != NULL ? l->who.client_id : mk_str_z(NULL);
}

/* ---- the end ------------------------------------------------------------- */

void mk_agent_login_end(login_state *l, mk_err err, const login_end *end,
                        const mk_log *log, mk_log_record *io_record)
{
    mk_str claimed = end->authcid;
    bool is_in = err == MK_OK && l != NULL && l->name != NULL;

    if (l != NULL) {
        if (claimed.len == 0) {
            claimed = mk_str_of(l->claimed, l->claimed_bytes);
        }
        l->is_in = is_in;
    }
    io_record->err = err == MK_OK && !is_in ? MK_E_AUTH : err;
    io_record->text =
        mk_str_z(is_in ? "logged in" : mk_err_text(io_record->err));
    io_record->login = is_in ? mk_agent_login_name(l) : claimed;
    io_record->mechanism = mk_sasl_name((mk_sasl_mechanism)end->mechanism);
    if (log->write != NULL) {
        log->write(log->self, io_record);
    }
}

/* SPDX-License-Identifier: MIT
 *
 * login_rig.c: all calls pass through to the service's own engine but those
 * that are about the question of a login.
 */
#include "login_rig.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/pass.h"

static login_rig *rig_of(const mk_engine *e)
{
    return (login_rig *)(uintptr_t)e;
}

static mk_engine *rig_inner(mk_engine *e)
{
    return rig_of(e)->inner;
}

static mk_err rig_step(mk_engine *e, uint64_t now_ms, mk_str *io_in,
                       mk_event *out_event)
{
    return mk_step(rig_inner(e), now_ms, io_in, out_event);
}

static void rig_in_eof(mk_engine *e, mk_err why)
{
    mk_in_eof(rig_inner(e), why);
}

static size_t rig_in_max(const mk_engine *e)
{
    return mk_in_max(rig_of(e)->inner);
}

static size_t rig_out(mk_engine *e, size_t skip, mk_str *out_spans, size_t max)
{
    return mk_out(rig_inner(e), skip, out_spans, max);
}

static mk_err rig_out_sent(mk_engine *e, size_t n)
{
    return mk_out_sent(rig_inner(e), n);
}

static unsigned rig_want(const mk_engine *e)
{
    return mk_want(rig_of(e)->inner);
}

static uint64_t rig_deadline(const mk_engine *e)
{
    return mk_deadline(rig_of(e)->inner);
}

static mk_err rig_later(mk_engine *e, mk_op op)
{
    login_rig *r = rig_of(e);
    if (op != RIG_OP || !r->is_asking) {
        return mk_later(rig_inner(e), op);
    }
    r->laters++;
    return r->later_err;
}

static mk_err rig_sasl_answer(mk_engine *e, mk_op op, mk_answer answer,
                              const mk_sasl_keys *keys)
{
    login_rig *r = rig_of(e);
    if (op != RIG_OP || !r->is_asking) {
        return MK_E_STALE;
    }
    if (r->answer_err != MK_OK) {
        mk_err err = r->answer_err;
        r->answer_err = MK_OK;
        return err;
    }
    r->answers++;
    r->answer = answer;
    r->has_keys = keys != NULL;
    memset(&r->keys, 0, sizeof r->keys);
    if (keys != NULL) {
        r->keys = *keys;
        memcpy(r->password, keys->password.len > 0 ? keys->password.ptr : "",
               keys->password.len);
        r->password[keys->password.len] = '\0';
    }
    r->is_asking = false;
    return MK_OK;
}

static void rig_close(mk_engine *e)
{
    rig_of(e)->closed++;
    mk_close(rig_inner(e));
}

static const mk_engine_ops rig_ops = {
    .step = rig_step,
    .in_eof = rig_in_eof,
    .in_max = rig_in_max,
    .out = rig_out,
    .out_sent = rig_out_sent,
    .want = rig_want,
    .deadline = rig_deadline,
    .reply = mk_wire_pass_reply,
    .later = rig_later,
    .cancel = mk_wire_pass_cancel,
    .body = mk_wire_pass_body,
    .sasl_answer = rig_sasl_answer,
    .finish = mk_wire_pass_finish,
    .hurry = mk_wire_pass_hurry,
    .close = rig_close,
    .inner = rig_inner,
};

mk_err login_rig_wrap(void *self, mk_engine *inner, mk_engine **out_outer)
{
    login_rig *r = self;
    mk_engine base = {&rig_ops};
    if (r->inner != NULL && r->other != NULL) {
        r = r->other;
    }
    assert_true(sizeof base <= sizeof r->base);
    if (r->wrap_err != MK_OK) {
        return r->wrap_err;
    }
    memcpy(r->base, &base, sizeof base);
    r->inner = inner;
    *out_outer = (mk_engine *)(void *)r;
    return MK_OK;
}

static void tell(mk_conn *c, const mk_event *ev)
{
    c->in_event = true;
    c->service->event(c->session, ev);
    c->in_event = false;
    if (c->aborted) {
        fake_conn_close(c, MK_E_CANCELLED);
    }
}

/* The question's octets are gone when it returns: ASan sees who keeps them. */
void login_rig_ask(mk_conn *c, login_rig *r, const mk_sasl_ask *question)
{
    mk_sasl_ask *q = malloc(sizeof *q);
    char *octets = malloc(question->authcid.len + question->authzid.len +
                          question->secret.len + 1);
    mk_str *views[3];
    char *at = octets;
    assert_non_null(q);
    assert_non_null(octets);
    *q = *question;
    views[0] = &q->authcid;
    views[1] = &q->authzid;
    views[2] = &q->secret;
    for (size_t i = 0; i < 3; i++) {
        if (views[i]->len > 0) {
            memcpy(at, views[i]->ptr, views[i]->len);
        }
        views[i]->ptr = at;
        at += views[i]->len;
    }
    mk_event ev = {
        .type = MK_EV_SASL, .flags = MK_ASK, .op = RIG_OP, .of.sasl = q};
    r->is_asking = true;
    tell(c, &ev);
    free(octets);
    free(q);
}

void login_rig_end(mk_conn *c, mk_err err, const char *authcid,
                   mk_sasl_mechanism mechanism)
{
    mk_smtp_event what = {.verb = MK_SMTP_VERB_AUTH,
                          .argument = mk_str_z(authcid),
                          .mechanism = (uint32_t)mechanism};
    mk_event ev = {
        .type = MK_EV_SMTP_AUTH, .op = RIG_OP, .err = err, .of.smtp = &what};
    tell(c, &ev);
}

void login_rig_withdraw(mk_conn *c, login_rig *r, mk_err why)
{
    mk_event ev = {.type = MK_EV_WITHDRAWN, .op = RIG_OP, .err = why};
    r->is_asking = false;
    tell(c, &ev);
}

void login_rig_tls(mk_conn *c, const mk_tls_info *info)
{
    mk_smtp_event what = {.verb = MK_SMTP_VERB_STARTTLS, .tls = info};
    mk_event ev = {.type = MK_EV_SMTP_TLS, .of.smtp = &what};
    tell(c, &ev);
}

/* ---- an authenticator ---------------------------------------------------- */

static void check(void *self, const mk_sasl_ask *question, mk_ask ask)
{
    login_judge *j = self;
    static const mk_answer answers[] = {MK_ANSWER_YES, MK_ANSWER_NO,
                                        MK_ANSWER_LATER};
    j->asked++;
    j->ask = ask;
    assert_true(question->authcid.len <= sizeof j->octets);
    memcpy(j->octets, question->authcid.ptr, question->authcid.len);
    j->authcid = mk_str_of(j->octets, question->authcid.len);
    if (j->act == LOGIN_ABORT || j->act == LOGIN_ABORT_NOW) {
        j->conn->in_event = j->act == LOGIN_ABORT;
        j->conn->host->host.abort(j->conn->host, j->conn);
    } else if (j->act != LOGIN_WAIT) {
        assert_int_equal(
            mk_login_answer(ask, answers[j->act], NULL, mk_str_z(j->login)),
            MK_OK);
        assert_int_equal(
            mk_login_answer(ask, MK_ANSWER_YES, NULL, mk_str_z("x@y")),
            MK_E_STALE);
    }
}

static void withdrawn(void *self, mk_ask ask)
{
    login_judge *j = self;
    j->withdrawn++;
    assert_true(ask.number == j->ask.number);
    assert_int_equal(mk_login_answer(ask, MK_ANSWER_NO, NULL, mk_str_z("")),
                     MK_E_STALE);
}

void login_judge_fill(login_judge *j, mk_authenticator *out)
{
    out->self = j;
    out->check = check;
    out->withdrawn = withdrawn;
}

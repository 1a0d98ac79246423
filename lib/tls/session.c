/* SPDX-License-Identifier: MIT
 *
 * tls/session.c: TLS as an engine over an engine: the contract (engine.h) by
 * phases. Clear octets pass until the inner engine wants TLS; handshake.c leads
 * into it and records.c through it; what goes wrong on the way ends in a phase
 * in which nothing comes in or goes out but what TLS itself had still to say.
 * It refuses to send anything of the inner engine's in clear once TLS was asked
 * for (Law 9).
 */
#include "tls/session.h"

#include <string.h>

static session *self(mk_engine *e)
{
    return (session *)(void *)e;
}

static const session *self_const(const mk_engine *e)
{
    return (const session *)(const void *)e;
}

static mk_err dead(session *s, mk_str *io_in, uint64_t now_ms, mk_event *ev)
{
    mk_str nothing = mk_str_of(NULL, 0);
    *io_in = mk_str_sub(*io_in, io_in->len, 0);
    return mk_step(s->inner, now_ms, &nothing, ev);
}

static mk_err clear(session *s, mk_str *io_in, uint64_t now_ms, mk_event *ev)
{
    mk_err r = mk_step(s->inner, now_ms, io_in, ev);
    if (r == MK_OK && ev->type == MK_EV_TLS_WANTED) {
        mk_tls_shake_start(s, io_in, now_ms);
        return MK_E_AGAIN;
    }
    return r;
}

static mk_err step(mk_engine *e, uint64_t now_ms, mk_str *io_in,
                   mk_event *out_event)
{
    session *s = self(e);
    mk_err r;
    s->is_due = false;
    do {
        switch ((phase)s->phase) {
        case PHASE_CLEAR:
            r = clear(s, io_in, now_ms, out_event);
            break;
        case PHASE_SHAKE:
            r = mk_tls_shake(s, io_in, now_ms, out_event);
            break;
        case PHASE_OPEN:
            r = mk_tls_converse(s, io_in, now_ms, out_event);
            break;
        default:
            r = dead(s, io_in, now_ms, out_event);
            break;
        }
    } while (r == MK_E_AGAIN);
    return r;
}

static void in_eof(mk_engine *e, mk_err why)
{
    session *s = self(e);
    if (s->is_eof) {
        return;
    }
    s->is_eof = true;
    s->eof_why = why;
    if (s->phase == PHASE_CLEAR || s->phase == PHASE_DEAD) {
        mk_in_eof(s->inner, why);
    }
}

static size_t in_max(const mk_engine *e)
{
    return mk_in_max(self_const(e)->inner);
}

static size_t out(mk_engine *e, size_t skip, mk_str *out_spans, size_t max)
{
    session *s = self(e);
    const tls_state *t = s->state;
    if (s->phase == PHASE_CLEAR) {
        return mk_out(s->inner, skip, out_spans, max);
    }
    if (t == NULL) {
        return 0;
    }
    mk_tls_pump(s);
    if (skip >= t->out_len) {
        return 0;
    }
    out_spans[0] = mk_str_of(t->out + t->out_at + skip, t->out_len - skip);
    return 1;
}

static mk_err out_sent(mk_engine *e, size_t n)
{
    session *s = self(e);
    tls_state *t = s->state;
    if (s->phase == PHASE_CLEAR) {
        return mk_out_sent(s->inner, n);
    }
    if (t == NULL || n > t->out_len) {
        return n == 0 ? MK_OK : MK_E_ARG;
    }
    t->out_at += n;
    t->out_len -= n;
    if (t->out_len == 0) {
        mk_tls_out_give(s);
    }
    return MK_OK;
}

static unsigned want_open(const session *s)
{
    const tls_state *t = s->state;
    unsigned w = mk_want(s->inner);
    bool closing = (w & MK_WANT_CLOSE) != 0 && !t->is_notified;
    if (t->out_len > 0 || closing) {
        w |= MK_WANT_WRITE;
    }
    if (s->is_eof && !t->is_told_eof &&
        (t->plain_len == 0 || t->plain_len < t->plain_room)) {
        w |= MK_WANT_STEP;
    }
    return w;
}

static unsigned want_shake(const session *s)
{
    const tls_state *t = s->state;
    unsigned w = t->out_len > 0 ? MK_WANT_WRITE : 0;
    if (!s->is_begun || s->is_eof || (t->is_blocked && t->out_len == 0)) {
        w |= MK_WANT_STEP;
    }
    if (!s->config->is_implicit) {
        w |= mk_want(s->inner) & MK_WANT_STEP;
    }
    return t->is_blocked ? w : w | MK_WANT_READ;
}

static unsigned want_dead(const session *s)
{
    const tls_state *t = s->state;
    return (t != NULL && t->out_len > 0 ? MK_WANT_WRITE : 0) |
           (mk_want(s->inner) & (MK_WANT_STEP | MK_WANT_CLOSE | MK_WANT_ABORT));
}

static unsigned want(const mk_engine *e)
{
    const session *s = self_const(e);
    unsigned due = s->is_due ? MK_WANT_STEP : 0;
    switch ((phase)s->phase) {
    case PHASE_CLEAR:
        return mk_want(s->inner);
    case PHASE_SHAKE:
        return due | want_shake(s);
    case PHASE_OPEN:
        return due | want_open(s);
    default:
        return due | want_dead(s);
    }
}

static uint64_t deadline(const mk_engine *e)
{
    const session *s = self_const(e);
    uint64_t inner = mk_deadline(s->inner);
    if (s->phase != PHASE_SHAKE) {
        return inner;
    }
    uint64_t due = s->is_begun ? mk_tls_due_ms(s) : 0;
    return due < inner || s->config->is_implicit ? due : inner;
}

static void hurry(mk_engine *e, bool on)
{
    session *s = self(e);
    s->is_hurried = on;
    mk_hurry(s->inner, on);
}

static void close_session(mk_engine *e)
{
    session *s = self(e);
    mk_tls_context *x = s->context;
    mk_close(s->inner);
    mk_tls_state_free(s);
    x->sessions--;
    mk_alloc_put(x->c.alloc, s, sizeof *s);
}

static mk_engine *inner_of(mk_engine *e)
{
    return self(e)->inner;
}

static const mk_engine_ops ops = {
    .step = step,
    .in_eof = in_eof,
    .in_max = in_max,
    .out = out,
    .out_sent = out_sent,
    .want = want,
    .deadline = deadline,
    .close = close_session,
    .inner = inner_of,
    .hurry = hurry,
    MK_WIRE_PASS,
};

/* ---- opening --------------------------------------------------------------
 */

mk_err mk_tls_config_init(mk_tls_config *c, size_t size)
{
    if (c == NULL || size != sizeof *c) {
        return MK_E_ARG;
    }
    memset(c, 0, sizeof *c);
    c->size = size;
    c->policy = MK_TLS_POLICY_MUST;
    return MK_OK;
}

static mk_err check(const mk_tls_config *c)
{
    if (c == NULL || c->size != sizeof *c || c->context == NULL ||
        (unsigned)c->policy > MK_TLS_POLICY_MUST) {
        return MK_E_ARG;
    }
    if (c->context->c.is_server) {
        return MK_OK;
    }
    if (c->server_name.len == 0) {
        return MK_E_ARG;
    }
    return mk_tls_is_server_name(c->server_name) ? MK_OK : MK_E_CTL;
}

mk_err mk_tls_over(mk_engine *inner, const mk_tls_config *c,
                   mk_engine **out_outer)
{
    mk_err err = check(c);
    if (err != MK_OK || inner == NULL || out_outer == NULL) {
        return err != MK_OK ? err : MK_E_ARG;
    }
    session *s = mk_alloc_get(c->context->c.alloc, sizeof *s);
    if (s == NULL) {
        return MK_E_MEMORY;
    }
    s->base.ops = &ops;
    s->inner = inner;
    s->config = c;
    s->context = c->context;
    err = c->is_implicit ? mk_tls_shake_begin(s) : MK_OK;
    if (err != MK_OK) {
        mk_alloc_put(c->context->c.alloc, s, sizeof *s);
        return err;
    }
    s->context->sessions++;
    *out_outer = &s->base;
    return MK_OK;
}

/* SPDX-License-Identifier: MIT
 *
 * engine.c: the public calls of the contract, over the table of each engine.
 * What every engine would have to check is checked here once: NULL, CR, LF
 * and NUL in arguments (Law 10). What a reply code looks like is the engine's
 * to say. It holds no state.
 */
#include "wire/engine.h"

enum { text_octets_max = 400 };

static bool is_view(mk_str s)
{
    return s.ptr != NULL || s.len == 0;
}

mk_engine *mk_wire_heart(mk_engine *e, const mk_engine_ops *ops)
{
    while (e != NULL && e->ops != ops) {
        e = e->ops->inner != NULL ? e->ops->inner(e) : NULL;
    }
    return e;
}

mk_err mk_step(mk_engine *e, uint64_t now_ms, mk_str *io_in,
               mk_event *out_event)
{
    if (e == NULL || io_in == NULL || out_event == NULL || !is_view(*io_in)) {
        return MK_E_ARG;
    }
    return e->ops->step(e, now_ms, io_in, out_event);
}

void mk_in_eof(mk_engine *e, mk_err why)
{
    if (e != NULL && e->ops->in_eof != NULL) {
        e->ops->in_eof(e, why);
    }
}

size_t mk_in_max(const mk_engine *e)
{
    if (e == NULL || e->ops->in_max == NULL) {
        return 0;
    }
    return e->ops->in_max(e);
}

size_t mk_out(mk_engine *e, size_t skip, mk_str *out_spans, size_t max)
{
    if (e == NULL || out_spans == NULL || max == 0 || e->ops->out == NULL) {
        return 0;
    }
    return e->ops->out(e, skip, out_spans, max);
}

mk_err mk_out_sent(mk_engine *e, size_t n)
{
    if (e == NULL) {
        return MK_E_ARG;
    }
    if (e->ops->out_sent == NULL) {
        return n == 0 ? MK_OK : MK_E_ARG;
    }
    return e->ops->out_sent(e, n);
}

unsigned mk_want(const mk_engine *e)
{
    if (e == NULL || e->ops->want == NULL) {
        return 0;
    }
    return e->ops->want(e);
}

uint64_t mk_deadline(const mk_engine *e)
{
    if (e == NULL || e->ops->deadline == NULL) {
        return MK_NEVER;
    }
    return e->ops->deadline(e);
}

/* A character of several octets (RFC 3629) is not cut in two. */
static mk_str clip(mk_str text)
{
    size_t n = text_octets_max;

    if (text.len <= n) {
        return text;
    }
    while (n > 0 && ((unsigned char)text.ptr[n] & 0xc0) == 0x80) {
        n--;
    }
    return mk_str_sub(text, 0, n);
}

/* An engine over an engine leaves it to that one. */
static bool is_code(const mk_engine *e, mk_str code, mk_answer answer)
{
    return e->ops->inner != NULL ||
           (e->ops->is_code != NULL && e->ops->is_code(code, answer));
}

mk_err mk_reply(mk_engine *e, mk_op op, mk_answer answer, mk_str code,
                mk_str text)
{
    if (e == NULL || !is_view(code) || !is_view(text) ||
        (unsigned)answer > MK_ANSWER_NO) {
        return MK_E_ARG;
    }
    if (mk_str_has_ctl(code) || mk_str_has_ctl(text)) {
        return MK_E_CTL;
    }
    if (code.len > 0 && !is_code(e, code, answer)) {
        return MK_E_ARG;
    }
    if (op == 0 || e->ops->reply == NULL) {
        return MK_E_STALE;
    }
    return e->ops->reply(e, op, answer, code, clip(text));
}

mk_err mk_later(mk_engine *e, mk_op op)
{
    if (e == NULL) {
        return MK_E_ARG;
    }
    if (op == 0 || e->ops->later == NULL) {
        return MK_E_STALE;
    }
    return e->ops->later(e, op);
}

mk_err mk_cancel(mk_engine *e, mk_op op)
{
    if (e == NULL) {
        return MK_E_ARG;
    }
    if (op == 0 || e->ops->cancel == NULL) {
        return MK_E_STALE;
    }
    return e->ops->cancel(e, op);
}

mk_err mk_body(mk_engine *e, mk_op op, mk_str span, bool last)
{
    if (e == NULL || !is_view(span)) {
        return MK_E_ARG;
    }
    if (op == 0 || e->ops->body == NULL) {
        return MK_E_STALE;
    }
    return e->ops->body(e, op, span, last);
}

mk_err mk_tls_begin(mk_engine *e, size_t held)
{
    if (e == NULL) {
        return MK_E_ARG;
    }
    if (e->ops->tls_begin == NULL) {
        return MK_E_STATE;
    }
    return e->ops->tls_begin(e, held);
}

mk_err mk_tls_done(mk_engine *e, mk_err result, const struct mk_tls_info *info)
{
    if (e == NULL || result > MK_OK || (result == MK_OK && info == NULL)) {
        return MK_E_ARG;
    }
    if (e->ops->tls_done == NULL) {
        return MK_E_STATE;
    }
    return e->ops->tls_done(e, result, info);
}

mk_err mk_wire_sasl_answer(mk_engine *e, mk_op op, mk_answer answer,
                           const struct mk_sasl_keys *keys)
{
    if (e == NULL || (unsigned)answer > MK_ANSWER_NO) {
        return MK_E_ARG;
    }
    if (op == 0 || e->ops->sasl_answer == NULL) {
        return MK_E_STALE;
    }
    return e->ops->sasl_answer(e, op, answer, keys);
}

void mk_finish(mk_engine *e, mk_str text)
{
    if (e == NULL || e->ops->finish == NULL) {
        return;
    }
    if (!is_view(text) || mk_str_has_ctl(text)) {
        text = mk_str_of(NULL, 0);
    }
    e->ops->finish(e, clip(text));
}

void mk_hurry(mk_engine *e, bool on)
{
    if (e != NULL && e->ops->hurry != NULL) {
        e->ops->hurry(e, on);
    }
}

void mk_close(mk_engine *e)
{
    if (e != NULL && e->ops->close != NULL) {
        e->ops->close(e);
    }
}

/* SPDX-License-Identifier: MIT
 *
 * each.c: LMTP, where the end of a message is answered once for each accepted
 * recipient (RFC 2033 4.2). The chain decides once, for the message; a stage
 * may give single recipients an outcome of their own meanwhile. Both are kept,
 * and told one by one as the engine asks. It decides nothing itself.
 */
#include <string.h>

#include "base/ascii.h"
#include "internal.h"

bool mk_session_is_lmtp(const mk_session *s)
{
    return s->in->smtp.is_lmtp;
}

bool mk_agent_each_is(const mk_session *s)
{
    return mk_session_is_lmtp(s) && s->point == MK_POINT_END;
}

/* ---- outcomes ------------------------------------------------------------ */

/* class "." subject "." detail, 1*3digit the last two, "without leading zero
 * digits" (RFC 3463 2) */
static bool is_enhanced(mk_str s, char class)
{
    unsigned dots = 0;
    unsigned digits = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = mk_octet_at(s, i);
        dots += c == '.';
        digits = c == '.' ? 0 : digits + 1;
        if (c == '.' ? i == 0 || s.ptr[i - 1] == '.'
                     : !mk_is_digit(c) || digits > 3 ||
                           (digits > 1 && s.ptr[i + 1 - digits] == '0')) {
            return false;
        }
    }
    return dots == 2 && digits > 0 && s.ptr[0] == class && s.ptr[1] == '.';
}

/* What mk_reply asks of a code, for one that is said later. */
static bool is_code(mk_str code, mk_answer answer)
{
    char class = answer == MK_ANSWER_YES     ? '2'
                 : answer == MK_ANSWER_LATER ? '4'
                                             : '5';
    if (code.len < 3 || code.ptr[0] != class || code.ptr[1] > '5' ||
        !mk_is_digit(mk_octet_at(code, 1)) ||
        !mk_is_digit(mk_octet_at(code, 2))) {
        return false;
    }
    return code.len == 3 || (code.ptr[3] == ' ' &&
                             is_enhanced(mk_str_sub(code, 4, SIZE_MAX), class));
}

void mk_agent_outcome_free(const mk_alloc *a, outcome *o)
{
    mk_alloc_put(a, o->octets, o->bytes);
    memset(o, 0, sizeof *o);
}

/* The code is not empty. MK_E_MEMORY: the answer counts. */
static mk_err outcome_set(const mk_alloc *a, outcome *o, const mk_verdict *v,
                          mk_str code)
{
    mk_answer answer = v->kind == MK_VERDICT_REFUSE ? v->answer : MK_ANSWER_YES;

    if (!is_code(code, answer)) {
        return MK_E_ARG;
    }
    if (mk_str_has_ctl(v->text)) {
        return MK_E_CTL;
    }
    mk_agent_outcome_free(a, o);
    o->is_set = true;
    o->answer = (uint8_t)answer;
    o->octets = mk_agent_copy(a, code, code.len + v->text.len);
    if (o->octets == NULL) {
        return MK_E_MEMORY;
    }
    if (v->text.len > 0) {
        memcpy(o->octets + code.len, v->text.ptr, v->text.len);
    }
    o->bytes = code.len + v->text.len;
    o->code_bytes = (uint8_t)code.len;
    return MK_OK;
}

static mk_str default_code(mk_answer answer)
{
    return mk_str_z(answer == MK_ANSWER_YES     ? "250 2.1.5"
                    : answer == MK_ANSWER_LATER ? "451 4.3.0"
                                                : "550 5.7.1");
}

mk_err mk_session_set_outcome(mk_session *s, const mk_recipient *r,
                              const mk_verdict *v)
{
    recipient *to = s->tx != NULL ? s->tx->first : NULL;
    bool is_good =
        v->kind == MK_VERDICT_ACCEPT ||
        (v->kind == MK_VERDICT_REFUSE &&
         (v->answer == MK_ANSWER_LATER || v->answer == MK_ANSWER_NO));

    if (!mk_agent_each_is(s) || s->tx == NULL || s->tx->all.is_set) {
        return MK_E_STATE;
    }
    while (to != NULL && &to->pub != r) {
        to = to->after;
    }
    if (to == NULL || !is_good) {
        return MK_E_ARG;
    }
    mk_answer answer = v->kind == MK_VERDICT_REFUSE ? v->answer : MK_ANSWER_YES;
    return outcome_set(s->in->c.alloc, &to->own, v,
                       v->code.len > 0 ? v->code : default_code(answer));
}

mk_err mk_agent_each_keep(mk_session *s, const mk_verdict *v, mk_str code)
{
    mk_err err = outcome_set(s->in->c.alloc, &s->tx->all, v, code);
    return err == MK_E_MEMORY ? MK_OK : err;
}

static const outcome *outcome_of(const mk_session *s, const mk_recipient *r)
{
    const recipient *own = (const recipient *)(const void *)r;
    return own->own.is_set ? &own->own : &s->tx->all;
}

mk_str mk_agent_each_code(const mk_session *s, const mk_recipient *r,
                          mk_str *out_text)
{
    const outcome *o = outcome_of(s, r);
    mk_str all = mk_str_of(o->octets, o->bytes);
    *out_text = mk_str_sub(all, o->code_bytes, SIZE_MAX);
    return o->octets != NULL ? mk_str_sub(all, 0, o->code_bytes)
                             : default_code((mk_answer)o->answer);
}

/* ---- answers ------------------------------------------------------------- */

static const mk_recipient *next_of(const transaction *t)
{
    if (t->answered != NULL) {
        return t->answered->after;
    }
    return t->first != NULL ? &t->first->pub : NULL;
}

/* Tell the next one; behind the last one the message is over. */
static void tell(mk_session *s, mk_op op)
{
    const mk_recipient *r = next_of(s->tx);
    mk_str text;
    mk_str code = mk_agent_each_code(s, r, &text);

    s->tx->answered = r;
    (void)mk_reply(s->engine, op, (mk_answer)outcome_of(s, r)->answer, code,
                   text); /* checked before */
    if (r->after == NULL) {
        mk_agent_chain_reset(s);
    }
}

void mk_agent_each_ask(mk_session *s, const mk_event *ev)
{
    bool known = s->tx != NULL && mk_agent_each_is(s) && next_of(s->tx) != NULL;

    if (!known) { /* the question behind it was withdrawn */
        mk_reply(s->engine, ev->op, MK_ANSWER_LATER, mk_str_z(NULL),
                 mk_str_z(NULL));
    } else if (s->tx->all.is_set) {
        tell(s, ev->op);
    } else if (mk_later(s->engine, ev->op) == MK_OK) {
        s->op = ev->op;
        s->asks_each = true;
        s->put_off = true;
    }
}

void mk_agent_each_go_on(mk_session *s)
{
    bool asked = s->asks_each;

    s->asks_each = false;
    if (s->engine == NULL) {
        mk_agent_chain_reset(s);
    } else if (asked) {
        tell(s, s->op);
    }
}

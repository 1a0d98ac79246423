/* SPDX-License-Identifier: MIT
 *
 * wire/pass.c: see pass.h: the calls of the contract that an engine over an
 * engine (mk_tap_over, mk_tls_over) hands on as they are. Arguments were
 * checked by the public call that led here; the inner engine's own call checks
 * them once more, which is cheap. It changes nothing and keeps nothing.
 */
#include "wire/pass.h"

static mk_engine *inner_of(mk_engine *e)
{
    return e->ops->inner(e);
}

mk_err mk_wire_pass_reply(mk_engine *e, mk_op op, mk_answer answer, mk_str code,
                          mk_str text)
{
    return mk_reply(inner_of(e), op, answer, code, text);
}

mk_err mk_wire_pass_later(mk_engine *e, mk_op op)
{
    return mk_later(inner_of(e), op);
}

mk_err mk_wire_pass_cancel(mk_engine *e, mk_op op)
{
    return mk_cancel(inner_of(e), op);
}

mk_err mk_wire_pass_body(mk_engine *e, mk_op op, mk_str span, bool last)
{
    return mk_body(inner_of(e), op, span, last);
}

mk_err mk_wire_pass_sasl_answer(mk_engine *e, mk_op op, mk_answer answer,
                                const struct mk_sasl_keys *keys)
{
    mk_engine *inner = inner_of(e);
    if (inner->ops->sasl_answer == NULL) {
        return MK_E_STALE;
    }
    return inner->ops->sasl_answer(inner, op, answer, keys);
}

void mk_wire_pass_finish(mk_engine *e, mk_str text)
{
    mk_finish(inner_of(e), text);
}

void mk_wire_pass_hurry(mk_engine *e, bool on)
{
    mk_hurry(inner_of(e), on);
}

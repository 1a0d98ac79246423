/* SPDX-License-Identifier: MIT
 *
 * wire/pass.h: the entries that an engine over an engine does not change: each
 * hands the call to what `inner` of its table gives. Compiled into every
 * library that has such an engine.
 */
#ifndef WIRE_PASS_H
#define WIRE_PASS_H

#include "wire/engine.h"

mk_err mk_wire_pass_reply(mk_engine *e, mk_op op, mk_answer answer, mk_str code,
                          mk_str text);
mk_err mk_wire_pass_later(mk_engine *e, mk_op op);
mk_err mk_wire_pass_cancel(mk_engine *e, mk_op op);
mk_err mk_wire_pass_body(mk_engine *e, mk_op op, mk_str span, bool last);
mk_err mk_wire_pass_sasl_answer(mk_engine *e, mk_op op, mk_answer answer,
                                const struct mk_sasl_keys *keys);
void mk_wire_pass_finish(mk_engine *e, mk_str text);
void mk_wire_pass_hurry(mk_engine *e, bool on);

/* clang-format off */
#define MK_WIRE_PASS                                                           \
    .reply = mk_wire_pass_reply,                                               \
    .later = mk_wire_pass_later,                                               \
    .cancel = mk_wire_pass_cancel,                                             \
    .body = mk_wire_pass_body,                                                 \
    .sasl_answer = mk_wire_pass_sasl_answer,                                   \
    .finish = mk_wire_pass_finish
/* clang-format on */

#endif

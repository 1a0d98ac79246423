/* SPDX-License-Identifier: MIT
 *
 * sasl/answer.c: the answer to a login that an engine asked about, passed on
 * through whatever is wrapped around it (mailkit/engine.h). A file of its own:
 * who uses exchanges without an engine does not link it.
 */
#include <mailkit/sasl.h>

#include "wire/engine.h"

mk_err mk_sasl_answer(mk_engine *e, mk_op op, mk_answer answer,
                      const mk_sasl_keys *keys)
{
    return mk_wire_sasl_answer(e, op, answer, keys);
}

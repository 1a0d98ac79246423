/* SPDX-License-Identifier: MIT
 *
 * wire/engine.h: what lies behind the contract of mailkit/engine.h. Every
 * engine begins with struct mk_engine; the public calls check their arguments
 * once (engine.c) and go through its table. An entry may be NULL where an
 * engine has nothing to do: the public call then gives the neutral answer.
 */
#ifndef WIRE_ENGINE_H
#define WIRE_ENGINE_H

#include <mailkit/engine.h>

struct mk_sasl_keys;

typedef struct mk_engine_ops {
    mk_err (*step)(mk_engine *, uint64_t now_ms, mk_str *io_in,
                   mk_event *out_event);
    void (*in_eof)(mk_engine *, mk_err why);
    size_t (*in_max)(const mk_engine *);
    size_t (*out)(mk_engine *, size_t skip, mk_str *out_spans, size_t max);
    mk_err (*out_sent)(mk_engine *, size_t n);
    unsigned (*want)(const mk_engine *);
    uint64_t (*deadline)(const mk_engine *);
    /* arguments are checked: no CR, LF, NUL; code is "", or a good one */
    mk_err (*reply)(mk_engine *, mk_op, mk_answer, mk_str code, mk_str text);
    /* has it the form of this protocol, and does it fit the answer? */
    bool (*is_code)(mk_str code, mk_answer);
    mk_err (*later)(mk_engine *, mk_op);
    mk_err (*cancel)(mk_engine *, mk_op);
    mk_err (*body)(mk_engine *, mk_op, mk_str span, bool last);
    mk_err (*tls_begin)(mk_engine *, size_t held);
    mk_err (*tls_done)(mk_engine *, mk_err, const struct mk_tls_info *);
    mk_err (*sasl_answer)(mk_engine *, mk_op, mk_answer,
                          const struct mk_sasl_keys *);
    void (*finish)(mk_engine *, mk_str text);
    void (*hurry)(mk_engine *, bool on);
    void (*close)(mk_engine *);
    /* the protocol verbs behind a wrapper (tap, TLS): gives the innermost */
    mk_engine *(*inner)(mk_engine *);
} mk_engine_ops;

struct mk_engine {
    const mk_engine_ops *ops;
};

/* The protocol machine at the heart of an engine: verbs are called on what
 * the driver holds, which may be wrapped. NULL when its ops are not `ops`. */
mk_engine *mk_wire_heart(mk_engine *e, const mk_engine_ops *ops);

/* mk_sasl_answer (sasl.h) stands on this, and wrappers pass it on. */
mk_err mk_wire_sasl_answer(mk_engine *e, mk_op op, mk_answer answer,
                           const struct mk_sasl_keys *keys);

#endif

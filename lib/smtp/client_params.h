/* SPDX-License-Identifier: MIT
 *
 * smtp/client_params.h: the hook by which an envelope's options reach the
 * client machine, private to this folder. mk_smtp_envelope_ask sets it, so a
 * program that never asks for anything does not link what says it.
 */
#ifndef SMTP_CLIENT_PARAMS_H
#define SMTP_CLIENT_PARAMS_H

#include "smtp/client_internal.h"

struct mk_smtp_envelope_ops {
    /* Is all of it well formed? What it needs is or-ed to the two masks. */
    mk_err (*check)(const mk_smtp_envelope *envelope, uint32_t *io_must,
                    uint32_t *io_may);
    /* Does the server take it, of whose extensions `told` will be used, and
     * does the line of MAIL fit into the unit? */
    mk_err (*fit)(const mk_smtp_client *c, const mk_smtp_envelope *envelope,
                  uint32_t told);
    /* The parameters of MAIL, and of RCPT for one recipient, each with a blank
     * before it. */
    void (*mail)(const mk_smtp_envelope *envelope, uint32_t told, mk_buf *out);
    void (*rcpt)(const mk_smtp_envelope *envelope, size_t index, uint32_t told,
                 mk_buf *out);
};

#endif

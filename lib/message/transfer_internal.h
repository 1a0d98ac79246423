/* SPDX-License-Identifier: MIT
 *
 * message/transfer_internal.h: what is behind mk_transfer: uuencode (POSIX.1-
 * 2017, uudecode), which uses its state and which only transfer.c calls, and
 * the budget that it takes from. The one is told of no other encoding, the
 * other of none.
 */
#ifndef MESSAGE_TRANSFER_INTERNAL_H
#define MESSAGE_TRANSFER_INTERNAL_H

#include <mailkit/message.h>

void mk_uu_init(mk_transfer *t);
mk_err mk_uu_decode(mk_transfer *t, mk_str *io_in, mk_buf *out);
void mk_uu_finish(mk_transfer *t);

/* What was decoded for nothing. */
void mk_budget_give_back(mk_budget *budget, uint64_t octets);

#endif

/* SPDX-License-Identifier: MIT
 *
 * message/transfer_uu.h: uuencode (POSIX.1-2017, uudecode) as a part of
 * mk_transfer, whose state it uses; only transfer.c calls it. It is told of no
 * other encoding.
 */
#ifndef MESSAGE_TRANSFER_UU_H
#define MESSAGE_TRANSFER_UU_H

#include <mailkit/message.h>

void mk_uu_init(mk_transfer *t);
mk_err mk_uu_decode(mk_transfer *t, mk_str *io_in, mk_buf *out);
void mk_uu_finish(mk_transfer *t);

#endif

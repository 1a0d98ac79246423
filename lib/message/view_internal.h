/* SPDX-License-Identifier: MIT
 *
 * message/view_internal.h: what view.c (the index) and view_choose.c (what a
 * mail reader would show) share. The one does not know of the rules, the other
 * not of the block.
 */
#ifndef MESSAGE_VIEW_INTERNAL_H
#define MESSAGE_VIEW_INTERNAL_H

#include <mailkit/message.h>

/* Set the uses of all parts. */
void mk_view_choose(mk_view_part *parts, uint32_t count);
/* The part behind part i of the same message: a message within is one part. */
uint32_t mk_view_step(const mk_view_part *parts, uint32_t count, uint32_t i);

/* How many faults decoding a part passes over. */
uint64_t mk_view_faults(const mk_view *view, uint32_t part);

#endif

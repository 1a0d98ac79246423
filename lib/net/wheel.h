/* SPDX-License-Identifier: MIT
 *
 * wheel.h: a hashed timing wheel for the timers of one loop. Setting and
 * clearing cost the same whatever the number; a timer fires up to one tick
 * late and never early. It knows no clock: the time is an argument.
 */
#ifndef NET_WHEEL_H
#define NET_WHEEL_H

#include <mailkit/engine.h>
#include <mailkit/host.h>

enum {
    mk_net_wheel_shift = 5, /* a tick is 32 ms */
    mk_net_wheel_slots = 1024,
    mk_net_wheel_words = mk_net_wheel_slots / 64
};

typedef struct mk_net_wheel {
    uint64_t tick; /* the first tick whose slot was not looked through */
    size_t count;  /* timers set */
    mk_timer *cursor;
    uint64_t filled[mk_net_wheel_words]; /* a bit a slot */
    mk_timer *slots[mk_net_wheel_slots];
} mk_net_wheel;

void mk_net_wheel_init(mk_net_wheel *w, uint64_t now_ms);
/* Set or move; MK_NEVER clears. */
void mk_net_wheel_set(mk_net_wheel *w, mk_timer *t, uint64_t due_ms);
void mk_net_wheel_clear(mk_net_wheel *w, mk_timer *t);
/* When mk_net_wheel_advance has something to look at, or MK_NEVER. */
uint64_t mk_net_wheel_next(const mk_net_wheel *w);
/* Fires what is due. Timers may be set and cleared from within fire; what is
 * set there fires in a later call. */
void mk_net_wheel_advance(mk_net_wheel *w, uint64_t now_ms);

#endif

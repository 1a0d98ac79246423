/* SPDX-License-Identifier: MIT
 *
 * wheel.c: see wheel.h. A timer lies in the slot of its tick modulo the
 * number of slots; one that is due in a later round is passed over. due_ms 0
 * means unset. host_link[0] is the next of the slot, host_link[1] the one
 * before.
 */
#include "net/wheel.h"

#include <string.h>

void mk_net_wheel_init(mk_net_wheel *w, uint64_t now_ms)
{
    memset(w, 0, sizeof *w);
    w->tick = now_ms >> mk_net_wheel_shift;
}

static size_t slot_of(uint64_t due_ms)
{
    return (size_t)(due_ms >> mk_net_wheel_shift) % mk_net_wheel_slots;
}

void mk_net_wheel_clear(mk_net_wheel *w, mk_timer *t)
{
    size_t slot = slot_of(t->due_ms);
    mk_timer *after = t->host_link[0];
    mk_timer *before = t->host_link[1];

    if (t->due_ms == 0) {
        return;
    }
    if (w->cursor == t) {
        w->cursor = after;
    }
    if (after != NULL) {
        after->host_link[1] = before;
    }
    if (before != NULL) {
        before->host_link[0] = after;
    } else {
        w->slots[slot] = after;
    }
    if (w->slots[slot] == NULL) {
        w->filled[slot / 64] &= ~(UINT64_C(1) << slot % 64);
    }
    t->due_ms = 0;
    t->host_link[0] = NULL;
    t->host_link[1] = NULL;
    w->count--;
}

void mk_net_wheel_set(mk_net_wheel *w, mk_timer *t, uint64_t due_ms)
{
    uint64_t first_ms = w->tick << mk_net_wheel_shift;
    size_t slot;

    mk_net_wheel_clear(w, t);
    if (due_ms == MK_NEVER) {
        return;
    }
    if (due_ms < first_ms) {
        due_ms = first_ms;
    }
    t->due_ms = due_ms == 0 ? 1 : due_ms;
    slot = slot_of(t->due_ms);
    t->host_link[0] = w->slots[slot];
    t->host_link[1] = NULL;
    if (w->slots[slot] != NULL) {
        w->slots[slot]->host_link[1] = t;
    }
    w->slots[slot] = t;
    w->filled[slot / 64] |= UINT64_C(1) << slot % 64;
    w->count++;
}

uint64_t mk_net_wheel_next(const mk_net_wheel *w)
{
    uint64_t tick = w->tick;
    uint64_t end = w->tick + mk_net_wheel_slots;
    size_t slot;

    while (w->count > 0 && tick < end) {
        slot = (size_t)tick % mk_net_wheel_slots;
        if (w->filled[slot / 64] >> slot % 64 == 0) {
            tick += 64 - slot % 64;
        } else if ((w->filled[slot / 64] >> slot % 64 & 1) == 0) {
            tick++;
        } else {
            return (tick + 1) << mk_net_wheel_shift;
        }
    }
    return MK_NEVER;
}

/* New timers come to the front of a slot, before the cursor. */
static void fire_slot(mk_net_wheel *w, size_t slot, uint64_t now_ms)
{
    mk_timer *t;

    w->cursor = w->slots[slot];
    while (w->cursor != NULL) {
        t = w->cursor;
        w->cursor = t->host_link[0];
        if (t->due_ms <= now_ms) {
            mk_net_wheel_clear(w, t);
            t->fire(t);
        }
    }
}

void mk_net_wheel_advance(mk_net_wheel *w, uint64_t now_ms)
{
    uint64_t limit = now_ms >> mk_net_wheel_shift;
    uint64_t tick = w->tick;

    if (limit <= tick) {
        return;
    }
    if (limit - tick > mk_net_wheel_slots) {
        tick = limit - mk_net_wheel_slots;
    }
    w->tick = limit;
    for (; tick < limit && w->count > 0; tick++) {
        fire_slot(w, (size_t)tick % mk_net_wheel_slots,
                  (limit << mk_net_wheel_shift) - 1);
    }
}

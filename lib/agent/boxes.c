/* SPDX-License-Identifier: MIT
 *
 * boxes.c: open Maildirs. One that was opened less than a second ago serves
 * the next messages too, so that a mailbox that gets mail after mail is not
 * opened each time; after that the path is walked anew, so that a mailbox
 * that was moved away or replaced gets no mail for longer (docs/maildir.md).
 * A box is found by others only once it is open; one in which something
 * failed is not kept. What lies idle is closed by a timer, and there are few
 * of them. Loop's thread, but mk_agent_box_open.
 */
#include <string.h>

#include "delivery_internal.h"

#define IDLE_MAX 32u
#define TRUSTED_MS 1000u
#define TMP_AGE_S (UINT64_C(36) * 3600) /* THREATS G4 */

static uint64_t now(const boxes *b)
{
    return b->host->now_ms(b->host->self);
}

static box *find(const boxes *b, mk_str domain, mk_str user)
{
    box *x = b->first;
    while (x != NULL &&
           !(mk_str_is(x->user, user) && mk_str_is(x->domain, domain))) {
        x = x->after;
    }
    return x;
}

static void box_free(boxes *b, box *x)
{
    if (x->open) {
        mk_maildir_close(&x->dir);
    }
    mk_alloc_put(b->alloc, x, x->bytes);
}

static void unlink_box(boxes *b, box *x)
{
    box **at = &b->first;
    while (*at != x) {
        at = &(*at)->after;
    }
    *at = x->after;
    x->cached = false;
}

/* Take a box from the cache for good; freed now or by its last user. */
static void drop(boxes *b, box *x)
{
    unlink_box(b, x);
    x->bad = true;
    if (x->refs == 0) {
        b->idle--;
        box_free(b, x);
    }
}

static bool is_trusted(const boxes *b, const box *x)
{
    return !x->bad && now(b) - x->since_ms < TRUSTED_MS;
}

static box *box_new(const boxes *b, mk_str domain, mk_str user)
{
    size_t bytes = sizeof(box) + domain.len + user.len;
    box *x = mk_alloc_get(b->alloc, bytes);
    if (x != NULL) {
        char *at = (char *)(x + 1);
        memcpy(at, domain.ptr, domain.len);
        memcpy(at + domain.len, user.ptr, user.len);
        x->domain = mk_str_of(at, domain.len);
        x->user = mk_str_of(at + domain.len, user.len);
        x->bytes = bytes;
        x->since_ms = now(b);
        x->refs = 1;
    }
    return x;
}

box *mk_agent_box_get(boxes *b, mk_str domain, mk_str user)
{
    box *x = find(b, domain, user);
    if (x != NULL && !is_trusted(b, x)) {
        drop(b, x);
        x = NULL;
    }
    if (x == NULL) {
        return box_new(b, domain, user);
    }
    b->idle -= x->refs == 0;
    x->refs++;
    return x;
}

/* ---- those without a user ------------------------------------------------ */

static box *oldest_idle(const boxes *b)
{
    box *oldest = NULL;
    for (box *x = b->first; x != NULL; x = x->after) {
        if (x->refs == 0 &&
            (oldest == NULL || x->since_ms <= oldest->since_ms)) {
            oldest = x;
        }
    }
    return oldest;
}

static void arm(boxes *b)
{
    if (b->idle > 0 && !b->armed) {
        b->armed = true;
        b->host->timer_set(b->host->self, &b->timer, now(b) + TRUSTED_MS);
    }
}

static void close_old(mk_timer *timer)
{
    boxes *b = (boxes *)(void *)timer;
    box *x = oldest_idle(b);
    b->armed = false;
    while (x != NULL && !is_trusted(b, x)) {
        drop(b, x);
        x = oldest_idle(b);
    }
    arm(b);
}

void mk_agent_box_put(boxes *b, box *x)
{
    x->refs--;
    if (x->cached) {
        unlink_box(b, x); /* to the front, or out */
    } else if (find(b, x->domain, x->user) != NULL) {
        x->bad = true; /* somebody else was faster */
    }
    if (x->open && !b->resting && is_trusted(b, x)) {
        x->after = b->first;
        b->first = x;
        x->cached = true;
        b->idle += x->refs == 0;
    } else if (x->refs == 0) {
        box_free(b, x);
        return;
    }
    x->bad = x->bad || !x->cached;
    if (b->idle > IDLE_MAX) {
        drop(b, oldest_idle(b));
    }
    arm(b);
}

mk_err mk_agent_box_open(box *x, const mk_vfs *vfs, mk_dir root, uint64_t now_s)
{
    if (x->open) {
        return MK_OK;
    }
    mk_err err = mk_maildir_open(vfs, root, x->domain, x->user, &x->dir);
    if (err == MK_OK) {
        x->open = true;
        /* what cannot be cleared today stays invisible */
        (void)mk_maildir_sweep(&x->dir, now_s, TMP_AGE_S, NULL);
    }
    return err;
}

void mk_agent_boxes_init(boxes *b, const mk_alloc *alloc, const mk_host *host)
{
    b->alloc = alloc;
    b->host = host;
    b->timer.fire = close_old;
}

void mk_agent_boxes_rest(boxes *b)
{
    box *x = oldest_idle(b);
    b->resting = true;
    if (b->armed) { /* else the host may be gone already */
        b->host->timer_clear(b->host->self, &b->timer);
        b->armed = false;
    }
    while (x != NULL) {
        drop(b, x);
        x = oldest_idle(b);
    }
}

/* SPDX-License-Identifier: MIT
 *
 * boxes.c: open Maildirs, kept while there are messages on their way, so that
 * a mailbox that gets mail after mail is not opened each time. A box is found
 * by others only once it is open; one in which something failed is not kept,
 * so that a mailbox that was removed or replaced meanwhile is opened anew.
 * Loop's thread, but mk_agent_box_open.
 */
#include <string.h>

#include "delivery_internal.h"

#define IDLE_MAX 32u
#define TMP_AGE_S (UINT64_C(36) * 3600) /* THREATS G4 */

static box *find(const boxes *b, mk_str domain, mk_str user)
{
    box *x = b->first;
    while (x != NULL &&
           !(mk_str_is(x->user, user) && mk_str_is(x->domain, domain))) {
        x = x->after;
    }
    return x;
}

box *mk_agent_box_get(boxes *b, mk_str domain, mk_str user)
{
    box *x = find(b, domain, user);
    if (x != NULL) {
        b->idle -= x->refs == 0;
        x->refs++;
        return x;
    }
    size_t bytes = sizeof *x + domain.len + user.len;
    x = mk_alloc_get(b->alloc, bytes);
    if (x != NULL) {
        char *at = (char *)(x + 1);
        memcpy(at, domain.ptr, domain.len);
        memcpy(at + domain.len, user.ptr, user.len);
        x->domain = mk_str_of(at, domain.len);
        x->user = mk_str_of(at + domain.len, user.len);
        x->bytes = bytes;
        x->refs = 1;
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

static void evict(boxes *b)
{
    box *oldest = NULL;
    for (box *x = b->first; x != NULL; x = x->after) {
        oldest = x->refs == 0 ? x : oldest;
    }
    if (oldest != NULL) {
        unlink_box(b, oldest);
        box_free(b, oldest);
        b->idle--;
    }
}

void mk_agent_box_put(boxes *b, box *x)
{
    x->refs--;
    if (x->cached) {
        unlink_box(b, x); /* to the front, or out */
    } else if (find(b, x->domain, x->user) != NULL) {
        x->bad = true; /* somebody else was faster */
    }
    if (!x->bad && x->open) {
        x->after = b->first;
        b->first = x;
        x->cached = true;
        b->idle += x->refs == 0;
    } else if (x->refs == 0) {
        box_free(b, x);
    }
    if (b->idle > IDLE_MAX) {
        evict(b);
    }
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

void mk_agent_boxes_fini(boxes *b)
{
    while (b->first != NULL) {
        box *x = b->first;
        b->first = x->after;
        box_free(b, x);
    }
    b->idle = 0;
}

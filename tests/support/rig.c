/* SPDX-License-Identifier: MIT
 *
 * rig.c: the driver of the tests. It holds no opinion about the protocol; it
 * only sees to it that nothing which the contract calls dead stays readable,
 * and that what the contract calls stable does not move. What broke is noted
 * in `broken`, for the test to report.
 */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 65536 }; /* octets offered at once at most */

static void *grab(size_t n)
{
    void *p = malloc(n == 0 ? 1 : n);
    if (p == NULL) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return p;
}

void rig_init(rig *r, mk_engine *e, size_t unit_bytes)
{
    memset(r, 0, sizeof *r);
    r->engine = e;
    r->now_ms = 1000000;
    r->feeding = unit_bytes > 0;
    if (r->feeding) {
        if (mk_pool_init(&r->units, mk_alloc_libc(), unit_bytes, 1) != MK_OK) {
            r->broken = "mk_pool_init failed";
        }
        mk_feed_init(&r->feed, e, &r->units, NULL);
        r->scratch_bytes = unit_bytes + 100;
    }
}

void rig_fini(rig *r)
{
    if (r->feeding) {
        mk_feed_fini(&r->feed);
        mk_pool_fini(&r->units);
    }
    free(r->scratch);
    free(r->offered);
    text_free(&r->tail);
    text_free(&r->queued);
}

static void open_room(rig *r)
{
    if (r->scratch == NULL) {
        r->scratch = grab(r->scratch_bytes);
        r->room =
            mk_feed_room(&r->feed, r->scratch, r->scratch_bytes, &r->room_ptr);
    }
}

size_t rig_push(rig *r, const char *octets, size_t n)
{
    if (!r->feeding) {
        text_add(&r->tail, octets, n);
        return n;
    }
    open_room(r);
    if (n > r->room) {
        n = r->room;
    }
    if (n > 0) {
        memcpy(r->room_ptr, octets, n);
        mk_feed_got(&r->feed, n);
    }
    r->room = 0; /* one read a turn */
    return n;
}

/* one offer of at most a window; *out_more tells that a next one helps */
static mk_err offer(rig *r, mk_event *out_event, bool *out_more)
{
    size_t n = r->tail.len < WINDOW ? r->tail.len : WINDOW;
    char *fresh = malloc(n);
    if (fresh == NULL && n > 0) {
        fputs("out of memory\n", stderr);
        abort();
    }
    if (n > 0) {
        memcpy(fresh, r->tail.ptr, n);
    }
    free(r->offered); /* all views of the step before are dead */
    r->offered = fresh;
    mk_str view = mk_str_of(fresh, n);
    mk_err err = mk_step(r->engine, r->now_ms, &view, out_event);
    if (view.len > n || (n > 0 && view.ptr + view.len != fresh + n)) {
        r->broken = "mk_step left a view that is not the rest of its input";
        return MK_END;
    }
    *out_more = err == MK_WAIT && r->tail.len > n && view.len < n;
    text_drop(&r->tail, n - view.len);
    return err;
}

static mk_err step_direct(rig *r, mk_event *out_event)
{
    bool more = true;
    mk_err err = MK_WAIT;
    while (more) {
        err = offer(r, out_event, &more);
    }
    return err;
}

mk_err rig_step(rig *r, mk_event *out_event)
{
    mk_err err;
    if (r->feeding) {
        open_room(r);
        err = mk_feed_step(&r->feed, r->now_ms, out_event);
    } else {
        err = step_direct(r, out_event);
    }
    r->ended = r->ended || err == MK_END;
    if (err < 0) {
        r->broken = "mk_step failed";
        r->ended = true;
    }
    return err;
}

void rig_rest(rig *r)
{
    if (!r->feeding || r->scratch == NULL) {
        return;
    }
    if (mk_feed_keep(&r->feed) != MK_OK && !r->ended) {
        r->broken = "mk_feed_keep found no unit";
    }
    memset(r->scratch, 'Z', r->scratch_bytes);
    free(r->scratch);
    r->scratch = NULL;
}

void rig_look(rig *r, text *sink)
{
    mk_str spans[3];
    size_t skip = 0;
    size_t max = 1 + r->turn++ % 3;
    for (;;) {
        size_t n = mk_out(r->engine, skip, spans, max);
        if (n == 0) {
            break;
        }
        for (size_t i = 0; i < n; i++) {
            size_t known = r->queued.len > skip ? r->queued.len - skip : 0;
            known = known < spans[i].len ? known : spans[i].len;
            if (known > 0 &&
                memcmp(r->queued.ptr + skip, spans[i].ptr, known) != 0) {
                r->broken = "queued output changed before it was acknowledged";
            }
            text_add(sink, spans[i].ptr + known, spans[i].len - known);
            text_add(&r->queued, spans[i].ptr + known, spans[i].len - known);
            skip += spans[i].len;
        }
    }
    if (skip < r->queued.len) {
        r->broken = "queued output vanished before it was acknowledged";
        text_clear(&r->queued);
    }
    unsigned want = mk_want(r->engine);
    if ((want & MK_WANT_ABORT) == 0 &&
        ((want & MK_WANT_WRITE) != 0) != (skip > 0)) {
        r->broken = "MK_WANT_WRITE does not agree with mk_out";
    }
}

void rig_ack(rig *r, size_t n)
{
    if (mk_out_sent(r->engine, r->queued.len + 1) != MK_E_ARG) {
        r->broken = "mk_out_sent took more than is queued";
    }
    if (mk_out_sent(r->engine, n) != MK_OK) {
        r->broken = "mk_out_sent refused what is queued";
    }
    text_drop(&r->queued, n);
}

size_t rig_held(const rig *r)
{
    return r->feeding ? mk_feed_held(&r->feed) : r->tail.len;
}

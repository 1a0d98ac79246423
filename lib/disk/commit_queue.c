/* SPDX-License-Identifier: MIT
 *
 * disk/commit_queue.c: which files are committed together: a free lane takes
 * what is waiting at once; what comes while all lanes are busy becomes the
 * next batch, so batches grow with the load and a lone file never waits. It
 * knows no thread: jobs go out and come back through the submit hook. It
 * refuses to be freed while items are under way.
 */
#include "disk/internal.h"

#include <string.h>

#define LANES_MAX 64u
#define BATCH_MAX 1024u

typedef struct lane {
    mk_job job; /* first: the host hands it back */
    mk_commit_queue *queue;
    mk_commit_item *items;
    bool busy;
} lane;

struct mk_commit_queue {
    mk_commit_queue_config c;
    size_t count;   /* done not called yet */
    size_t waiting; /* of these, in no lane */
    mk_commit_item *head;
    mk_commit_item **tail;
    lane lanes[]; /* c.lanes of them */
};

static size_t queue_bytes(unsigned lanes)
{
    return sizeof(mk_commit_queue) + lanes * sizeof(lane);
}

void mk_commit_queue_config_init(mk_commit_queue_config *c, size_t size)
{
    memset(c, 0, size < sizeof *c ? size : sizeof *c);
    c->size = size;
    c->lanes = 4;
    c->batch_max = 64;
    c->mode = MK_COMMIT_DURABLE;
}

static size_t lanes_free(const mk_commit_queue *q)
{
    size_t n = 0;
    unsigned i;

    for (i = 0; i < q->c.lanes; i++) {
        n += q->lanes[i].busy ? 0u : 1u;
    }
    return n;
}

static lane *lane_pick(mk_commit_queue *q)
{
    unsigned i;

    for (i = 0; q->lanes[i].busy; i++) {
    }
    return &q->lanes[i];
}

/* Cuts n items off the front; n is at most q->waiting and at least 1. */
static mk_commit_item *batch_take(mk_commit_queue *q, size_t n)
{
    mk_commit_item *first = q->head;
    mk_commit_item *item = first;

    q->waiting -= n;
    while (--n > 0) {
        item = item->chain;
    }
    q->head = item->chain;
    if (q->head == NULL) {
        q->tail = &q->head;
    }
    item->chain = NULL;
    return first;
}

static void batch_put_back(mk_commit_queue *q, mk_commit_item *first)
{
    mk_commit_item *item = first;

    q->waiting++;
    while (item->chain != NULL) {
        item = item->chain;
        q->waiting++;
    }
    item->chain = q->head;
    if (q->head == NULL) {
        q->tail = &item->chain;
    }
    q->head = first;
}

static mk_err lanes_start(mk_commit_queue *q)
{
    size_t idle = lanes_free(q);

    while (idle > 0 && q->waiting > 0) {
        size_t n = (q->waiting + idle - 1) / idle;
        lane *l = lane_pick(q);
        mk_err err;

        l->items = batch_take(q, n < q->c.batch_max ? n : q->c.batch_max);
        err = q->c.submit(q->c.submit_self, &l->job);
        if (err != MK_OK) {
            batch_put_back(q, l->items);
            return err;
        }
        l->busy = true;
        idle--;
    }
    return MK_OK;
}

static void lane_work(mk_job *job)
{
    lane *l = (lane *)job;

    mk_commit(l->queue->c.vfs, l->items, l->queue->c.mode);
}

/* No worker will ever come back for what waits: it fails now. */
static mk_commit_item *waiting_fail(mk_commit_queue *q, mk_err err)
{
    mk_commit_item *all = batch_take(q, q->waiting);
    mk_commit_item *item;

    for (item = all; item != NULL; item = item->chain) {
        mk_disk_file_discard(&item->file);
        item->result = err;
    }
    return all;
}

/* The last `done` may free the queue: it is not touched after that. */
static void items_done(mk_commit_queue *q, mk_commit_item *item)
{
    while (item != NULL) {
        mk_commit_item *following = item->chain;

        item->chain = NULL;
        q->count--;
        item->done(item);
        item = following;
    }
}

static void lane_done(mk_job *job)
{
    lane *l = (lane *)job;
    mk_commit_queue *q = l->queue;
    mk_commit_item *items = l->items;
    mk_err err;

    l->busy = false;
    err = lanes_start(q);
    if (err != MK_OK && lanes_free(q) == q->c.lanes && q->waiting > 0) {
        mk_commit_item **end = &items;

        while (*end != NULL) {
            end = &(*end)->chain;
        }
        *end = waiting_fail(q, err);
    }
    items_done(q, items);
}

mk_err mk_commit_queue_new(const mk_commit_queue_config *c,
                           mk_commit_queue **out_queue)
{
    mk_commit_queue *q;
    unsigned i;

    if (c->size < sizeof *c || c->vfs == NULL || c->alloc == NULL ||
        c->submit == NULL || c->lanes < 1 || c->lanes > LANES_MAX ||
        c->batch_max < 1 || c->batch_max > BATCH_MAX) {
        return MK_E_ARG;
    }
    q = mk_alloc_get(c->alloc, queue_bytes(c->lanes));
    if (q == NULL) {
        return MK_E_MEMORY;
    }
    q->c = *c;
    q->tail = &q->head;
    for (i = 0; i < c->lanes; i++) {
        q->lanes[i].job.work = lane_work;
        q->lanes[i].job.done = lane_done;
        q->lanes[i].queue = q;
    }
    *out_queue = q;
    return MK_OK;
}

mk_err mk_commit_queue_add(mk_commit_queue *q, mk_commit_item *item)
{
    mk_err err;

    if (item == NULL || item->done == NULL || item->namer == NULL ||
        (!item->file.present && item->prepare == NULL)) {
        return MK_E_ARG;
    }
    item->chain = NULL;
    *q->tail = item;
    q->tail = &item->chain;
    q->waiting++;
    q->count++;
    err = lanes_start(q);
    if (err != MK_OK && lanes_free(q) == q->c.lanes) {
        /* Nothing was under way, so it is the only one that waits. */
        (void)batch_take(q, 1);
        q->count--;
        return err;
    }
    return MK_OK;
}

size_t mk_commit_queue_count(const mk_commit_queue *q)
{
    return q->count;
}

mk_err mk_commit_queue_free(mk_commit_queue *q)
{
    if (q == NULL) {
        return MK_OK;
    }
    if (q->count > 0) {
        return MK_E_BUSY;
    }
    mk_alloc_put(q->c.alloc, q, queue_bytes(q->c.lanes));
    return MK_OK;
}

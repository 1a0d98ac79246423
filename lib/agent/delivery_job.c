/* SPDX-License-Identifier: MIT
 *
 * delivery_job.c: what runs on workers for a message: spilling, writing the
 * files of several mailboxes, removing what came to nothing, and the step
 * that opens a mailbox within the commit. All files of a message are on
 * stable storage before one of them is handed to the commit, so that a full
 * disk fails all or none; but with LMTP, where each mailbox is answered for by
 * itself (RFC 2033 4.2), each fails alone. On an error a step leaves no file
 * behind.
 */
#include "delivery_internal.h"

void mk_agent_task_fail(task *t, mk_err err)
{
    message *m = t->m;
    if (m->is_each) {
        t->err = t->err == MK_OK ? err : t->err;
    } else {
        m->err = m->err == MK_OK ? err : m->err;
    }
}

/* ---- one task ------------------------------------------------------------ */

static mk_err box_open(const task *t)
{
    const mk_local_delivery_config *c = &t->m->ld->c;
    return mk_agent_box_open(t->box, c->vfs, c->root,
                             t->m->stamp.wall_us / 1000000);
}

/* The first step of the commit: also opens a box that is not open yet. */
static mk_err prepare_in_commit(mk_commit_item *item)
{
    task *t = *mk_delivery_tag(mk_delivery_of(item));
    mk_err err = box_open(t);
    return err == MK_OK ? t->prepare(item) : err;
}

static mk_err delivery_new(task *t, uint64_t seq, mk_delivery **out_delivery)
{
    const message *m = t->m;
    const mk_local_delivery_config *c = &m->ld->c;
    mk_delivery_config config;

    mk_delivery_config_init(&config, sizeof config);
    config.alloc = c->alloc;
    config.box = &t->box->dir;
    config.stamp = m->stamp;
    config.stamp.seq += seq;
    config.free_bytes_min = c->free_bytes_min;
    config.free_inodes_min = c->free_inodes_min;
    return mk_delivery_new(&config, out_delivery);
}

/* The item is complete. */
static void task_take(task *t, mk_delivery *d)
{
    mk_commit_item *item = mk_delivery_item(d);
    t->delivery = d;
    t->prepare = item->prepare;
    item->prepare = prepare_in_commit;
    *mk_delivery_tag(d) = t;
}

mk_err mk_agent_task_whole(task *t)
{
    message *m = t->m;
    mk_delivery *d;
    mk_err err = delivery_new(t, (uint64_t)(t - m->tasks), &d);

    if (err == MK_OK) {
        (void)mk_delivery_whole(d, mk_str_of(m->top, m->top_len), m->views,
                                m->view_count); /* it is fresh */
        task_take(t, d);
    }
    return err;
}

static mk_err task_copy(task *t)
{
    message *m = t->m;
    mk_delivery *d;
    mk_err err = box_open(t);

    err = err == MK_OK ? delivery_new(t, (uint64_t)(t - m->tasks), &d) : err;
    if (err != MK_OK) {
        return err;
    }
    err = mk_delivery_copy(d, m->source, mk_str_of(m->top, m->top_len));
    if (err == MK_OK) {
        task_take(t, d);
    } else {
        mk_delivery_free(d);
    }
    return err;
}

/* ---- the source: what did not stay in memory ----------------------------- */

static mk_err source_add(message *m)
{
    mk_err err = MK_OK;
    for (const chunk *c = m->first; c != NULL && err == MK_OK; c = c->after) {
        err = mk_delivery_add(m->source, mk_str_of(c->octets, c->len));
    }
    return err;
}

/* In the first mailbox. */
static mk_err source_begin(message *m)
{
    task *t = &m->tasks[0];
    mk_err err = box_open(t);
    /* a name of its own, should the first mailbox get a copy */
    err = err == MK_OK ? delivery_new(t, m->task_count, &m->source) : err;
    return err == MK_OK
               ? mk_delivery_begin(m->source, mk_str_of(m->top, m->top_len))
               : err;
}

/* One mailbox that is not to be had shall not keep the message from others:
 * another is made the first. */
static mk_err source_begin_anywhere(message *m)
{
    mk_err err = source_begin(m);
    for (size_t i = 1; err != MK_OK && m->is_each && i < m->task_count; i++) {
        task bad = m->tasks[0];
        bad.err = err;
        mk_delivery_free(m->source);
        m->source = NULL;
        m->tasks[0] = m->tasks[i];
        m->tasks[i] = bad;
        err = source_begin(m);
    }
    return err;
}

static mk_err spill(message *m)
{
    mk_err err = m->source == NULL ? source_begin_anywhere(m) : MK_OK;
    return err == MK_OK ? source_add(m) : err;
}

/* The first mailbox, which comes last, gets the source itself; a copy only
 * when a stage has added fields at the end. */
static mk_err task_from_source(task *t)
{
    message *m = t->m;
    if (t != m->tasks || m->is_other_top) {
        return task_copy(t);
    }
    task_take(t, m->source);
    m->source = NULL;
    return MK_OK;
}

/* ---- several mailboxes --------------------------------------------------- */

/* Close the boxes that nobody else uses; the commit opens them again. */
static void park(message *m, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        task *t = &m->tasks[i];
        if (!t->is_shared && t->err == MK_OK) {
            mk_delivery_park(t->delivery);
            mk_maildir_close(&t->box->dir);
            t->box->open = false;
        }
    }
}

/* Contents of some tasks to stable storage. */
static void settle(message *m, size_t first, size_t end)
{
    mk_commit_item *items = NULL;

    for (size_t i = end; i-- > first;) {
        if (m->tasks[i].err == MK_OK) {
            mk_commit_item *item = mk_delivery_item(m->tasks[i].delivery);
            item->chain = items;
            items = item;
        }
    }
    mk_commit_contents(m->ld->c.vfs, items, m->ld->c.mode);
    for (; items != NULL; items = items->chain) {
        if (items->result != MK_OK) {
            mk_agent_task_fail(*mk_delivery_tag(mk_delivery_of(items)),
                               items->result);
        }
    }
}

static void task_make(task *t)
{
    mk_err err =
        t->m->source != NULL ? task_from_source(t) : mk_agent_task_whole(t);
    if (err != MK_OK) {
        mk_agent_task_fail(t, err);
    }
}

/* When it failed for each, it failed. */
static mk_err common_err(const message *m)
{
    mk_err err = MK_OK;
    for (size_t i = 0; i < m->task_count; i++) {
        if (m->tasks[i].err == MK_OK) {
            return MK_OK;
        }
        err = m->tasks[i].err;
    }
    return err;
}

/* The last mailbox first, since the first one has the source. */
static mk_err prepare(message *m)
{
    size_t end = m->task_count;

    if (m->source != NULL) {
        m->err = source_add(m);
        m->err = m->err == MK_OK ? mk_delivery_end(m->source) : m->err;
    }
    for (size_t i = end; i-- > 0 && m->err == MK_OK;) {
        if (m->tasks[i].err == MK_OK) {
            task_make(&m->tasks[i]);
        }
        if (m->err != MK_OK || i % SLICE != 0 || m->task_count == 1) {
            continue;
        }
        settle(m, i, end);
        if (m->err == MK_OK && m->task_count > SLICE && i > 0) {
            park(m, i, end);
        }
        end = i;
    }
    return m->err == MK_OK ? common_err(m) : m->err;
}

/* A box that was parked is opened once more; if that fails, the file is the
 * sweep's. */
static void abort_one(const task *t, mk_delivery *d)
{
    const mk_commit_item *item = d != NULL ? mk_delivery_item(d) : NULL;
    if (item != NULL && item->file.present) {
        (void)box_open(t);
    }
    if (d != NULL) {
        mk_delivery_abort(d);
    }
}

static void clean(message *m)
{
    for (size_t i = 0; i < m->task_count; i++) {
        abort_one(&m->tasks[i], m->tasks[i].delivery);
    }
    if (m->task_count > 0) {
        abort_one(&m->tasks[0], m->source);
    }
}

void mk_agent_message_work(mk_job *job)
{
    message *m = (message *)(void *)job;
    mk_err err = MK_OK;

    switch ((message_step)m->step) {
    case STEP_SPILL:
        err = spill(m);
        break;
    case STEP_PREPARE:
        err = prepare(m);
        if (err == MK_OK && m->source != NULL) {
            mk_delivery_abort(m->source); /* copied everywhere */
        }
        break;
    case STEP_CLEAN:
        clean(m);
        return;
    }
    if (err != MK_OK) {
        m->err = err;
        clean(m);
    }
}

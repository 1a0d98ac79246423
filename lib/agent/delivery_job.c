/* SPDX-License-Identifier: MIT
 *
 * delivery_job.c: what a message's job does on a worker: writing to tmp/, and
 * removing what came to nothing. The first mailbox's file is the source; the
 * others are copies of it. All files of a slice are complete before one of
 * them is handed to the commit, so that a full disk fails all or none. On an
 * error the step leaves no file of the message behind.
 */
#include "delivery_internal.h"

static mk_err new_delivery(message *m, size_t i)
{
    const mk_local_delivery_config *c = &m->ld->c;
    mk_delivery_config config;
    task *t = &m->tasks[i];
    mk_err err =
        mk_agent_box_open(t->box, c->vfs, c->root, m->stamp.wall_us / 1000000);

    if (err != MK_OK) {
        return err;
    }
    mk_delivery_config_init(&config, sizeof config);
    config.alloc = c->alloc;
    config.box = &t->box->dir;
    config.stamp = m->stamp;
    config.stamp.seq += i;
    config.free_bytes_min = c->free_bytes_min;
    config.free_inodes_min = c->free_inodes_min;
    err = mk_delivery_new(&config, &t->delivery);
    if (err == MK_OK) {
        *mk_delivery_tag(t->delivery) = m;
    }
    return err;
}

static mk_err add_views(message *m)
{
    mk_err err = MK_OK;
    for (const chunk *c = m->first; c != NULL && err == MK_OK; c = c->after) {
        err =
            mk_delivery_add(m->tasks[0].delivery, mk_str_of(c->octets, c->len));
    }
    return err;
}

static mk_err spill(message *m)
{
    mk_err err = MK_OK;
    if (!m->has_gap) {
        err = new_delivery(m, 0);
        if (err == MK_OK) {
            err = mk_delivery_begin(m->tasks[0].delivery, TOP_RESERVE);
        }
        m->has_gap = err == MK_OK;
    }
    return err == MK_OK ? add_views(m) : err;
}

/* Complete the first file. A message in memory for one mailbox is written by
 * the commit itself; for several it needs no gap, the fields are known. */
static mk_err prepare_source(message *m)
{
    mk_str top = mk_str_of(m->top, m->top_len);
    mk_err err = m->has_gap ? MK_OK : new_delivery(m, 0);
    mk_delivery *d = m->tasks[0].delivery;

    if (err != MK_OK) {
        return err;
    }
    if (m->has_gap) {
        err = add_views(m);
        return err == MK_OK ? mk_delivery_end(d, top) : err;
    }
    if (m->task_count == 1) {
        return mk_delivery_whole(d, top, m->views, m->view_count);
    }
    err = mk_delivery_begin(d, 0);
    err = err == MK_OK ? mk_delivery_add(d, top) : err;
    err = err == MK_OK ? add_views(m) : err;
    return err == MK_OK ? mk_delivery_end(d, mk_str_of(NULL, 0)) : err;
}

static mk_err prepare_copy(message *m, size_t i)
{
    mk_err err = new_delivery(m, i);
    mk_str top = mk_str_of(NULL, 0);
    if (m->has_gap) {
        top = mk_str_of(m->top, m->top_len);
    }
    return err == MK_OK ? mk_delivery_copy(m->tasks[i].delivery,
                                           m->tasks[0].delivery, top)
                        : err;
}

static mk_err prepare(message *m)
{
    mk_err err = MK_OK;
    if (!m->is_prepared) {
        err = prepare_source(m);
        m->is_prepared = err == MK_OK;
    }
    for (size_t i = m->slice_first; i < m->slice_end && err == MK_OK; i++) {
        err = prepare_copy(m, i);
    }
    return err;
}

static void clean(message *m)
{
    for (size_t i = 0; i < m->task_count; i++) {
        if (m->tasks[i].delivery != NULL) {
            mk_delivery_abort(m->tasks[i].delivery);
        }
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

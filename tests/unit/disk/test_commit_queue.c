/* SPDX-License-Identifier: MIT
 *
 * test_commit_queue.c: which items go together, with a host that runs a job
 * only when the test says so: lanes, growing batches, workers that cannot be
 * had, and the end of the queue.
 */
#include "test_vfs.h"

#include <mailkit/disk.h>

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define THINGS 200u
#define JOBS 16u

typedef struct thing {
    mk_commit_item item; /* first */
    struct rig *r;
    unsigned number;
    unsigned done; /* calls of done */
    mk_err result;
} thing;

typedef struct rig {
    test_vfs *t;
    test_alloc a;
    mk_dir root;
    mk_commit_queue *q;
    mk_job *jobs[JOBS]; /* submitted and not run, oldest first */
    unsigned n_jobs;
    unsigned submits; /* all that were taken */
    mk_err submit_err;
    bool adding; /* inside mk_commit_queue_add */
    bool free_in_done;
    bool add_in_done; /* the first done adds the last thing */
    thing things[THINGS];
    int fds;
} rig;

static mk_err submit(void *self, mk_job *job)
{
    rig *r = self;

    if (r->submit_err != MK_OK) {
        return r->submit_err;
    }
    assert_true(r->n_jobs < JOBS);
    r->jobs[r->n_jobs++] = job;
    r->submits++;
    return MK_OK;
}

/* Runs the oldest job whole. */
static void run_one(rig *r)
{
    mk_job *job = r->jobs[0];
    unsigned i;

    assert_true(r->n_jobs > 0);
    r->n_jobs--;
    for (i = 0; i < r->n_jobs; i++) {
        r->jobs[i] = r->jobs[i + 1];
    }
    job->work(job);
    job->done(job);
}

static mk_err name(void *self, unsigned attempt, char *out)
{
    const thing *g = self;

    assert_int_equal(attempt, 0);
    (void)snprintf(out, 256, "m%u", g->number);
    return MK_OK;
}

static mk_err name_tmp(void *self, unsigned attempt, char *out)
{
    const thing *g = self;

    assert_int_equal(attempt, 0);
    (void)snprintf(out, 256, "t%u", g->number);
    return MK_OK;
}

static mk_err prepare(mk_commit_item *item)
{
    thing *g = (thing *)item;

    return mk_disk_file_open(&item->file, &g->r->t->vfs, g->r->root, name_tmp,
                             g);
}

static mk_err add(rig *r, unsigned i)
{
    mk_err err;

    r->adding = true;
    err = mk_commit_queue_add(r->q, &r->things[i].item);
    r->adding = false;
    return err;
}

static void done(mk_commit_item *item)
{
    thing *g = (thing *)item;
    rig *r = g->r;

    assert_false(r->adding); /* never from inside add */
    g->done++;
    g->result = item->result;
    if (r->add_in_done) {
        r->add_in_done = false;
        assert_int_equal(mk_commit_queue_add(r->q, &r->things[THINGS - 1].item),
                         MK_OK);
    }
    if (r->free_in_done) {
        mk_err want = mk_commit_queue_count(r->q) > 0 ? MK_E_BUSY : MK_OK;

        assert_int_equal(mk_commit_queue_free(r->q), want);
        if (want == MK_OK) {
            r->q = NULL;
        }
    }
}

static int set_up(void **state)
{
    static rig r;
    unsigned i;

    memset(&r, 0, sizeof r);
    r.fds = test_fd_count();
    r.t = test_vfs_open();
    r.root = r.t->root_dir;
    test_alloc_init(&r.a);
    for (i = 0; i < THINGS; i++) {
        thing *g = &r.things[i];

        mk_commit_item_init(&g->item);
        g->r = &r;
        g->number = i;
        g->item.final_dir = r.root;
        g->item.namer = name;
        g->item.prepare = prepare;
        g->item.done = done;
        g->item.self = g;
    }
    *state = &r;
    return 0;
}

static void open_queue(rig *r, unsigned lanes, unsigned batch_max)
{
    mk_commit_queue_config c;

    mk_commit_queue_config_init(&c, sizeof c);
    c.vfs = &r->t->vfs;
    c.alloc = &r->a.alloc;
    c.submit = submit;
    c.submit_self = r;
    c.lanes = lanes;
    c.batch_max = batch_max;
    assert_int_equal(mk_commit_queue_new(&c, &r->q), MK_OK);
}

static int tear_down(void **state)
{
    rig *r = *state;
    mk_err err = mk_commit_queue_free(r->q);

    test_vfs_close(r->t);
    return err == MK_OK && r->a.out_count == 0 && r->a.out_bytes == 0 &&
                   test_fd_count() == r->fds
               ? 0
               : -1;
}

/* Things first to last-1 are done once and stored. */
static void all_stored(const rig *r, unsigned first, unsigned end)
{
    unsigned i;

    for (i = first; i < end; i++) {
        assert_int_equal(r->things[i].done, 1);
        assert_int_equal(r->things[i].result, MK_OK);
    }
    assert_int_equal(mk_commit_queue_count(r->q), 0);
    assert_int_equal(test_vfs_entries(r->t, "."), end - first);
}

static void a_lone_item_starts_at_once(void **state)
{
    rig *r = *state;

    open_queue(r, 4, 64);
    assert_int_equal(add(r, 0), MK_OK);
    assert_int_equal(r->n_jobs, 1);
    assert_int_equal(mk_commit_queue_count(r->q), 1);
    assert_int_equal(r->things[0].done, 0);
    assert_int_equal(mk_commit_queue_free(r->q), MK_E_BUSY);
    run_one(r);
    all_stored(r, 0, 1);
    assert_int_equal(r->n_jobs, 0);
}

/* What comes while a batch runs is the next batch: one directory sync for
 * all of it. */
static void waiting_items_go_together(void **state)
{
    rig *r = *state;
    unsigned i;

    open_queue(r, 1, 64);
    for (i = 0; i < 41; i++) {
        assert_int_equal(add(r, i), MK_OK);
    }
    assert_int_equal(r->submits, 1);
    run_one(r);
    assert_int_equal(r->things[0].done, 1);
    assert_int_equal(r->things[1].done, 0);
    assert_int_equal(r->submits, 2);
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_DIR_SYNC), 1);
    run_one(r);
    all_stored(r, 0, 41);
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_DIR_SYNC), 2);
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_SYNC), 41);
}

static void lanes_run_side_by_side(void **state)
{
    rig *r = *state;
    unsigned i;

    open_queue(r, 4, 8);
    for (i = 0; i < 50; i++) {
        assert_int_equal(add(r, i), MK_OK);
    }
    assert_int_equal(r->n_jobs, 4);
    while (r->n_jobs > 0) {
        assert_true(r->n_jobs <= 4);
        run_one(r);
    }
    all_stored(r, 0, 50);
    /* 4 alone, 46 in batches of 8 */
    assert_int_equal(r->submits, 4 + 6);
}

static void batches_have_a_maximum(void **state)
{
    rig *r = *state;
    unsigned i;

    open_queue(r, 1, 3);
    for (i = 0; i < 8; i++) {
        assert_int_equal(add(r, i), MK_OK);
    }
    while (r->n_jobs > 0) {
        run_one(r);
    }
    all_stored(r, 0, 8);
    assert_int_equal(r->submits, 1 + 3); /* 1, 3, 3, 1 */
}

/* F25: no worker at all: the item stays the caller's. */
static void fault_f25_submit_fails_when_idle(void **state)
{
    rig *r = *state;

    open_queue(r, 2, 64);
    r->submit_err = MK_E_MEMORY;
    assert_int_equal(add(r, 0), MK_E_MEMORY);
    assert_int_equal(mk_commit_queue_count(r->q), 0);
    assert_int_equal(add(r, 0), MK_E_MEMORY);
    r->submit_err = MK_OK;
    assert_int_equal(add(r, 0), MK_OK);
    run_one(r);
    all_stored(r, 0, 1);
}

/* No second worker: what waits is served by the first. */
static void fault_f25_submit_fails_while_one_runs(void **state)
{
    rig *r = *state;

    open_queue(r, 2, 64);
    assert_int_equal(add(r, 0), MK_OK);
    r->submit_err = MK_E_MEMORY;
    assert_int_equal(add(r, 1), MK_OK);
    assert_int_equal(add(r, 2), MK_OK);
    r->submit_err = MK_OK;
    run_one(r);
    while (r->n_jobs > 0) {
        run_one(r);
    }
    all_stored(r, 0, 3);
}

/* The last worker comes back and no other can be had: what waits is told. */
static void fault_f25_submit_fails_at_the_end_of_a_batch(void **state)
{
    rig *r = *state;
    unsigned i;

    open_queue(r, 1, 64);
    for (i = 0; i < 3; i++) {
        assert_int_equal(add(r, i), MK_OK);
    }
    /* one of those that wait is written already */
    assert_int_equal(prepare(&r->things[2].item), MK_OK);
    r->submit_err = MK_E_SHUTDOWN;
    run_one(r);
    assert_int_equal(r->things[0].result, MK_OK);
    assert_int_equal(r->things[1].result, MK_E_SHUTDOWN);
    assert_int_equal(r->things[2].result, MK_E_SHUTDOWN);
    assert_int_equal(r->things[2].done, 1);
    assert_int_equal(mk_commit_queue_count(r->q), 0);
    assert_int_equal(test_vfs_entries(r->t, "."), 1);
}

static void done_may_free_the_queue(void **state)
{
    rig *r = *state;
    unsigned i;

    open_queue(r, 1, 64);
    r->free_in_done = true;
    for (i = 0; i < 3; i++) {
        assert_int_equal(add(r, i), MK_OK);
    }
    run_one(r);
    assert_non_null(r->q);
    run_one(r);
    assert_null(r->q);
    assert_int_equal(r->things[2].done, 1);
}

static void done_may_add_another(void **state)
{
    rig *r = *state;

    open_queue(r, 1, 64);
    r->add_in_done = true;
    assert_int_equal(add(r, 0), MK_OK);
    run_one(r);
    assert_int_equal(r->n_jobs, 1);
    run_one(r);
    assert_int_equal(r->things[THINGS - 1].done, 1);
    assert_int_equal(r->things[THINGS - 1].result, MK_OK);
}

static void fault_f25_no_memory_for_the_queue(void **state)
{
    rig *r = *state;
    mk_commit_queue_config c;

    mk_commit_queue_config_init(&c, sizeof c);
    c.vfs = &r->t->vfs;
    c.alloc = &r->a.alloc;
    c.submit = submit;
    c.submit_self = r;
    r->a.fail_at = 1;
    assert_int_equal(mk_commit_queue_new(&c, &r->q), MK_E_MEMORY);
    assert_null(r->q);
}

static void configs_and_items_are_checked(void **state)
{
    rig *r = *state;
    mk_commit_queue_config good;
    mk_commit_queue_config c;
    mk_commit_item item;
    mk_commit_queue *q = NULL;

    mk_commit_queue_config_init(&good, sizeof good);
    good.vfs = &r->t->vfs;
    good.alloc = &r->a.alloc;
    good.submit = submit;
    assert_int_equal(good.lanes, 4);
    assert_int_equal(good.mode, MK_COMMIT_DURABLE);
#define BAD(change)                                                            \
    c = good;                                                                  \
    c.change;                                                                  \
    assert_int_equal(mk_commit_queue_new(&c, &q), MK_E_ARG)
    BAD(size = 1);
    BAD(vfs = NULL);
    BAD(alloc = NULL);
    BAD(submit = NULL);
    BAD(lanes = 0);
    BAD(lanes = 65);
    BAD(batch_max = 0);
    BAD(batch_max = 1025);
    assert_null(q);

    open_queue(r, 1, 1);
    assert_int_equal(mk_commit_queue_add(r->q, NULL), MK_E_ARG);
    item = r->things[0].item;
    item.done = NULL;
    assert_int_equal(mk_commit_queue_add(r->q, &item), MK_E_ARG);
    item = r->things[0].item;
    item.namer = NULL;
    assert_int_equal(mk_commit_queue_add(r->q, &item), MK_E_ARG);
    item = r->things[0].item;
    item.prepare = NULL;
    assert_int_equal(mk_commit_queue_add(r->q, &item), MK_E_ARG);
    assert_int_equal(mk_commit_queue_count(r->q), 0);
}

/* Random walks of adding, failing and running: each item is done once. */
static void walks_lose_and_double_nothing(void **state)
{
    rig *r = *state;
    uint32_t x = 12345;
    unsigned next = 0;
    unsigned stored = 0;
    unsigned i;

    open_queue(r, 3, 5);
    while (next < THINGS - 1 || r->n_jobs > 0) {
        x = x * 1664525u + 1013904223u;
        r->submit_err = (x >> 28) == 0 ? MK_E_MEMORY : MK_OK;
        if ((x >> 24 & 3) != 0 && next < THINGS - 1) {
            next += add(r, next) == MK_OK ? 1u : 0u;
        } else if (r->n_jobs > 0) {
            run_one(r);
        }
    }
    for (i = 0; i < THINGS - 1; i++) {
        assert_int_equal(r->things[i].done, 1);
        stored += r->things[i].result == MK_OK ? 1u : 0u;
    }
    assert_int_equal(mk_commit_queue_count(r->q), 0);
    assert_true(stored > THINGS / 2);
    assert_int_equal(test_vfs_entries(r->t, "."), stored);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_lone_item_starts_at_once),
        T(waiting_items_go_together),
        T(lanes_run_side_by_side),
        T(batches_have_a_maximum),
        T(fault_f25_submit_fails_when_idle),
        T(fault_f25_submit_fails_while_one_runs),
        T(fault_f25_submit_fails_at_the_end_of_a_batch),
        T(done_may_free_the_queue),
        T(done_may_add_another),
        T(fault_f25_no_memory_for_the_queue),
        T(configs_and_items_are_checked),
        T(walks_lose_and_double_nothing),
    };

    return cmocka_run_group_tests_name("disk/commit_queue", tests, NULL, NULL);
}

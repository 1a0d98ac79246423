/* SPDX-License-Identifier: MIT
 *
 * test_commit_threads.c: the commit queue over real threads and real files:
 * ten thousand items from many "sessions" that each wait for theirs before
 * the next, through lanes that run at the same time. Each item is done once,
 * on the thread that owns the queue, and is there under its name.
 */
#include "test_vfs.h"
#include "thread_pool.h"

#include <mailkit/disk.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SESSIONS 50u
#define ITEMS 10000u

typedef struct thing {
    mk_commit_item item; /* first */
    struct crowd *c;
    unsigned number;
} thing;

typedef struct crowd {
    thread_pool p;
    mk_vfs vfs;
    test_vfs *t; /* for its directory only */
    mk_commit_queue *q;
    pthread_t owner;
    unsigned begun;
    unsigned done;
    unsigned failed;
    unsigned char seen[ITEMS];
    thing things[SESSIONS];
} crowd;

/* ---- items --------------------------------------------------------------- */

static mk_err name_tmp(void *self, unsigned attempt, char *out)
{
    const thing *g = self;

    (void)snprintf(out, 256, "t%u-%u", g->number, attempt);
    return MK_OK;
}

static mk_err name(void *self, unsigned attempt, char *out)
{
    const thing *g = self;

    (void)snprintf(out, 256, "m%u-%u", g->number, attempt);
    return MK_OK;
}

static mk_err prepare(mk_commit_item *item)
{
    thing *g = (thing *)item;
    char text[32];
    int n = snprintf(text, sizeof text, "message %u", g->number);
    mk_err err = mk_disk_file_open(&item->file, &g->c->vfs, g->c->t->root_dir,
                                   name_tmp, g);

    if (err != MK_OK) {
        return err;
    }
    err = mk_disk_file_write(&item->file, 0, mk_str_of(text, (size_t)n));
    if (err == MK_OK && g->number % 1000 == 999) {
        err = MK_E_SPACE; /* now and then one fails */
    }
    if (err != MK_OK) {
        mk_disk_file_discard(&item->file);
    }
    return err;
}

static void done(mk_commit_item *item);

static void begin(thing *g)
{
    crowd *c = g->c;

    mk_commit_item_init(&g->item);
    g->number = c->begun++;
    g->item.final_dir = c->t->root_dir;
    g->item.namer = name;
    g->item.prepare = prepare;
    g->item.done = done;
    g->item.self = g;
    assert_int_equal(mk_commit_queue_add(c->q, &g->item), MK_OK);
}

static void done(mk_commit_item *item)
{
    thing *g = (thing *)item;
    crowd *c = g->c;

    assert_true(pthread_equal(pthread_self(), c->owner));
    assert_int_equal(c->seen[g->number]++, 0);
    assert_int_equal(item->result,
                     g->number % 1000 == 999 ? MK_E_SPACE : MK_OK);
    c->done++;
    c->failed += item->result != MK_OK;
    if (c->begun < ITEMS) {
        begin(g);
    }
}

/* Syncs are asked for and not waited for: ten thousand would be a benchmark.
 * That they are made, and in order, is seen in test_commit.c. */
static mk_err no_sync(void *self, mk_file file)
{
    (void)self;
    return file.id == MK_VFS_NONE ? MK_E_STATE : MK_OK;
}

static mk_err no_dir_sync(void *self, mk_dir dir)
{
    (void)self;
    return dir.id == MK_VFS_NONE ? MK_E_STATE : MK_OK;
}

static void no_flush(void *self, mk_file file)
{
    (void)self;
    assert_true(file.id != MK_VFS_NONE);
}

static void ten_thousand_over_real_threads(void **state)
{
    static crowd c;
    mk_commit_queue_config config;
    int fds = test_fd_count();
    char text[32];
    unsigned i;

    (void)state;
    c.t = test_vfs_open();
    c.vfs = *mk_vfs_posix();
    c.vfs.file_sync = no_sync;
    c.vfs.dir_sync = no_dir_sync;
    c.vfs.file_flush = no_flush;
    c.owner = pthread_self();
    thread_pool_open(&c.p);
    mk_commit_queue_config_init(&config, sizeof config);
    config.vfs = &c.vfs;
    config.alloc = mk_alloc_libc();
    config.submit = thread_pool_submit;
    config.submit_self = &c.p;
    config.lanes = POOL_THREADS;
    config.batch_max = 5;
    assert_int_equal(mk_commit_queue_new(&config, &c.q), MK_OK);
    for (i = 0; i < SESSIONS; i++) {
        c.things[i].c = &c;
        begin(&c.things[i]);
    }
    while (c.done < ITEMS) {
        thread_pool_turn(&c.p);
    }
    assert_int_equal(mk_commit_queue_free(c.q), MK_OK);
    thread_pool_close(&c.p);
    assert_int_equal(c.failed, ITEMS / 1000);
    assert_true(c.p.most > 1);
    assert_int_equal(test_vfs_entries(c.t, "."), ITEMS - ITEMS / 1000);
    assert_int_equal(test_vfs_contents(c.t, "m4711-0", text, sizeof text), 12);
    assert_memory_equal(text, "message 4711", 12);
    test_vfs_close(c.t);
    assert_int_equal(test_fd_count(), fds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_over_real_threads),
    };

    return cmocka_run_group_tests_name("disk/commit_threads", tests, NULL,
                                       NULL);
}

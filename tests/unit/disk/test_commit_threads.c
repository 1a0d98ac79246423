/* SPDX-License-Identifier: MIT
 *
 * test_commit_threads.c: the commit queue over real threads and real files:
 * ten thousand items from many "sessions" that each wait for theirs before
 * the next, through lanes that run at the same time. Each item is done once,
 * on the thread that owns the queue, and is there under its name.
 */
#include "test_vfs.h"

#include <mailkit/disk.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define THREADS 8u
#define SESSIONS 50u
#define ITEMS 10000u

typedef struct job_list {
    mk_job *first;
    mk_job **end;
} job_list;

/* What a host is: workers take from todo, the loop's thread from ready. */
typedef struct pool {
    pthread_mutex_t lock;
    pthread_cond_t has_todo;
    pthread_cond_t has_ready;
    job_list todo;
    job_list ready;
    bool over;
    unsigned most; /* jobs at the same time */
    unsigned now;
    pthread_t threads[THREADS];
} pool;

typedef struct thing {
    mk_commit_item item; /* first */
    struct crowd *c;
    unsigned number;
} thing;

typedef struct crowd {
    pool p;
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

/* ---- the pool ------------------------------------------------------------ */

static void push(job_list *l, mk_job *job)
{
    job->host_data[0] = NULL;
    *l->end = job;
    l->end = (mk_job **)(void *)&job->host_data[0];
}

static mk_job *pop(job_list *l)
{
    mk_job *job = l->first;

    if (job != NULL) {
        l->first = job->host_data[0];
        if (l->first == NULL) {
            l->end = &l->first;
        }
    }
    return job;
}

static void *worker(void *self)
{
    pool *p = self;
    mk_job *job;

    (void)pthread_mutex_lock(&p->lock);
    while (!p->over) {
        job = pop(&p->todo);
        if (job == NULL) {
            (void)pthread_cond_wait(&p->has_todo, &p->lock);
            continue;
        }
        p->now++;
        p->most = p->now > p->most ? p->now : p->most;
        (void)pthread_mutex_unlock(&p->lock);
        job->work(job);
        (void)pthread_mutex_lock(&p->lock);
        p->now--;
        push(&p->ready, job);
        (void)pthread_cond_signal(&p->has_ready);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void pool_open(pool *p)
{
    unsigned i;

    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->has_todo, NULL);
    (void)pthread_cond_init(&p->has_ready, NULL);
    p->todo.end = &p->todo.first;
    p->ready.end = &p->ready.first;
    for (i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&p->threads[i], NULL, worker, p), 0);
    }
}

static void pool_close(pool *p)
{
    unsigned i;

    (void)pthread_mutex_lock(&p->lock);
    p->over = true;
    (void)pthread_cond_broadcast(&p->has_todo);
    (void)pthread_mutex_unlock(&p->lock);
    for (i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(p->threads[i], NULL), 0);
    }
    (void)pthread_cond_destroy(&p->has_ready);
    (void)pthread_cond_destroy(&p->has_todo);
    (void)pthread_mutex_destroy(&p->lock);
}

static mk_err submit(void *self, mk_job *job)
{
    pool *p = self;

    (void)pthread_mutex_lock(&p->lock);
    push(&p->todo, job);
    (void)pthread_cond_signal(&p->has_todo);
    (void)pthread_mutex_unlock(&p->lock);
    return MK_OK;
}

/* One turn of the loop: all that is ready. */
static void turn(pool *p)
{
    mk_job *job;

    (void)pthread_mutex_lock(&p->lock);
    while (p->ready.first == NULL) {
        (void)pthread_cond_wait(&p->has_ready, &p->lock);
    }
    while ((job = pop(&p->ready)) != NULL) {
        (void)pthread_mutex_unlock(&p->lock);
        job->done(job);
        (void)pthread_mutex_lock(&p->lock);
    }
    (void)pthread_mutex_unlock(&p->lock);
}

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
    pool_open(&c.p);
    mk_commit_queue_config_init(&config, sizeof config);
    config.vfs = &c.vfs;
    config.alloc = mk_alloc_libc();
    config.submit = submit;
    config.submit_self = &c.p;
    config.lanes = THREADS;
    config.batch_max = 5;
    assert_int_equal(mk_commit_queue_new(&config, &c.q), MK_OK);
    for (i = 0; i < SESSIONS; i++) {
        c.things[i].c = &c;
        begin(&c.things[i]);
    }
    while (c.done < ITEMS) {
        turn(&c.p);
    }
    assert_int_equal(mk_commit_queue_free(c.q), MK_OK);
    pool_close(&c.p);
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

/* SPDX-License-Identifier: MIT
 *
 * thread_pool.h: the workers of a host, as real threads: jobs run at the same
 * time, and come back to the thread that owns the pool when it asks.
 */
#ifndef SUPPORT_THREAD_POOL_H
#define SUPPORT_THREAD_POOL_H

#include <mailkit/host.h>

#include <pthread.h>

#define POOL_THREADS 8u

typedef struct job_list {
    mk_job *first;
    mk_job **end;
} job_list;

/* Workers take from todo, the owner from ready. */
typedef struct thread_pool {
    pthread_mutex_t lock;
    pthread_cond_t has_todo;
    pthread_cond_t has_ready;
    job_list todo;
    job_list ready;
    bool over;
    unsigned most; /* jobs at the same time */
    unsigned now;
    unsigned under_way; /* submitted, done not called */
    pthread_t threads[POOL_THREADS];
} thread_pool;

/* p: zeroed. */
void thread_pool_open(thread_pool *p);
void thread_pool_close(thread_pool *p);
/* As mk_host.submit; self: the pool. Owner only. */
mk_err thread_pool_submit(void *self, mk_job *job);
/* Waits until something is ready, and calls done of all that is. False: nothing
 * is under way. */
bool thread_pool_turn(thread_pool *p);

#endif

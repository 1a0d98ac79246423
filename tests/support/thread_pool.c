/* SPDX-License-Identifier: MIT
 *
 * thread_pool.c: see thread_pool.h.
 */
#include "thread_pool.h"

#include <stdio.h>
#include <stdlib.h>

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
    thread_pool *p = self;
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

void thread_pool_open(thread_pool *p)
{
    unsigned i;

    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->has_todo, NULL);
    (void)pthread_cond_init(&p->has_ready, NULL);
    p->todo.end = &p->todo.first;
    p->ready.end = &p->ready.first;
    for (i = 0; i < POOL_THREADS; i++) {
        if (pthread_create(&p->threads[i], NULL, worker, p) != 0) {
            perror("pthread_create");
            abort();
        }
    }
}

void thread_pool_close(thread_pool *p)
{
    unsigned i;

    (void)pthread_mutex_lock(&p->lock);
    p->over = true;
    (void)pthread_cond_broadcast(&p->has_todo);
    (void)pthread_mutex_unlock(&p->lock);
    for (i = 0; i < POOL_THREADS; i++) {
        (void)pthread_join(p->threads[i], NULL);
    }
    (void)pthread_cond_destroy(&p->has_ready);
    (void)pthread_cond_destroy(&p->has_todo);
    (void)pthread_mutex_destroy(&p->lock);
}

mk_err thread_pool_submit(void *self, mk_job *job)
{
    thread_pool *p = self;

    (void)pthread_mutex_lock(&p->lock);
    push(&p->todo, job);
    p->under_way++;
    (void)pthread_cond_signal(&p->has_todo);
    (void)pthread_mutex_unlock(&p->lock);
    return MK_OK;
}

bool thread_pool_turn(thread_pool *p)
{
    mk_job *job;

    (void)pthread_mutex_lock(&p->lock);
    if (p->under_way == 0) {
        (void)pthread_mutex_unlock(&p->lock);
        return false;
    }
    while (p->ready.first == NULL) {
        (void)pthread_cond_wait(&p->has_ready, &p->lock);
    }
    while ((job = pop(&p->ready)) != NULL) {
        p->under_way--;
        (void)pthread_mutex_unlock(&p->lock);
        job->done(job);
        (void)pthread_mutex_lock(&p->lock);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return true;
}

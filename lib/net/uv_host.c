/* SPDX-License-Identifier: MIT
 *
 * uv_host.c: the host's life, its table (mk_host), timers, jobs, and the
 * queue of connections that want another look. Nothing of an application is
 * called from within a call of the application: what a callback asks for is
 * queued and done later in the same turn of the loop (THREATS 110).
 */
#include "net/uv_internal.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct job_call {
    uv_work_t req; /* first */
    mk_net_host *host;
    mk_job *job;
} job_call;

mk_net_host *mk_net_host_of(mk_host *table)
{
    return (mk_net_host *)table;
}

mk_err mk_uv_config_init(mk_uv_config *config, size_t size)
{
    if (config == NULL || size != sizeof *config) {
        return MK_E_ARG;
    }
    memset(config, 0, sizeof *config);
    config->size = size;
    config->alloc = mk_alloc_libc();
    config->max_connections = 1000;
    config->max_per_address = 50;
    config->hurry_percent = 90;
    config->backlog = 511;
    config->scratch_bytes = 65536;
    config->unit_bytes = 2048;
    config->max_units = 2048;
    config->hold_bytes = 65536;
    config->max_holds = 64;
    config->stop_grace_ms = 5000;
    config->stop_answer_ms = 30000;
    config->farewell_ms = 5000;
    config->discard_ms = 2000;
    config->discard_bytes = 65536;
    return MK_OK;
}

/* ---- time ---------------------------------------------------------------- */

uint64_t mk_net_now_ms(mk_net_host *h)
{
    return uv_now(h->loop);
}

static void on_tick(uv_timer_t *timer);

static void arm(mk_net_host *h, uint64_t at_ms)
{
    uint64_t now = mk_net_now_ms(h);

    if (at_ms >= h->armed_ms) {
        return;
    }
    h->armed_ms = at_ms;
    (void)uv_timer_start(&h->timer, on_tick, at_ms > now ? at_ms - now : 0, 0);
}

static void on_tick(uv_timer_t *timer)
{
    mk_net_host *h = timer->data;

    h->armed_ms = MK_NEVER;
    mk_net_wheel_advance(&h->wheel, mk_net_now_ms(h));
    if (!uv_is_closing((uv_handle_t *)timer)) {
        arm(h, mk_net_wheel_next(&h->wheel));
    }
}

void mk_net_timer_set(mk_net_host *h, mk_timer *t, uint64_t due_ms)
{
    mk_net_wheel_set(&h->wheel, t, due_ms);
    if (h->handles == 3 && t->due_ms != 0) {
        arm(h, mk_net_wheel_next(&h->wheel));
    }
}

/* An idle wheel must not keep the loop alive. */
void mk_net_timer_clear(mk_net_host *h, mk_timer *t)
{
    mk_net_wheel_clear(&h->wheel, t);
    if (h->wheel.count == 0) {
        (void)uv_timer_stop(&h->timer);
        h->armed_ms = MK_NEVER;
    }
}

/* ---- connections that want another look -----------------------------------
 */

static void on_check(uv_check_t *check);

static void on_idle(uv_idle_t *idle)
{
    (void)idle; /* it is there to keep the loop from sleeping */
}

void mk_net_push(mk_conn *c)
{
    mk_net_host *h = c->host;

    if (c->is_pending) {
        return;
    }
    c->is_pending = true;
    c->pending_after = NULL;
    *h->pending_end = c;
    h->pending_end = &c->pending_after;
    (void)uv_idle_start(&h->idle, on_idle);
}

/* What is pushed from within waits for the next turn, so that one busy
 * connection cannot hold the loop. */
static void on_check(uv_check_t *check)
{
    mk_net_host *h = check->data;
    mk_conn *list = h->pending;
    mk_conn *c;

    h->pending = NULL;
    h->pending_end = &h->pending;
    (void)uv_idle_stop(&h->idle);
    while (list != NULL) {
        c = list;
        list = c->pending_after;
        c->is_pending = false;
        if (c->is_gone) {
            mk_net_conn_free(c);
        } else {
            mk_net_conn_resume(c);
        }
    }
}

/* ---- the table --------------------------------------------------------------
 */

static void run_job(uv_work_t *req)
{
    mk_job *job = ((job_call *)req)->job;

    job->work(job);
}

static void end_job(uv_work_t *req, int status)
{
    job_call *call = (job_call *)req;
    mk_net_host *h = call->host;
    mk_job *job = call->job;

    (void)status; /* nobody cancels: work has run */
    mk_alloc_put(h->config->alloc, call, sizeof *call);
    job->done(job);
    h->job_count--;
    mk_net_host_gone(h);
}

static mk_err submit(void *self, mk_job *job)
{
    mk_net_host *h = self;
    job_call *call;

    if (h->is_closing) {
        return MK_E_SHUTDOWN;
    }
    call = mk_alloc_get(h->config->alloc, sizeof *call);
    if (call == NULL) {
        return MK_E_MEMORY;
    }
    call->host = h;
    call->job = job;
    if (uv_queue_work(h->loop, &call->req, run_job, end_job) != 0) {
        mk_alloc_put(h->config->alloc, call, sizeof *call);
        return MK_E_MEMORY;
    }
    h->job_count++;
    return MK_OK;
}

static void timer_set(void *self, mk_timer *timer, uint64_t due_ms)
{
    mk_net_timer_set(self, timer, due_ms);
}

static void timer_clear(void *self, mk_timer *timer)
{
    mk_net_timer_clear(self, timer);
}

static uint64_t now_ms(void *self)
{
    return mk_net_now_ms(self);
}

static int64_t wall_s(void *self, uint32_t *out_us)
{
    struct timespec ts;

    (void)self;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    if (out_us != NULL) {
        *out_us = (uint32_t)(ts.tv_nsec / 1000);
    }
    return (int64_t)ts.tv_sec;
}

static void wake(void *self, mk_conn *conn)
{
    (void)self;
    mk_net_push(conn);
}

static void abort_conn(void *self, mk_conn *conn)
{
    (void)self;
    mk_net_conn_abort(conn, MK_E_CANCELLED);
}

static void fill_table(mk_host *table)
{
    table->size = sizeof *table;
    table->self = table;
    table->submit = submit;
    table->timer_set = timer_set;
    table->timer_clear = timer_clear;
    table->now_ms = now_ms;
    table->wall_s = wall_s;
    table->wake = wake;
    table->abort = abort_conn;
}

/* ---- life ---------------------------------------------------------------- */

static bool is_whole(const mk_uv_share *share)
{
    return share == NULL || (share->take != NULL && share->give != NULL &&
                             share->is_short != NULL);
}

static bool is_finite(const mk_uv_config *c)
{
    return c != NULL && c->size == sizeof *c && c->alloc != NULL &&
           c->max_connections > 0 && c->max_per_address > 0 && c->backlog > 0 &&
           c->backlog <= INT32_MAX && c->scratch_bytes >= c->unit_bytes &&
           c->discard_bytes > 0 && c->hurry_percent >= 1 &&
           c->hurry_percent <= 100 && is_whole(c->share);
}

static void free_host(mk_net_host *h)
{
    const mk_alloc *alloc = h->config->alloc;

    if (h->scratch != NULL) {
        mk_wipe(h->scratch, h->config->scratch_bytes);
    }
    mk_alloc_put(alloc, h->scratch, h->config->scratch_bytes);
    mk_pool_fini(&h->units);
    mk_pool_fini(&h->holds);
    if (h->reserve_fd >= 0) {
        (void)close(h->reserve_fd);
    }
    mk_alloc_put(alloc, h, sizeof *h);
}

/* None of these fails, and none holds the loop alive while idle. */
static void open_handles(mk_net_host *h)
{
    (void)uv_timer_init(h->loop, &h->timer);
    (void)uv_check_init(h->loop, &h->check);
    (void)uv_idle_init(h->loop, &h->idle);
    h->timer.data = h;
    h->check.data = h;
    h->idle.data = h;
    h->handles = 3;
    (void)uv_check_start(&h->check, on_check);
    uv_unref((uv_handle_t *)&h->check);
}

mk_err mk_uv_host_open(struct uv_loop_s *loop, const mk_uv_config *config,
                       mk_host **out_host)
{
    mk_net_host *h;
    mk_err r = MK_E_MEMORY;

    if (loop == NULL || out_host == NULL || !is_finite(config)) {
        return MK_E_ARG;
    }
    h = mk_alloc_get(config->alloc, sizeof *h);
    if (h == NULL) {
        return MK_E_MEMORY;
    }
    h->loop = loop;
    h->config = config;
    h->armed_ms = MK_NEVER;
    h->pending_end = &h->pending;
    h->sources.alloc = config->alloc;
    h->reserve_fd = -1;
    if (mk_pool_init(&h->units, config->alloc, config->unit_bytes,
                     config->max_units) != MK_OK ||
        mk_pool_init(&h->holds, config->alloc, config->hold_bytes,
                     config->max_holds) != MK_OK) {
        r = MK_E_ARG;
        goto fail;
    }
    h->scratch = mk_alloc_get(config->alloc, config->scratch_bytes);
    if (h->scratch == NULL) {
        goto fail;
    }
    h->reserve_fd = mk_net_reserve();
    if (h->reserve_fd < 0) {
        r = MK_E_FILES;
        goto fail;
    }
    uv_update_time(loop);
    mk_net_wheel_init(&h->wheel, uv_now(loop));
    fill_table(&h->table);
    open_handles(h);
    *out_host = &h->table;
    return MK_OK;
fail:
    free_host(h);
    return r;
}

mk_pool *mk_uv_host_units(mk_host *host)
{
    return &mk_net_host_of(host)->units;
}

size_t mk_uv_host_sessions(const mk_host *host)
{
    return ((const mk_net_host *)host)->session_count;
}

/* An engine that wants nothing waits for the application: aborted now, its
 * peer would send the message again that is about to come to rest (RFC 5321
 * 4.5.3.2.6). */
static bool is_owed(const mk_conn *c)
{
    return !c->is_told && mk_want(c->feed.engine) == 0;
}

static void on_grace(mk_timer *timer)
{
    mk_net_host *h =
        (mk_net_host *)((char *)timer - offsetof(mk_net_host, grace));
    bool is_last = h->is_grace_over;
    mk_conn *c;

    h->is_grace_over = true;
    for (c = h->conns; c != NULL; c = c->after) {
        if (is_last || !is_owed(c)) {
            mk_net_conn_abort(c, MK_E_SHUTDOWN);
        }
    }
    if (!is_last) {
        mk_net_timer_set(h, timer,
                         mk_net_now_ms(h) + h->config->stop_answer_ms);
    }
}

static void close_listeners(mk_net_host *h)
{
    mk_net_listener *l = h->listeners;
    mk_net_listener *after;

    h->listeners = NULL;
    for (; l != NULL; l = after) {
        after = l->after;
        mk_net_listener_close(l);
    }
}

void mk_uv_drain(mk_host *host)
{
    close_listeners(mk_net_host_of(host));
}

void mk_uv_stop(mk_host *host)
{
    mk_net_host *h = mk_net_host_of(host);
    mk_conn *c;

    if (h->is_stopping) {
        return;
    }
    h->is_stopping = true;
    close_listeners(h);
    for (c = h->conns; c != NULL; c = c->after) {
        if (!c->is_told) {
            mk_finish(c->feed.engine, mk_str_of(NULL, 0));
            mk_net_push(c);
        }
    }
    if (h->conns != NULL) {
        h->grace.fire = on_grace;
        mk_net_timer_set(h, &h->grace,
                         mk_net_now_ms(h) + h->config->stop_grace_ms);
    }
}

static void on_handle_closed(uv_handle_t *handle)
{
    mk_net_host *h = handle->data;

    h->handles--;
    if (h->handles == 0) {
        free_host(h);
    }
}

void mk_net_host_gone(mk_net_host *h)
{
    if (h->conn_count > 0) {
        return;
    }
    mk_net_timer_clear(h, &h->grace);
    mk_net_timer_clear(h, &h->look);
    if (!h->is_closing || h->listener_count > 0 || h->job_count > 0 ||
        uv_is_closing((uv_handle_t *)&h->check)) {
        return;
    }
    uv_close((uv_handle_t *)&h->timer, on_handle_closed);
    uv_close((uv_handle_t *)&h->check, on_handle_closed);
    uv_close((uv_handle_t *)&h->idle, on_handle_closed);
}

void mk_uv_host_close(mk_host *host)
{
    mk_net_host *h = mk_net_host_of(host);
    mk_conn *c;

    if (h == NULL || h->is_closing) {
        return;
    }
    h->is_closing = true;
    h->is_stopping = true;
    close_listeners(h);
    for (c = h->conns; c != NULL; c = c->after) {
        mk_net_conn_abort(c, MK_E_SHUTDOWN);
    }
    mk_net_host_gone(h);
}

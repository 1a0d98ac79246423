/* SPDX-License-Identifier: MIT
 *
 * fake_host.c: jobs and timers that run when the test says so. A connection
 * offers its input in fresh memory at every step, so that ASan sees a view
 * that is kept beyond its life (Law 7).
 */
#include "fake_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mk_err submit(void *self, mk_job *job)
{
    fake_host *f = self;
    if (f->fail_submit_at > 0 && --f->fail_submit_at == 0) {
        return MK_E_MEMORY;
    }
    job->host_data[0] = NULL;
    if (f->last != NULL) {
        f->last->host_data[0] = job;
    } else {
        f->first = job;
    }
    f->last = job;
    f->submitted++;
    return MK_OK;
}

static void timer_clear(void *self, mk_timer *timer)
{
    fake_host *f = self;
    for (mk_timer **at = &f->timers; *at != NULL; at = &(*at)->host_link[0]) {
        if (*at == timer) {
            *at = timer->host_link[0];
            timer->host_link[0] = NULL;
            return;
        }
    }
}

static void timer_set(void *self, mk_timer *timer, uint64_t due_ms)
{
    fake_host *f = self;
    timer_clear(self, timer);
    timer->due_ms = due_ms;
    timer->host_link[0] = f->timers;
    f->timers = timer;
}

static uint64_t now_ms(void *self)
{
    return ((fake_host *)self)->now_ms;
}

static int64_t wall_s(void *self, uint32_t *out_us)
{
    if (out_us != NULL) {
        *out_us = 123456;
    }
    return ((fake_host *)self)->wall_s;
}

static void wake(void *self, mk_conn *conn)
{
    (void)conn; /* the test steps it by fake_conn_run */
    ((fake_host *)self)->wakes++;
}

static void abort_conn(void *self, mk_conn *conn)
{
    (void)self;
    conn->aborted = true;
    if (!conn->in_event) {
        fake_conn_close(conn, MK_E_CANCELLED);
    }
}

void fake_host_init(fake_host *f)
{
    memset(f, 0, sizeof *f);
    f->now_ms = 5000;
    f->wall_s = 1795291810; /* Sat, 21 Nov 2026 20:10:10 UTC */
    f->host.size = sizeof f->host;
    f->host.self = f;
    f->host.submit = submit;
    f->host.timer_set = timer_set;
    f->host.timer_clear = timer_clear;
    f->host.now_ms = now_ms;
    f->host.wall_s = wall_s;
    f->host.wake = wake;
    f->host.abort = abort_conn;
}

bool fake_host_work(fake_host *f)
{
    if (f->first == NULL || f->worked != NULL) {
        return false;
    }
    f->worked = f->first;
    f->first = f->worked->host_data[0];
    f->last = f->first == NULL ? NULL : f->last;
    f->worked->work(f->worked);
    return true;
}

bool fake_host_job(fake_host *f)
{
    fake_host_work(f);
    mk_job *job = f->worked;
    if (job == NULL) {
        return false;
    }
    f->worked = NULL;
    job->done(job);
    return true;
}

unsigned fake_host_jobs(fake_host *f)
{
    unsigned n = 0;
    while (fake_host_job(f)) {
        n++;
    }
    return n;
}

void fake_host_pass(fake_host *f, uint64_t ms)
{
    f->now_ms += ms;
    f->wall_s += (int64_t)(ms / 1000);
    mk_timer *t = f->timers;
    while (t != NULL) {
        mk_timer *after = t->host_link[0];
        if (t->due_ms <= f->now_ms) {
            timer_clear(f, t);
            t->fire(t);
            after = f->timers; /* it may have set any */
        }
        t = after;
    }
}

/* ---- connections --------------------------------------------------------- */

mk_err fake_conn_open(mk_conn *c, fake_host *host, const mk_service *service)
{
    mk_peer peer = {.family = 4, .address = {192, 0, 2, 1}, .port = 40000};
    memset(c, 0, sizeof *c);
    c->host = host;
    c->service = service;
    mk_err err = service->open(service->self, c, &peer, &c->engine, &c->session,
                               &c->refusal);
    if (err == MK_OK) {
        fake_conn_run(c);
    }
    return err;
}

static void drain(mk_conn *c)
{
    mk_str span;
    while (mk_out(c->engine, 0, &span, 1) == 1) {
        size_t n = span.len;
        text_str(&c->said, span);
        if (n == 0 || mk_out_sent(c->engine, n) != MK_OK) {
            fputs("an engine's output cannot be acknowledged\n", stderr);
            abort();
        }
    }
}

static mk_err step(mk_conn *c)
{
    size_t n =
        c->chunk > 0 && c->chunk < c->input.len ? c->chunk : c->input.len;
    mk_err err = MK_WAIT;
    for (;;) {
        char *fresh = malloc(n + 1);
        mk_event ev;
        if (fresh == NULL) {
            abort();
        }
        memcpy(fresh, text_c(&c->input), n);
        mk_str view = mk_str_of(fresh, n);
        err = mk_step(c->engine, c->host->now_ms, &view, &ev);
        if (err == MK_OK) {
            c->in_event = true;
            c->service->event(c->session, &ev);
            c->in_event = false;
            if (c->aborted) {
                fake_conn_close(c, MK_E_CANCELLED);
            }
        }
        free(fresh);
        text_drop(&c->input, n - view.len);
        if (c->engine == NULL) {
            return MK_END;
        }
        if (err != MK_WAIT || view.len < n || n == c->input.len) {
            return view.len < n && err == MK_WAIT ? MK_OK : err;
        }
        n = n + c->chunk < c->input.len ? n + c->chunk : c->input.len;
    }
}

void fake_conn_run(mk_conn *c)
{
    mk_err err = MK_OK;
    while (c->engine != NULL && !c->ended) {
        do {
            err = step(c);
        } while (err == MK_OK && c->engine != NULL);
        if (c->engine == NULL) {
            return;
        }
        size_t said = c->said.len;
        drain(c);
        c->ended = err == MK_END;
        if (err != MK_WAIT || c->said.len == said) {
            break;
        }
    }
}

void fake_conn_say_n(mk_conn *c, const char *octets, size_t n)
{
    text_add(&c->input, octets, n);
    fake_conn_run(c);
}

void fake_conn_say(mk_conn *c, const char *octets)
{
    fake_conn_say_n(c, octets, strlen(octets));
}

void fake_conn_eof(mk_conn *c)
{
    mk_in_eof(c->engine, MK_E_CUT);
    fake_conn_run(c);
}

void fake_conn_close(mk_conn *c, mk_err why)
{
    if (c->engine != NULL) {
        c->engine = NULL;
        c->service->closed(c->session, why);
    }
}

void fake_conn_fini(mk_conn *c)
{
    fake_conn_close(c, MK_E_CANCELLED);
    text_free(&c->input);
    text_free(&c->said);
}

/* ---- randomness ---------------------------------------------------------- */

static mk_err fill(void *self, void *out, size_t n)
{
    static unsigned char next;
    (void)self;
    for (size_t i = 0; i < n; i++) {
        ((unsigned char *)out)[i] = next++;
    }
    return MK_OK;
}

const mk_random *fake_random(void)
{
    static const mk_random random = {NULL, fill};
    return &random;
}

/* SPDX-License-Identifier: MIT
 *
 * fake_host.h: a mk_host without a loop: jobs wait until the test runs them,
 * timers fire when the test moves the clock, and a connection is an engine
 * that a test talks to in memory. Nothing happens by itself, so that every
 * order of events can be played.
 */
#ifndef SUPPORT_FAKE_HOST_H
#define SUPPORT_FAKE_HOST_H

#include <mailkit/engine.h>
#include <mailkit/host.h>

#include "text.h"

typedef struct fake_host {
    mk_host host; /* hand out &f->host */
    uint64_t now_ms;
    int64_t wall_s;
    mk_job *first; /* submitted, in order */
    mk_job *last;
    mk_job *worked; /* work was run, done not yet */
    unsigned submitted;
    unsigned fail_submit_at; /* 1 is the next; 0 never */
    mk_timer *timers;
    unsigned wakes;
} fake_host;

void fake_host_init(fake_host *f);
/* Run the oldest job's work and done. False: there is none. */
bool fake_host_job(fake_host *f);
/* Run jobs until there are none; the number run. */
unsigned fake_host_jobs(fake_host *f);
/* Run the oldest job's work only; fake_host_job then runs its done. */
bool fake_host_work(fake_host *f);
/* Move the clock and fire what is due. */
void fake_host_pass(fake_host *f, uint64_t ms);

/* One connection of a service. */
struct mk_conn {
    fake_host *host;
    const mk_service *service;
    mk_engine *engine; /* NULL once closed */
    void *session;
    mk_str refusal;
    text input; /* not consumed */
    text said;  /* the engine's output, acknowledged at once */
    bool ended;
    bool aborted;
    bool in_event;
    size_t chunk; /* octets offered at once; 0: all */
};

/* Accept a connection from 192.0.2.1. */
mk_err fake_conn_open(mk_conn *c, fake_host *host, const mk_service *service);
/* The peer says octets; the engine is run until it waits. */
void fake_conn_say(mk_conn *c, const char *octets);
void fake_conn_say_n(mk_conn *c, const char *octets, size_t n);
/* Step until it waits (after an answer from elsewhere). */
void fake_conn_run(mk_conn *c);
/* The peer is gone: told by end of input, or at once. */
void fake_conn_eof(mk_conn *c);
void fake_conn_close(mk_conn *c, mk_err why);
/* Free what the test holds; closes when that was not done. */
void fake_conn_fini(mk_conn *c);

/* Unpredictable enough for tests: counts. */
const mk_random *fake_random(void);

#endif

/* SPDX-License-Identifier: MIT
 *
 * uv_rig.h: a host on a loop, a line service, and plain sockets against it,
 * all in one thread: the loop turns only while a test looks for something, so
 * that the order of things is the test's.
 */
#ifndef NET_UV_RIG_H
#define NET_UV_RIG_H

#include "net/uv_internal.h"

#include "line_engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Where a hook is called from. */
typedef enum rig_place {
    AT_OPEN,
    AT_LINE,
    AT_FAULT,
    AT_WITHDRAWN,
    AT_JOB_DONE,
    AT_TIMER,
    AT_CLOSED,
    places_max
} rig_place;

typedef struct rig rig;

typedef struct session {
    line_engine line;
    rig *rig;
    mk_conn *conn;
    mk_job job; /* job, timer: see uv_rig.c */
    mk_timer timer;
    mk_op op;
    bool is_held; /* a job or a timer still points here */
    bool is_closed;
    struct session *after;
} session;

struct rig {
    uv_loop_t loop;
    mk_uv_config config;
    mk_alloc alloc;
    mk_service service;
    mk_host *host;
    uint16_t port;
    size_t calls; /* of the allocator */
    size_t live;
    size_t fail_at;
    int opened;
    int closed;
    int worked;
    int lines;
    int refused;
    mk_err refused_why; /* of the last refused */
    mk_peer refused_peer;
    mk_err why; /* of the last closed */
    uint64_t idle_ms;
    mk_err refuse; /* open fails with this */
    const char *refusal;
    session *sessions;
    int fds;
    void (*hook)(rig *r, session *s, rig_place place);
};

/* The defaults, no memory yet; change config, then rig_start. */
void rig_init(rig *r);
/* Farewells and what is discarded behind them end soon. */
void rig_hurry(rig *r);
mk_err rig_start(rig *r);
/* Closes the host and the loop, and checks that nothing is left. */
void rig_close(rig *r);
/* One that hurries, of the heap. */
rig *rig_new(void);
/* rig_close and back to the heap. */
void rig_free(rig *r);
/* One turn of the loop that does not wait, and a short sleep. */
void rig_turn(rig *r);
int rig_connect(rig *r);
void rig_send(int fd, const char *text);
/* Turns until exactly this text came. */
void rig_expect(rig *r, int fd, const char *text);
/* Turns until the peer's end came; returns 0 or the error of recv. What came
 * before is thrown away. */
int rig_expect_end(rig *r, int fd);
/* Turns until so many sessions were closed. */
void rig_expect_closed(rig *r, int n);
int rig_count_fds(void);

#endif

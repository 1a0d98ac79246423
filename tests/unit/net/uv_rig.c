/* SPDX-License-Identifier: MIT
 *
 * uv_rig.c: see uv_rig.h. What a line asks of the service:
 *   echo X   X comes back           later    answered by a worker
 *   timer    answered by a timer    hold     put off for ever
 *   silent   not answered           quit     answered, then finished
 *   big      32 lines of 200        reset    MK_WANT_ABORT
 *   abort    the host's abort
 */
#include "uv_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

enum { turns_max = 6000 };

static void *get(void *self, size_t n)
{
    rig *r = self;

    r->calls++;
    if (r->calls == r->fail_at) {
        return NULL;
    }
    r->live++;
    return malloc(n);
}

static void put(void *self, void *ptr, size_t n)
{
    ((rig *)self)->live--;
    memset(ptr, 0xdb, n);
    free(ptr);
}

static void call_hook(session *s, rig_place place)
{
    if (s->rig->hook != NULL) {
        s->rig->hook(s->rig, s, place);
    }
}

static mk_err on_open(void *self, mk_conn *conn, const mk_peer *peer,
                      struct mk_engine **out_engine, void **out_session,
                      mk_str *out_refusal)
{
    rig *r = self;
    session *s;

    assert_int_equal(peer->family, 4);
    assert_int_equal(peer->address[0], 127);
    assert_int_equal(peer->own_address[0], 127);
    assert_int_equal(peer->own_port, r->port);
    assert_int_not_equal(peer->port, 0);
    if (r->refuse != MK_OK) {
        *out_refusal = mk_str_z(r->refusal);
        return r->refuse;
    }
    s = calloc(1, sizeof *s);
    s->rig = r;
    s->conn = conn;
    s->after = r->sessions;
    r->sessions = s;
    r->opened++;
    line_open(&s->line, "hello\r\n", r->idle_ms);
    *out_engine = &s->line.base;
    *out_session = s;
    call_hook(s, AT_OPEN);
    return MK_OK;
}

static void answer(session *s, const char *text)
{
    (void)mk_reply(&s->line.base, s->op, MK_ANSWER_YES, mk_str_z(""),
                   mk_str_z(text));
}

static session *of_job(mk_job *job)
{
    return (session *)((char *)job - offsetof(session, job));
}

static void job_work(mk_job *job)
{
    of_job(job)->rig->worked++;
}

static void job_done(mk_job *job)
{
    session *s = of_job(job);

    s->is_held = false;
    if (!s->is_closed) {
        call_hook(s, AT_JOB_DONE);
        answer(s, "worked");
        s->rig->host->wake(s->rig->host->self, s->conn);
    }
}

static void timer_fire(mk_timer *timer)
{
    session *s = (session *)((char *)timer - offsetof(session, timer));

    call_hook(s, AT_TIMER);
    answer(s, "fired");
    s->rig->host->wake(s->rig->host->self, s->conn);
}

static void put_off(session *s)
{
    assert_int_equal(mk_later(&s->line.base, s->op), MK_OK);
}

static void start_job(session *s)
{
    rig *r = s->rig;

    s->job.work = job_work;
    s->job.done = job_done;
    if (s->is_held || r->host->submit(r->host->self, &s->job) != MK_OK) {
        answer(s, "no worker");
        return;
    }
    s->is_held = true;
    put_off(s);
}

static void on_line(session *s, mk_str line)
{
    mk_host *h = s->rig->host;
    static char room[line_octets_max + 1];

    memcpy(room, line.ptr, line.len);
    room[line.len] = '\0';
    if (strncmp(room, "echo ", 5) == 0) {
        answer(s, room + 5);
    } else if (strcmp(room, "later") == 0) {
        start_job(s);
    } else if (strcmp(room, "timer") == 0) {
        s->timer.fire = timer_fire;
        h->timer_set(h->self, &s->timer, h->now_ms(h->self) + 5);
        put_off(s);
    } else if (strcmp(room, "hold") == 0) {
        put_off(s);
    } else if (strcmp(room, "quit") == 0) {
        answer(s, "bye");
        mk_finish(&s->line.base, mk_str_z(""));
    } else if (strcmp(room, "big") == 0) {
        memset(room, 'b', 100);
        room[100] = '\0';
        s->line.repeat = 64;
        answer(s, room);
        s->line.repeat = 1;
    } else if (strcmp(room, "reset") == 0) {
        s->line.is_aborting = true;
        answer(s, "");
    } else if (strcmp(room, "abort") == 0) {
        h->abort(h->self, s->conn);
        s->line.is_asking = false; /* the next line would come at once */
    }
}

static void on_event(void *self, const mk_event *event)
{
    session *s = self;

    if (event->type == EV_LINE) {
        s->rig->lines++;
        s->op = event->op;
        on_line(s, event->data);
        call_hook(s, AT_LINE);
    } else if (event->type == MK_EV_FAULT) {
        call_hook(s, AT_FAULT);
    } else if (event->type == MK_EV_WITHDRAWN) {
        call_hook(s, AT_WITHDRAWN);
    }
}

/* Sessions are kept until the end, so that a late job finds its own. */
static void on_closed(void *self, mk_err why)
{
    session *s = self;
    mk_host *h = s->rig->host;

    h->timer_clear(h->self, &s->timer);
    call_hook(s, AT_CLOSED);
    s->is_closed = true;
    s->rig->closed++;
    s->rig->why = why;
    mk_close(&s->line.base);
}

static void on_refused(void *self, const mk_peer *peer, mk_err why)
{
    rig *r = self;

    assert_int_equal(peer->family, 4);
    assert_int_equal(peer->address[0], 127);
    assert_int_equal(peer->own_port, r->port);
    r->refused++;
    r->refused_why = why;
    r->refused_peer = *peer;
}

int rig_count_fds(void)
{
    int n = 0;
    int fd;

    for (fd = 0; fd < 1024; fd++) {
        n += fcntl(fd, F_GETFD) >= 0;
    }
    return n;
}

void rig_init(rig *r)
{
    uv_loop_t warm; /* libuv opens its own descriptors once */

    assert_int_equal(uv_loop_init(&warm), 0);
    assert_int_equal(uv_loop_close(&warm), 0);
    memset(r, 0, sizeof *r);
    r->fds = rig_count_fds();
    r->alloc.self = r;
    r->alloc.get = get;
    r->alloc.put = put;
    r->service.self = r;
    r->service.open = on_open;
    r->service.event = on_event;
    r->service.closed = on_closed;
    r->service.refused = on_refused;
    r->service.busy = mk_str_z("busy\r\n");
    assert_int_equal(mk_uv_config_init(&r->config, sizeof r->config), MK_OK);
    r->config.alloc = &r->alloc;
    r->config.stop_answer_ms = 50;
    assert_int_equal(uv_loop_init(&r->loop), 0);
}

mk_err rig_start(rig *r)
{
    mk_err err = mk_uv_host_open(&r->loop, &r->config, &r->host);

    if (err == MK_OK) {
        err = mk_uv_listen(r->host, "127.0.0.1", 0, &r->service, &r->port);
    }
    return err;
}

void rig_turn(rig *r)
{
    (void)uv_run(&r->loop, UV_RUN_NOWAIT);
    (void)usleep(500);
}

void rig_close(rig *r)
{
    session *s;
    int turns = 0;

    mk_uv_host_close(r->host);
    while (uv_run(&r->loop, UV_RUN_NOWAIT) != 0) {
        assert_true(turns++ < turns_max);
        (void)usleep(500);
    }
    assert_int_equal(uv_loop_close(&r->loop), 0);
    assert_int_equal(r->opened, r->closed);
    assert_int_equal(r->live, 0);
    while (r->sessions != NULL) {
        s = r->sessions;
        r->sessions = s->after;
        assert_int_equal(s->line.closed, 1);
        assert_false(s->is_held);
        free(s);
    }
    assert_int_equal(rig_count_fds(), r->fds);
}

void rig_hurry(rig *r)
{
    r->config.discard_ms = 50;
    r->config.farewell_ms = 50;
    r->config.stop_grace_ms = 50;
}

rig *rig_new(void)
{
    rig *r = malloc(sizeof *r);

    rig_init(r);
    rig_hurry(r);
    return r;
}

void rig_free(rig *r)
{
    rig_close(r);
    free(r);
}

int rig_connect(rig *r)
{
    struct sockaddr_in to;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_port = htons(r->port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    /* the kernel takes it into the backlog, the host need not run */
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

void rig_send(int fd, const char *text)
{
    size_t n = strlen(text);

    assert_int_equal(send(fd, text, n, MSG_NOSIGNAL), n);
}

void rig_expect(rig *r, int fd, const char *text)
{
    size_t n = strlen(text);
    size_t at = 0;
    int turns;
    char c;

    for (turns = 0; at < n && turns < turns_max; turns++) {
        rig_turn(r);
        while (at < n && recv(fd, &c, 1, 0) == 1) {
            assert_int_equal(c, text[at]);
            at++;
        }
    }
    assert_int_equal(at, n);
}

int rig_expect_end(rig *r, int fd)
{
    char waste[4096];
    ssize_t got = -1;
    int turns;

    for (turns = 0; turns < turns_max; turns++) {
        rig_turn(r);
        do {
            got = recv(fd, waste, sizeof waste, 0);
        } while (got > 0);
        if (got == 0) {
            return 0;
        }
        if (errno != EAGAIN) {
            return errno;
        }
    }
    fail_msg("the peer did not end");
    return -1;
}

void rig_expect_closed(rig *r, int n)
{
    int turns;

    for (turns = 0; r->closed < n && turns < turns_max; turns++) {
        rig_turn(r);
    }
    assert_int_equal(r->closed, n);
}

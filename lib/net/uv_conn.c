/* SPDX-License-Identifier: MIT
 *
 * uv_conn.c: one connection: read, step until WAIT, write, wait. It owns the
 * descriptor and calls recv and sendmsg itself, so that a message costs no
 * more calls of the kernel than it must; libuv is asked again only when what
 * is waited for grows, or when it tells something that nobody waits for. The
 * end is orderly (Law 11). It buffers nothing but the tail that mk_feed
 * keeps: a reader that stalls is the engine's deadline's business (THREATS
 * 113).
 */
#include "net/uv_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    spans_max = 8,
    reads_max = 4,   /* of a full scratch in one turn */
    rounds_max = 16, /* of step and write in one turn */
    starved_ms = 100
};

static void on_ready(uv_poll_t *poll, int status, int events);

/* ---- the end ----------------------------------------------------------------
 */

void mk_net_conn_free(mk_conn *c)
{
    mk_net_host *h = c->host;

    mk_alloc_put(h->config->alloc, c, sizeof *c);
    h->conn_count--;
    mk_net_hurry_look(h);
    mk_net_host_gone(h);
}

static void on_conn_closed(uv_handle_t *handle)
{
    mk_conn *c = (mk_conn *)handle;

    c->is_gone = true;
    if (!c->is_pending) {
        mk_net_conn_free(c);
    }
}

/* The last call to the service: session and engine are its own again. */
static void tell_closed(mk_conn *c)
{
    if (c->is_told) {
        return;
    }
    c->is_told = true;
    mk_feed_fini(&c->feed);
    c->host->session_count--;
    c->service->closed(c->session, c->why);
}

static void close_fd(mk_conn *c, bool is_hard)
{
    static const struct linger hard = {1, 0};
    mk_net_host *h = c->host;

    mk_net_timer_clear(h, &c->timer);
    mk_net_arrival_free(c);
    mk_net_dismiss(h, c->source);
    if (c->before != NULL) {
        c->before->after = c->after;
    } else {
        h->conns = c->after;
    }
    if (c->after != NULL) {
        c->after->before = c->before;
    }
    if (is_hard) {
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    }
    uv_close((uv_handle_t *)&c->poll, on_conn_closed);
    (void)close(c->fd);
    c->fd = -1;
}

void mk_net_conn_close(mk_conn *c)
{
    close_fd(c, false);
}

static void drop(mk_conn *c)
{
    tell_closed(c);
    close_fd(c, true);
}

static bool listen_for(mk_conn *c, int events)
{
    if (events == (int)c->events) {
        return true;
    }
    c->events = (unsigned)events & 15U;
    return uv_poll_start(&c->poll, events, on_ready) == 0;
}

/* Our side is said; RFC 9293 3.6.1: a close with input unread resets the
 * connection and may eat our last reply at the peer. */
static void leave(mk_conn *c)
{
    tell_closed(c);
    if (c->is_eof || c->is_broken || shutdown(c->fd, SHUT_WR) < 0 ||
        !listen_for(c, UV_READABLE)) {
        close_fd(c, false);
        return;
    }
    mk_net_timer_set(c->host, &c->timer,
                     mk_net_now_ms(c->host) + c->host->config->discard_ms);
}

static void discard(mk_conn *c)
{
    mk_net_host *h = c->host;
    ssize_t got = recv(c->fd, h->scratch, h->config->scratch_bytes, 0);

    if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (got > 0 && (size_t)got <= h->config->discard_bytes - c->discarded) {
        c->discarded += (uint32_t)got;
        return;
    }
    close_fd(c, false);
}

void mk_net_conn_abort(mk_conn *c, mk_err why)
{
    if (c->is_aborted || c->fd < 0) {
        return;
    }
    c->is_aborted = true;
    if (c->why == MK_OK) {
        c->why = why;
    }
    mk_net_push(c);
}

/* ---- the conversation ---------------------------------------------------- */

static void tell_eof(mk_conn *c, mk_err why)
{
    if (!c->is_eof) {
        c->is_eof = true;
        mk_in_eof(c->feed.engine, why);
    }
}

static void tell_broken(mk_conn *c)
{
    c->is_broken = true;
    if (c->why == MK_OK) {
        c->why = MK_E_NET;
    }
    tell_eof(c, MK_E_NET);
}

/* Law 4: until WAIT, before anything is written. False: the connection is to
 * be dropped. */
static bool step_all(mk_conn *c)
{
    uint64_t now = mk_net_now_ms(c->host);
    mk_event ev;
    mk_err r;

    while ((r = mk_feed_step(&c->feed, now, &ev)) == MK_OK) {
        if (ev.type == MK_EV_FAULT && c->why == MK_OK && ev.of.fault != NULL) {
            c->why = ev.of.fault->why;
        }
        c->service->event(c->session, &ev);
        if (c->is_aborted) {
            return false;
        }
    }
    if (r < 0) {
        mk_net_conn_abort(c, r);
        return false;
    }
    c->is_over = r == MK_END;
    return true;
}

static ssize_t send_spans(int fd, const mk_str *spans, size_t n)
{
    struct iovec iov[spans_max];
    struct msghdr msg;
    size_t i;

    if (n == 1) {
        return send(fd, spans[0].ptr, spans[0].len, MSG_NOSIGNAL);
    }
    memset(&msg, 0, sizeof msg);
    for (i = 0; i < n; i++) {
        iov[i].iov_base = (void *)(uintptr_t)spans[i].ptr;
        iov[i].iov_len = spans[i].len;
    }
    msg.msg_iov = iov;
    msg.msg_iovlen = n;
    return sendmsg(fd, &msg, MSG_NOSIGNAL);
}

/* True when there is a reason to step again. */
static bool flush(mk_conn *c)
{
    mk_str spans[spans_max];
    size_t n = mk_out(c->feed.engine, 0, spans, spans_max);
    size_t total = 0;
    ssize_t sent;
    size_t i;

    if (n == 0) {
        return false;
    }
    for (i = 0; i < n; i++) {
        total += spans[i].len;
    }
    do {
        sent = send_spans(c->fd, spans, n);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        c->is_blocked = errno == EAGAIN || errno == EWOULDBLOCK;
        if (!c->is_blocked) {
            tell_broken(c);
        }
        return !c->is_blocked;
    }
    (void)mk_out_sent(c->feed.engine, (size_t)sent);
    c->is_blocked = (size_t)sent < total;
    return true;
}

static void converse(mk_conn *c)
{
    unsigned round;

    for (round = 0; round < rounds_max; round++) {
        if (!step_all(c) || c->is_broken || c->is_blocked || !flush(c)) {
            return;
        }
    }
    mk_net_push(c);
}

static bool is_reading(const mk_conn *c)
{
    return !c->is_eof && !c->is_aborted && !c->is_over &&
           (mk_want(c->feed.engine) & MK_WANT_READ) != 0;
}

/* False when there is no more to read now. */
static bool read_once(mk_conn *c)
{
    mk_net_host *h = c->host;
    char *at = NULL;
    size_t room =
        mk_feed_room(&c->feed, h->scratch, h->config->scratch_bytes, &at);
    ssize_t got;

    if (room == 0) {
        c->is_starved = true;
        return false;
    }
    do {
        got = recv(c->fd, at, room, 0);
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        mk_feed_got(&c->feed, (size_t)got);
    } else if (got == 0) {
        tell_eof(c, MK_OK);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return false;
    } else {
        tell_broken(c);
    }
    converse(c);
    return got > 0 && (size_t)got == room;
}

/* ---- what comes next ----------------------------------------------------- */

/* Closes when it is time to. */
static bool has_ended(mk_conn *c)
{
    unsigned want;
    mk_str span;

    if (c->is_aborted) {
        drop(c);
        return true;
    }
    want = mk_want(c->feed.engine);
    if ((want & MK_WANT_ABORT) != 0) {
        if (c->why == MK_OK) {
            c->why = MK_E_PROTOCOL;
        }
        drop(c);
        return true;
    }
    if (!c->is_over && (want & MK_WANT_CLOSE) == 0) {
        return false;
    }
    if (c->is_broken || mk_out(c->feed.engine, 0, &span, 1) == 0) {
        leave(c);
        return true;
    }
    if (c->end_ms == 0) {
        c->end_ms = mk_net_now_ms(c->host) + c->host->config->farewell_ms;
    } else if (mk_net_now_ms(c->host) >= c->end_ms) {
        c->why = c->why == MK_OK ? MK_E_TIMEOUT : c->why;
        drop(c);
        return true;
    }
    return false;
}

/* The timer stays in its older slot while the deadline moves away: it is put
 * right when it fires. */
static void set_timer(mk_conn *c)
{
    uint64_t due_ms = mk_deadline(c->feed.engine);

    if (c->end_ms != 0 && c->end_ms < due_ms) {
        due_ms = c->end_ms;
    }
    if (c->is_starved && mk_net_now_ms(c->host) + starved_ms < due_ms) {
        due_ms = mk_net_now_ms(c->host) + starved_ms;
    }
    if (due_ms != MK_NEVER &&
        (c->timer.due_ms == 0 || due_ms < c->timer.due_ms)) {
        mk_net_timer_set(c->host, &c->timer, due_ms);
    }
}

/* What is armed and not needed is left until it fires (`fired`): re-arming
 * costs two calls of the kernel. UV_PRIORITIZED is the quiet interest: it
 * tells a reset while nothing is read. */
static bool set_interest(mk_conn *c, int fired)
{
    int need = 0;
    int has = (int)c->events;

    if (is_reading(c) && !c->is_starved) {
        need |= UV_READABLE;
    }
    if (c->is_blocked && !c->is_broken) {
        need |= UV_WRITABLE;
    }
    if ((need & ~has) == 0 && (fired & ~need) == 0) {
        return true;
    }
    if (need == 0 && !c->is_broken && (fired & UV_PRIORITIZED) == 0) {
        need = UV_PRIORITIZED;
    }
    return listen_for(c, need);
}

/* The end of every turn of a connection: nothing of it is in the scratch, in
 * the stack or half done after this. */
static void settle(mk_conn *c, int fired)
{
    if (!c->is_aborted && mk_feed_keep(&c->feed) != MK_OK) {
        mk_net_conn_abort(c, MK_E_MEMORY);
    }
    if (has_ended(c)) {
        return;
    }
    if ((mk_want(c->feed.engine) & MK_WANT_STEP) != 0) {
        mk_net_push(c);
    }
    set_timer(c);
    if (!set_interest(c, fired)) {
        c->why = MK_E_NET;
        drop(c);
    }
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    mk_conn *c = (mk_conn *)poll;
    unsigned reads;

    if (status < 0) {
        /* libuv has stopped to look: what is still there is read first */
        c->events = 0;
        events = UV_READABLE;
    }
    if (c->arrival != NULL) {
        mk_net_arrival_read(c);
        return;
    }
    if (c->is_told) {
        discard(c);
        return;
    }
    if (c->is_aborted) {
        drop(c);
        return;
    }
    if ((events & UV_WRITABLE) != 0) {
        c->is_blocked = false;
        converse(c);
    }
    if (status < 0 && !is_reading(c)) {
        tell_broken(c);
        converse(c);
    }
    if ((events & UV_READABLE) != 0 && is_reading(c)) {
        /* what was read once is not unwanted, even if no more is wanted: it
         * stays armed until something comes that must not be read yet */
        events &= ~UV_READABLE;
        for (reads = 0; reads < reads_max && is_reading(c); reads++) {
            if (!read_once(c)) {
                break;
            }
        }
    }
    settle(c, status < 0 ? 0 : events);
}

void mk_net_conn_resume(mk_conn *c)
{
    if (c->fd < 0) {
        return;
    }
    if (c->is_told) {
        if (c->is_aborted) {
            close_fd(c, false);
        }
        return;
    }
    if (!c->is_aborted) {
        converse(c);
    }
    settle(c, 0);
}

static void on_deadline(mk_timer *timer)
{
    mk_conn *c = (mk_conn *)((char *)timer - offsetof(mk_conn, timer));

    if (c->arrival != NULL) {
        mk_net_arrival_fail(c, MK_E_TIMEOUT);
        return;
    }
    if (c->is_told) {
        close_fd(c, false);
        return;
    }
    c->is_starved = false;
    if (!c->is_aborted &&
        mk_net_now_ms(c->host) >= mk_deadline(c->feed.engine)) {
        converse(c);
    }
    settle(c, 0);
}

/* ---- the beginning ------------------------------------------------------- */

/* Links a new connection; counted is its peer, or NULL: nobody knows yet. */
static mk_err make(mk_net_listener *l, int fd, const mk_peer *counted,
                   mk_conn **out_conn)
{
    mk_net_host *h = l->host;
    mk_net_source *source = NULL;
    mk_conn *c;
    mk_err r = mk_net_is_full(h) ? MK_E_LIMIT : MK_OK;

    if (r == MK_OK && counted != NULL) {
        r = mk_net_admit(h, counted, &source);
    }
    if (r != MK_OK) {
        return r;
    }
    c = mk_alloc_get(h->config->alloc, sizeof *c);
    if (c == NULL || uv_poll_init(h->loop, &c->poll, fd) != 0) {
        mk_alloc_put(h->config->alloc, c, sizeof *c);
        mk_net_dismiss(h, source);
        return MK_E_MEMORY;
    }
    c->host = h;
    c->service = l->service;
    c->source = source;
    c->is_told = true; /* there is no session yet */
    c->fd = fd;
    c->timer.fire = on_deadline;
    h->conn_count++;
    c->after = h->conns;
    if (c->after != NULL) {
        c->after->before = c;
    }
    h->conns = c;
    *out_conn = c;
    return MK_OK;
}

void mk_net_conn_accept(mk_net_listener *l, int fd, const mk_peer *peer)
{
    const mk_service *service = l->service;
    const mk_proxied *proxied = service->proxied;
    mk_conn *c = NULL;
    bool is_proxy = proxied != NULL && proxied->is_proxy(proxied->self, peer);
    mk_err r = make(l, fd, is_proxy ? NULL : peer, &c);

    if (r != MK_OK) {
        mk_net_refuse(service, fd, peer, r);
        return;
    }
    mk_net_hurry_look(c->host);
    if (!is_proxy) {
        mk_net_conn_open(c, peer);
        return;
    }
    r = mk_net_arrival_begin(c, peer);
    if (r != MK_OK || !listen_for(c, UV_READABLE)) {
        close_fd(c, false);
        mk_net_tell_refused(service, peer, r != MK_OK ? r : MK_E_NET);
    }
}

void mk_net_conn_open(mk_conn *c, const mk_peer *peer)
{
    mk_engine *engine = NULL;
    mk_str refusal = mk_str_of(NULL, 0);
    mk_err r;

    r = c->service->open(c->service->self, c, peer, &engine, &c->session,
                         &refusal);
    if (r != MK_OK || engine == NULL) {
        /* the end is orderly here too, or the refusal may be lost */
        if (refusal.len == 0 ||
            send(c->fd, refusal.ptr, refusal.len, MSG_NOSIGNAL) < 0) {
            close_fd(c, false);
        } else {
            leave(c);
        }
        return;
    }
    c->is_told = false;
    c->host->session_count++;
    mk_feed_init(&c->feed, engine, &c->host->units, &c->host->holds);
    if (c->host->is_hurried) {
        mk_hurry(engine, true);
    }
    if (c->host->is_stopping) {
        mk_finish(engine, mk_str_of(NULL, 0));
    }
    if (!c->is_aborted) {
        converse(c);
    }
    settle(c, 0);
}

/* SPDX-License-Identifier: MIT
 *
 * poll.c: one engine on one socket by poll(2). The input buffer is linear and
 * the tail moves to its front when the room behind it is used up; there is no
 * scratch to share, so mk_feed is not needed here. Small on purpose: no
 * stdio, no heap, no tables. The end is orderly (Law 11; RFC 9293 3.6.1 says
 * why unread input would turn the FIN into a reset).
 */
#include <mailkit/net.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
    spans_max = 8,
    farewell_ms = 5000,
    discard_ms = 2000,
    discard_bytes = 65536,
    sleep_max_ms = 3600000
};

uint64_t mk_poll_now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

mk_err mk_poll_open(mk_poll *p, int fd, mk_engine *engine, void *mem, size_t n)
{
    int flags = fcntl(fd, F_GETFL);
    int one = 1;

    if (p == NULL || engine == NULL || mem == NULL) {
        return MK_E_ARG;
    }
    if (n == 0 || n < mk_in_max(engine)) {
        return MK_E_ROOM;
    }
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
        return MK_E_NET;
    }
    /* fails on a local socket, where there is nothing to hurry */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    memset(p, 0, sizeof *p);
    p->fd = fd;
    p->engine = engine;
    p->mem = mem;
    p->mem_size = n;
    p->end_ms = MK_NEVER;
    return MK_OK;
}

void mk_poll_close(mk_poll *p)
{
    if (p->fd >= 0) {
        (void)close(p->fd);
    }
    p->fd = -1;
}

size_t mk_poll_held(const mk_poll *p)
{
    return p->view.len;
}

static bool is_passing(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* Octets sent by one call; 0 when there is nothing to send or no room. */
static size_t flush(mk_poll *p)
{
    mk_str spans[spans_max];
    struct iovec iov[spans_max];
    struct msghdr msg;
    size_t n = p->is_broken ? 0 : mk_out(p->engine, 0, spans, spans_max);
    ssize_t sent;
    size_t i;

    if (n == 0) {
        return 0;
    }
    memset(&msg, 0, sizeof msg);
    for (i = 0; i < n; i++) {
        iov[i].iov_base = (void *)(uintptr_t)spans[i].ptr;
        iov[i].iov_len = spans[i].len;
    }
    msg.msg_iov = iov;
    msg.msg_iovlen = n;
    sent = sendmsg(p->fd, &msg, MSG_NOSIGNAL);
    if (sent < 0) {
        p->is_broken = !is_passing();
        return 0;
    }
    (void)mk_out_sent(p->engine, (size_t)sent);
    return (size_t)sent;
}

static bool has_output(mk_poll *p)
{
    mk_str span;

    return !p->is_broken && mk_out(p->engine, 0, &span, 1) > 0;
}

static void tell_eof(mk_poll *p, mk_err why)
{
    p->is_eof = true;
    mk_in_eof(p->engine, why);
}

static void fill(mk_poll *p)
{
    size_t room = p->mem_size - p->view.len;
    ssize_t got;
    char *at;

    if (p->view.len == 0) {
        p->view.ptr = p->mem;
    }
    at = p->mem + (p->view.ptr - p->mem) + p->view.len;
    if (at == p->mem + p->mem_size) {
        memmove(p->mem, p->view.ptr, p->view.len);
        p->view.ptr = p->mem;
        at = p->mem + p->view.len;
    } else {
        room = p->mem_size - (size_t)(at - p->mem);
    }
    got = recv(p->fd, at, room, 0);
    if (got > 0) {
        p->view.len += (size_t)got;
    } else if (got == 0) {
        /* a failed send takes the reset away from recv */
        tell_eof(p, p->is_broken ? MK_E_NET : MK_OK);
    } else if (!is_passing()) {
        p->is_broken = true;
        tell_eof(p, MK_E_NET);
    }
}

/* True when fd became ready for one of `events` before `until_ms`. */
static bool await(int fd, short events, uint64_t until_ms)
{
    uint64_t now = mk_poll_now_ms();
    uint64_t left = until_ms > now ? until_ms - now : 0;
    struct pollfd pfd = {fd, events, 0};

    if (left > sleep_max_ms) {
        left = sleep_max_ms;
    }
    return poll(&pfd, 1, (int)left) == 1 && pfd.revents != 0;
}

static void discard(mk_poll *p)
{
    uint64_t until_ms = mk_poll_now_ms() + discard_ms;
    size_t seen = 0;
    ssize_t got;

    if (p->is_eof || shutdown(p->fd, SHUT_WR) < 0) {
        return;
    }
    while (seen <= discard_bytes && mk_poll_now_ms() < until_ms) {
        if (!await(p->fd, POLLIN, until_ms)) {
            continue;
        }
        got = recv(p->fd, p->mem, p->mem_size, 0);
        if (got > 0) {
            seen += (size_t)got;
        } else if (got == 0 || !is_passing()) {
            return;
        }
    }
}

/* Closes when it is time to; true when it did. */
static bool has_ended(mk_poll *p, bool is_over, uint64_t now)
{
    struct linger hard = {1, 0};
    unsigned want = mk_want(p->engine);

    if ((want & MK_WANT_ABORT) != 0) {
        (void)setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    } else if (!is_over && (want & MK_WANT_CLOSE) == 0) {
        return false;
    } else if (!has_output(p)) {
        discard(p);
    } else {
        if (p->end_ms == MK_NEVER) {
            p->end_ms = now + farewell_ms;
        }
        if (now < p->end_ms) {
            return false;
        }
    }
    p->view.len = 0;
    mk_poll_close(p);
    return true;
}

/* Waits for whatever the engine waits for. */
static mk_err wait_turn(mk_poll *p)
{
    unsigned want = mk_want(p->engine);
    uint64_t until_ms = mk_deadline(p->engine);
    bool is_reading =
        (want & MK_WANT_READ) != 0 && !p->is_eof && p->view.len < p->mem_size;
    short events = is_reading ? POLLIN : 0;

    if (p->is_broken && !is_reading) {
        if (p->is_eof) {
            mk_poll_close(p);
            return MK_E_NET;
        }
        tell_eof(p, MK_E_NET);
        return MK_OK;
    }
    if (has_output(p)) {
        events |= POLLOUT;
    }
    if ((want & MK_WANT_STEP) != 0) {
        until_ms = 0;
    } else if (p->end_ms < until_ms) {
        until_ms = p->end_ms;
    }
    if (events == 0 && until_ms == MK_NEVER) {
        return MK_WAIT;
    }
    if (await(events == 0 ? -1 : p->fd, events, until_ms) && is_reading) {
        fill(p);
    }
    return MK_OK;
}

mk_err mk_poll_next(mk_poll *p, mk_event *out_event)
{
    uint64_t now;
    mk_err r;

    if (p == NULL || out_event == NULL) {
        return MK_E_ARG;
    }
    while (p->fd >= 0) {
        now = mk_poll_now_ms();
        r = mk_step(p->engine, now, &p->view, out_event);
        if (r != MK_WAIT && r != MK_END) {
            return r;
        }
        if (flush(p) > 0) {
            continue;
        }
        if (has_ended(p, r == MK_END, now)) {
            break;
        }
        r = wait_turn(p);
        if (r != MK_OK) {
            return r;
        }
    }
    return MK_END;
}

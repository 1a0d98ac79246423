/* SPDX-License-Identifier: MIT
 *
 * uv_proxy.c: a connection whose proxy has not told yet for whom it is
 * (mk_proxied, mailkit/proxy.h). It has no session and counts for no address,
 * only in all. The header is looked at where it lies, and then exactly its
 * octets are taken: what is behind them is left to the engine, or to TLS.
 * Extensions are dropped as they come. Who says anything else, or is late, is
 * closed without a word.
 */
#include "net/uv_internal.h"

#include <mailkit/proxy.h>

#include <errno.h>
#include <string.h>

struct mk_net_arrival {
    mk_peer proxy;
    mk_proxy_header header; /* once its version is not 0 */
    size_t len;             /* octets of the head that were taken */
    char head[MK_PROXY_LINE_MAX];
};

mk_err mk_net_arrival_begin(mk_conn *c, const mk_peer *proxy)
{
    mk_net_host *h = c->host;
    uint32_t header_ms = c->service->proxied->header_ms;

    c->arrival = mk_alloc_get(h->config->alloc, sizeof *c->arrival);
    if (c->arrival == NULL) {
        return MK_E_MEMORY;
    }
    c->arrival->proxy = *proxy;
    mk_net_timer_set(h, &c->timer, mk_net_now_ms(h) + header_ms);
    return MK_OK;
}

void mk_net_arrival_free(mk_conn *c)
{
    mk_alloc_put(c->host->config->alloc, c->arrival, sizeof *c->arrival);
    c->arrival = NULL;
}

void mk_net_arrival_fail(mk_conn *c, mk_err why)
{
    const mk_service *service = c->service;
    mk_peer proxy = c->arrival->proxy;

    mk_net_conn_close(c);
    mk_net_tell_refused(service, &proxy, why);
}

/* Who is at the other end, after all. Of whom the proxy does not know, no
 * address is known: not the proxy's, which is trusted. */
static void name_peer(const mk_proxy_header *header, mk_peer *io_peer)
{
    uint16_t own_port = io_peer->own_port;

    if (header->kind == MK_PROXY_OWN) {
        return;
    }
    *io_peer = header->peer;
    if (header->kind == MK_PROXY_UNKNOWN) {
        io_peer->own_port = own_port;
    }
}

/* From here on it is a connection as any other, but for its peer. */
static void arrive(mk_conn *c)
{
    const mk_service *service = c->service;
    mk_peer peer = c->arrival->proxy;
    mk_err r;

    name_peer(&c->arrival->header, &peer);
    mk_net_arrival_free(c);
    r = mk_net_admit(c->host, &peer, &c->source);
    if (r == MK_OK) {
        mk_net_conn_open(c, &peer);
        return;
    }
    mk_net_say_busy(service, c->fd);
    mk_net_conn_close(c);
    mk_net_tell_refused(service, &peer, r);
}

static ssize_t take(int fd, char *at, size_t n, int flags)
{
    ssize_t got;

    do {
        got = recv(fd, at, n, flags);
    } while (got < 0 && errno == EINTR);
    return got;
}

/* So many octets of the head were seen: those that are the header's are taken.
 * MK_WAIT, MK_OK, or why it is none. */
static mk_err take_head(mk_conn *c, size_t seen)
{
    mk_net_arrival *a = c->arrival;
    size_t used = 0;
    mk_err r = mk_proxy_parse(mk_str_of(a->head, seen), &a->header, &used);

    if (r == MK_WAIT) {
        used = seen; /* all of it is the header's */
    }
    if (r >= 0 && take(c->fd, a->head + a->len, used - a->len, 0) !=
                      (ssize_t)(used - a->len)) {
        r = MK_E_NET;
    }
    a->len = used;
    return r;
}

void mk_net_arrival_read(mk_conn *c)
{
    mk_net_arrival *a = c->arrival;
    bool has_head = a->header.version != 0;
    char waste[1024];
    size_t n = a->header.rest < sizeof waste ? a->header.rest : sizeof waste;
    ssize_t got = has_head ? take(c->fd, waste, n, 0)
                           : take(c->fd, a->head + a->len,
                                  sizeof a->head - a->len, MSG_PEEK);
    mk_err r = MK_OK;

    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return;
    }
    if (got <= 0) {
        mk_net_arrival_fail(c, got == 0 ? MK_E_CUT : MK_E_NET);
        return;
    }
    if (has_head) {
        a->header.rest -= (size_t)got;
    } else {
        r = take_head(c, a->len + (size_t)got);
    }
    if (r < 0) {
        mk_net_arrival_fail(c, r);
    } else if (r == MK_OK && a->header.rest == 0) {
        arrive(c);
    }
}

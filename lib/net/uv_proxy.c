/* SPDX-License-Identifier: MIT
 *
 * uv_proxy.c: a connection whose proxy has not told yet for whom it is
 * (mk_proxied, mailkit/proxy.h). It has no session and counts for no address,
 * only in all. The header is looked at where it lies, and then exactly its
 * octets are taken: what is behind them is left to the engine, or to TLS. Who
 * says anything else, or is late, is closed without a word.
 */
#include "net/uv_internal.h"

#include <mailkit/proxy.h>

#include <errno.h>
#include <string.h>

struct mk_net_arrival {
    mk_peer proxy;
    size_t len; /* octets of the header that were taken */
    char head[MK_PROXY_MAX];
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
static void arrive(mk_conn *c, const mk_proxy_header *header)
{
    const mk_service *service = c->service;
    mk_peer peer = c->arrival->proxy;
    mk_err r;

    name_peer(header, &peer);
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

void mk_net_arrival_read(mk_conn *c)
{
    mk_net_arrival *a = c->arrival;
    char *at = a->head + a->len;
    ssize_t got = take(c->fd, at, sizeof a->head - a->len, MSG_PEEK);
    mk_proxy_header header;
    size_t used = 0;
    mk_err r;

    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return;
    }
    if (got <= 0) {
        mk_net_arrival_fail(c, got == 0 ? MK_E_CUT : MK_E_NET);
        return;
    }
    r = mk_proxy_parse(mk_str_of(a->head, a->len + (size_t)got), &header,
                       &used);
    if (r == MK_WAIT) {
        used = a->len + (size_t)got; /* all of it is the header's */
    }
    if (r >= 0 &&
        take(c->fd, at, used - a->len, 0) != (ssize_t)(used - a->len)) {
        r = MK_E_NET;
    }
    a->len = used;
    if (r < 0) {
        mk_net_arrival_fail(c, r);
    } else if (r == MK_OK) {
        arrive(c, &header);
    }
}

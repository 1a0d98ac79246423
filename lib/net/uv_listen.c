/* SPDX-License-Identifier: MIT
 *
 * uv_listen.c: listeners. Accepting is bounded by the turn, by all
 * connections and by those of one address; who is over gets a reply and is
 * closed. With no descriptor left (THREATS F15) a reserved one is given up
 * for a moment to take the peer off the queue, so that the loop does not
 * spin; when even that fails, the listener rests.
 */
#include "net/uv_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

enum {
    accepts_max = 32,
    accepts_shared_max = 1, /* the rest is for those who share the socket */
    pause_ms = 250
};

typedef union socket_name {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage room;
} socket_name;

int mk_net_reserve(void)
{
    return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

void mk_net_say_busy(const mk_service *service, int fd)
{
    mk_str text = service->busy;
    char waste[512];

    if (text.len > 0) {
        (void)send(fd, text.ptr, text.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)shutdown(fd, SHUT_WR);
        /* octets left unread would turn the end into a reset */
        (void)recv(fd, waste, sizeof waste, MSG_DONTWAIT);
    }
}

void mk_net_tell_refused(const mk_service *service, const mk_peer *peer,
                         mk_err why)
{
    if (service->refused != NULL) {
        service->refused(service->self, peer, why);
    }
}

void mk_net_refuse(const mk_service *service, int fd, const mk_peer *peer,
                   mk_err why)
{
    mk_net_say_busy(service, fd);
    (void)close(fd);
    mk_net_tell_refused(service, peer, why);
}

/* Writes the family, address and port of a socket name. An IPv4 peer at an
 * IPv6 socket (RFC 4291 2.5.5.2) is one of IPv4: by their /64 they would all
 * be the same. */
static uint8_t read_name(const socket_name *name, uint8_t address[16],
                         uint16_t *out_port)
{
    if (name->any.sa_family == AF_INET) {
        memcpy(address, &name->v4.sin_addr, 4);
        *out_port = ntohs(name->v4.sin_port);
        return 4;
    }
    if (name->any.sa_family == AF_INET6 &&
        IN6_IS_ADDR_V4MAPPED(&name->v6.sin6_addr)) {
        memcpy(address, name->v6.sin6_addr.s6_addr + 12, 4);
        *out_port = ntohs(name->v6.sin6_port);
        return 4;
    }
    if (name->any.sa_family == AF_INET6) {
        memcpy(address, &name->v6.sin6_addr, 16);
        *out_port = ntohs(name->v6.sin6_port);
        return 6;
    }
    return 0;
}

static bool is_any_address(const mk_peer *own)
{
    static const uint8_t zeros[16] = {0};

    return memcmp(own->own_address, zeros, sizeof zeros) == 0;
}

static void fill_peer(const mk_net_listener *l, int fd, const socket_name *name,
                      mk_peer *out_peer)
{
    socket_name own = {0};
    socklen_t len = sizeof own;

    *out_peer = l->own;
    out_peer->family = read_name(name, out_peer->address, &out_peer->port);
    if (is_any_address(&l->own) && getsockname(fd, &own.any, &len) == 0) {
        (void)read_name(&own, out_peer->own_address, &out_peer->own_port);
    }
}

static void on_connection(uv_poll_t *poll, int status, int events);

static void on_pause_end(mk_timer *timer)
{
    mk_net_listener *l =
        (mk_net_listener *)((char *)timer - offsetof(mk_net_listener, pause));

    if (uv_poll_start(&l->poll, UV_READABLE, on_connection) != 0) {
        mk_net_timer_set(l->host, timer, mk_net_now_ms(l->host) + pause_ms);
    }
}

static void rest(mk_net_listener *l)
{
    (void)uv_poll_stop(&l->poll);
    l->pause.fire = on_pause_end;
    mk_net_timer_set(l->host, &l->pause, mk_net_now_ms(l->host) + pause_ms);
}

static bool is_no_descriptor(int error)
{
    return error == EMFILE || error == ENFILE;
}

static int take_peer(const mk_net_listener *l, mk_peer *out_peer)
{
    socket_name name = {0};
    socklen_t len = sizeof name;
    int fd = accept4(l->fd, &name.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        fill_peer(l, fd, &name, out_peer);
    }
    return fd;
}

/* Takes one peer off the queue with the reserved descriptor; false: there was
 * none (accept fails for want of a descriptor before it looks), or the
 * listener rests. */
static bool shed(mk_net_listener *l)
{
    mk_net_host *h = l->host;
    bool is_hopeless;
    mk_peer peer;
    int fd;

    if (h->reserve_fd >= 0) {
        (void)close(h->reserve_fd);
    }
    fd = take_peer(l, &peer);
    is_hopeless = fd < 0 && is_no_descriptor(errno);
    if (fd >= 0) {
        mk_net_refuse(l->service, fd, &peer, MK_E_FILES);
    }
    h->reserve_fd = mk_net_reserve();
    if (is_hopeless) {
        rest(l);
    }
    return fd >= 0;
}

/* accept(2): errors of the network are those of the one connection. */
static bool is_of_one_peer(int error)
{
    return error == ECONNABORTED || error == EINTR || error == EPROTO ||
           error == ENETDOWN || error == ENOPROTOOPT || error == EHOSTDOWN ||
           error == EHOSTUNREACH || error == EOPNOTSUPP ||
           error == ENETUNREACH || error == EPERM;
}

/* False when there is nothing to accept any more. */
static bool accept_one(mk_net_listener *l)
{
    mk_peer peer;
    int fd = take_peer(l, &peer);

    if (fd >= 0) {
        mk_net_conn_accept(l, fd, &peer);
        return true;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return false;
    }
    if (is_of_one_peer(errno)) {
        return true;
    }
    if (is_no_descriptor(errno)) {
        return shed(l);
    }
    rest(l);
    return false;
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
    mk_net_listener *l = (mk_net_listener *)poll;
    unsigned max = l->is_borrowed ? accepts_shared_max : accepts_max;
    unsigned n;

    (void)events;
    if (status < 0) {
        rest(l);
        return;
    }
    /* a service may stop or drain the host from within */
    for (n = 0; n < max && !uv_is_closing((uv_handle_t *)poll); n++) {
        if (!accept_one(l)) {
            break;
        }
    }
}

static void on_listener_closed(uv_handle_t *handle)
{
    mk_net_listener *l = (mk_net_listener *)handle;
    mk_net_host *h = l->host;

    mk_alloc_put(h->config->alloc, l, sizeof *l);
    h->listener_count--;
    mk_net_host_gone(h);
}

static void let_go(const mk_net_listener *l)
{
    if (!l->is_borrowed) {
        (void)close(l->fd);
    }
}

void mk_net_listener_close(mk_net_listener *l)
{
    mk_net_timer_clear(l->host, &l->pause);
    uv_close((uv_handle_t *)&l->poll, on_listener_closed);
    let_go(l);
}

static mk_err error_of(int error)
{
    switch (error) {
    case EADDRINUSE:
        return MK_E_EXISTS;
    case EACCES:
    case EPERM:
        return MK_E_ACCESS;
    case EADDRNOTAVAIL:
        return MK_E_UNREACHABLE;
    case EMFILE:
    case ENFILE:
        return MK_E_FILES;
    case ENOMEM:
    case ENOBUFS:
        return MK_E_MEMORY;
    default:
        return MK_E_NET;
    }
}

static bool parse_name(const char *address, uint16_t port,
                       socket_name *out_name, socklen_t *out_len)
{
    memset(out_name, 0, sizeof *out_name);
    if (uv_ip4_addr(address, port, &out_name->v4) == 0) {
        *out_len = sizeof out_name->v4;
        return true;
    }
    if (uv_ip6_addr(address, port, &out_name->v6) == 0) {
        *out_len = sizeof out_name->v6;
        return true;
    }
    return false;
}

/* TCP_NODELAY is inherited by what is accepted. */
static bool set_options(int fd, int family)
{
    int one = 1;

    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
           setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0 &&
           (family != AF_INET6 ||
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) == 0);
}

static mk_err open_socket(socket_name *io_name, socklen_t len, int backlog,
                          int *out_fd)
{
    int fd = socket(io_name->any.sa_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    mk_err r;

    if (fd < 0) {
        return error_of(errno);
    }
    if (!set_options(fd, io_name->any.sa_family) ||
        bind(fd, &io_name->any, len) < 0 || listen(fd, backlog) < 0 ||
        getsockname(fd, &io_name->any, &len) < 0) {
        r = error_of(errno);
        (void)close(fd);
        return r;
    }
    *out_fd = fd;
    return MK_OK;
}

/* A socket that somebody else made; TCP_NODELAY fails on what is not TCP, and
 * uv_poll_init sets O_NONBLOCK. */
static mk_err adopt_socket(int fd, socket_name *out_name)
{
    socklen_t len = sizeof *out_name;
    int is_listening = 0;
    socklen_t size = sizeof is_listening;
    int one = 1;

    memset(out_name, 0, sizeof *out_name);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size) < 0 ||
        is_listening == 0 || getsockname(fd, &out_name->any, &len) < 0 ||
        (out_name->any.sa_family != AF_INET &&
         out_name->any.sa_family != AF_INET6) ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0) {
        return MK_E_ARG;
    }
    return MK_OK;
}

/* Is it said whose word is taken, and for how long it is waited for? */
static bool is_askable(const mk_proxied *p)
{
    enum { header_max_ms = 60000 };

    return p == NULL || (p->is_proxy != NULL && p->header_ms > 0 &&
                         p->header_ms <= header_max_ms);
}

static bool is_servable(const mk_net_host *h, const mk_service *service)
{
    return h != NULL && service != NULL && service->open != NULL &&
           service->event != NULL && service->closed != NULL &&
           is_askable(service->proxied);
}

static mk_err make(mk_net_host *h, const mk_service *service,
                   mk_net_listener **out_listener)
{
    mk_net_listener *l;

    if (h->is_stopping) {
        return MK_E_SHUTDOWN;
    }
    l = mk_alloc_get(h->config->alloc, sizeof *l);
    if (l == NULL) {
        return MK_E_MEMORY;
    }
    l->host = h;
    l->service = service;
    *out_listener = l;
    return MK_OK;
}

/* Takes the listener and its descriptor over, whatever happens. */
static mk_err start(mk_net_listener *l, const socket_name *name,
                    uint16_t *out_port)
{
    mk_net_host *h = l->host;

    l->own.family = read_name(name, l->own.own_address, &l->own.own_port);
    if (uv_poll_init(h->loop, &l->poll, l->fd) != 0) {
        let_go(l);
        mk_alloc_put(h->config->alloc, l, sizeof *l);
        return MK_E_NET;
    }
    h->listener_count++;
    if (uv_poll_start(&l->poll, UV_READABLE, on_connection) != 0) {
        mk_net_listener_close(l);
        return MK_E_NET;
    }
    l->after = h->listeners;
    h->listeners = l;
    if (out_port != NULL) {
        *out_port = l->own.own_port;
    }
    return MK_OK;
}

mk_err mk_uv_listen(mk_host *host, const char *address, uint16_t port,
                    const mk_service *service, uint16_t *out_port)
{
    mk_net_host *h = mk_net_host_of(host);
    mk_net_listener *l = NULL;
    socket_name name;
    socklen_t len;
    mk_err r;

    if (!is_servable(h, service) || address == NULL ||
        !parse_name(address, port, &name, &len)) {
        return MK_E_ARG;
    }
    r = make(h, service, &l);
    if (r != MK_OK) {
        return r;
    }
    r = open_socket(&name, len, (int)h->config->backlog, &l->fd);
    if (r != MK_OK) {
        mk_alloc_put(h->config->alloc, l, sizeof *l);
        return r;
    }
    return start(l, &name, out_port);
}

mk_err mk_uv_listen_fd(mk_host *host, int fd, const mk_service *service,
                       uint16_t *out_port)
{
    mk_net_host *h = mk_net_host_of(host);
    mk_net_listener *l = NULL;
    socket_name name;
    mk_err r;

    if (!is_servable(h, service)) {
        return MK_E_ARG;
    }
    r = adopt_socket(fd, &name);
    if (r == MK_OK) {
        r = make(h, service, &l);
    }
    if (r != MK_OK) {
        return r;
    }
    l->fd = fd;
    l->is_borrowed = true;
    return start(l, &name, out_port);
}

/* SPDX-License-Identifier: MIT
 *
 * listen.c: listening sockets. The master opens them and workers inherit them;
 * nobody here accepts. A socket is bound while root may be needed, and listens
 * only once every setting was found good. What a service manager hands over
 * (sd_listen_fds(3)) is named by its protocol: FileDescriptorName=submission.
 */
#include "mailkitd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

enum { BACKLOG = 511, GIVEN_FIRST = 3 };

typedef union name {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage room;
} name;

static bool has(const listeners *l, int fd)
{
    for (size_t i = 0; l != NULL && i < l->count; i++) {
        if (l->items[i].fd == fd) {
            return true;
        }
    }
    return false;
}

/* ---- those given --------------------------------------------------------- */

static bool is_listening(int fd)
{
    int yes = 0;
    socklen_t n = sizeof yes;
    name own = {0};
    socklen_t own_n = sizeof own;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &n) == 0 &&
           yes != 0 && getsockname(fd, &own.any, &own_n) == 0 &&
           (own.any.sa_family == AF_INET || own.any.sa_family == AF_INET6);
}

/* Cuts the next of "smtp:smtp:…" off. */
static mk_str next_name(mk_str *io_names)
{
    const char *colon =
        io_names->len > 0 ? memchr(io_names->ptr, ':', io_names->len) : NULL;
    size_t n = colon != NULL ? (size_t)(colon - io_names->ptr) : io_names->len;
    mk_str first = mk_str_of(io_names->ptr, n);
    n += colon != NULL;
    *io_names = mk_str_of(io_names->ptr + n, io_names->len - n);
    return first;
}

/* LMTP is not served there, whoever has opened it. */
static bool is_mail_port(int fd)
{
    name own = {0};
    socklen_t n = sizeof own;

    (void)getsockname(fd, &own.any, &n);
    return ntohs(own.any.sa_family == AF_INET6 ? own.v6.sin6_port
                                               : own.v4.sin_port) == PORT_SMTP;
}

static int given_take(int fd, mk_str called, listener *out)
{
    out->fd = fd;
    out->protocol = protocol_find(called, &out->is_proxied);
    if (out->protocol == NULL) {
        complain("socket %d is named '%.*s': its FileDescriptorName is not %s",
                 fd, (int)called.len, called.len > 0 ? called.ptr : "",
                 protocol_names);
        return EX_CONFIG;
    }
    if (!is_listening(fd) || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        complain("socket %d does not listen for TCP", fd);
        return EX_CONFIG;
    }
    if (out->protocol->speech == SPEECH_LMTP && is_mail_port(fd)) {
        complain("socket %d: LMTP is not served on port 25", fd);
        return EX_CONFIG;
    }
    return -1;
}

int listeners_given(listeners *out)
{
    const char *pid = getenv("LISTEN_PID");
    const char *number = getenv("LISTEN_FDS");
    const char *called = getenv("LISTEN_FDNAMES");
    mk_str names = mk_str_z(called != NULL ? called : "");
    uint64_t mine;
    uint64_t count;
    int code = -1;

    memset(out, 0, sizeof *out);
    if (pid == NULL || number == NULL ||
        mk_str_u64(mk_str_z(pid), &mine) != MK_OK ||
        mine != (uint64_t)getpid() ||
        mk_str_u64(mk_str_z(number), &count) != MK_OK || count > 1000) {
        return -1;
    }
    out->items = calloc(count + 1, sizeof *out->items);
    if (out->items == NULL) {
        complain("out of memory");
        return EX_OSERR;
    }
    for (; out->count < count && code < 0; out->count++) {
        code = given_take(GIVEN_FIRST + (int)out->count, next_name(&names),
                          &out->items[out->count]);
    }
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    return code;
}

/* ---- those bound --------------------------------------------------------- */

static socklen_t name_of(const endpoint *e, name *out)
{
    char plain[sizeof e->address];
    size_t n = strcspn(e->address, "%");

    memset(out, 0, sizeof *out);
    memcpy(plain, e->address, n);
    plain[n] = '\0';
    if (!e->is_v6) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(e->port);
        (void)inet_pton(AF_INET, plain, &out->v4.sin_addr);
        return sizeof out->v4;
    }
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port = htons(e->port);
    (void)inet_pton(AF_INET6, plain, &out->v6.sin6_addr);
    if (e->address[n] == '%') {
        out->v6.sin6_scope_id = if_nametoindex(e->address + n + 1);
    }
    return sizeof out->v6;
}

/* An IPv6 socket takes no IPv4 peers: 0.0.0.0 and [::] may both be given. */
static bool bind_to(int fd, const endpoint *e)
{
    int one = 1;
    name own;
    socklen_t n = name_of(e, &own);

    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
           (!e->is_v6 ||
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) == 0) &&
           bind(fd, &own.any, n) == 0;
}

static int complain_of(const char *text, int error)
{
    complain("--listen %s: %s", text,
             error == EADDRINUSE ? "the address is in use" : strerror(error));
    return EX_UNAVAILABLE;
}

static int open_one(const char *text, const endpoint *e, int *out_fd)
{
    int fd = socket(e->is_v6 ? AF_INET6 : AF_INET,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || !bind_to(fd, e)) {
        int error = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return complain_of(text, error);
    }
    *out_fd = fd;
    return -1;
}

/* One that is open already, is meant by the same text and not taken yet. */
static const listener *find(const listeners *old, const char *text,
                            const listeners *taken)
{
    for (size_t i = 0; old != NULL && i < old->count; i++) {
        const listener *l = &old->items[i];
        if (l->text != NULL && strcmp(l->text, text) == 0 &&
            !has(taken, l->fd)) {
            return l;
        }
    }
    return NULL;
}

int listeners_bind(const settings *s, const listeners *old, listeners *out)
{
    size_t given = 0;
    int code = -1;

    out->count = 0;
    out->items = calloc(old->count + s->listen.count + 1, sizeof *out->items);
    if (out->items == NULL) {
        complain("out of memory");
        return EX_OSERR;
    }
    for (; given < old->count && old->items[given].text == NULL; given++) {
        out->items[out->count++] = old->items[given];
    }
    for (size_t i = 0; i < s->listen.count && code < 0; i++) {
        listener one = {.text = s->listen.items[i]};
        const listener *same = find(old, one.text, out);
        endpoint e;
        endpoint_parse(one.text, &e); /* found good before */
        one.protocol = e.protocol;
        one.is_proxied = e.is_proxied;
        if (same != NULL) {
            one.fd = same->fd;
        } else {
            code = open_one(one.text, &e, &one.fd);
        }
        if (code < 0) {
            out->items[out->count++] = one;
        }
    }
    if (code < 0 && out->count == 0) {
        complain("--listen is missing, see --help");
        code = EX_USAGE;
    }
    return code;
}

int listeners_start(const listeners *l)
{
    for (size_t i = 0; i < l->count; i++) {
        const listener *one = &l->items[i];
        if (one->text != NULL && listen(one->fd, BACKLOG) != 0) {
            return complain_of(one->text, errno);
        }
    }
    return -1;
}

/* ---- all ----------------------------------------------------------------- */

void listeners_show(const listeners *l, const listeners *but,
                    void (*tell)(const char *line))
{
    for (size_t i = 0; i < l->count; i++) {
        char text[INET6_ADDRSTRLEN] = "?";
        char line[128];
        name own = {0};
        socklen_t n = sizeof own;
        const char *behind = l->items[i].is_proxied ? "+proxy" : "";

        if (has(but, l->items[i].fd)) {
            continue;
        }
        (void)getsockname(l->items[i].fd, &own.any, &n);
        if (own.any.sa_family == AF_INET6) {
            (void)inet_ntop(AF_INET6, &own.v6.sin6_addr, text, sizeof text);
            snprintf(line, sizeof line, "listening %s%s [%s]:%u",
                     l->items[i].protocol->name, behind, text,
                     (unsigned)ntohs(own.v6.sin6_port));
        } else {
            (void)inet_ntop(AF_INET, &own.v4.sin_addr, text, sizeof text);
            snprintf(line, sizeof line, "listening %s%s %s:%u",
                     l->items[i].protocol->name, behind, text,
                     (unsigned)ntohs(own.v4.sin_port));
        }
        tell(line);
    }
}

void listeners_drop(listeners *l, const listeners *but)
{
    for (size_t i = 0; i < l->count; i++) {
        if (!has(but, l->items[i].fd)) {
            (void)close(l->items[i].fd);
        }
    }
    free(l->items);
    memset(l, 0, sizeof *l);
}

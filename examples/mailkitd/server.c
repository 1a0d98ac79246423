/* SPDX-License-Identifier: MIT
 *
 * server.c: one worker. Puts the library together to a mail server: delivery,
 * and for each protocol one service of mail that comes or of mail that is
 * fetched, on a host of libuv, at the listeners that the master opened; and
 * takes it apart again. It does what the master says, and ends in order when
 * the master is gone.
 */
#include "mailkitd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>
#include <uv.h>

/* Threads that wait for the disk, and commits under way at once: what syncs
 * at the same time shares the flushes of the device (docs/adr/0003). */
#define DISK_LANES 8
#define DISK_THREADS "8"

enum {
    RECIPIENTS_LEAST = 100, /* that an engine knows (RFC 5321 4.5.3.1.8) */
    PROXY_MS = 5000,        /* for the header of a proxy */
};

/* One protocol, where it is served. */
typedef struct door {
    union {
        mk_smtp_server_config smtp;
        mk_pop3_server_config pop3;
    } engine;
    mk_inbound *inbound;   /* NULL: no listener has it, or it is POP3 */
    mk_maildrop *maildrop; /* NULL: likewise, or it is SMTP */
    mk_service service;
    mk_service proxied; /* the same, where proxies are in front */
    bool is_open;
} door;

typedef struct server {
    const site *site;
    uv_loop_t loop;
    uv_signal_t term;
    uv_poll_t link;
    int link_fd;
    mk_uv_config uv;
    mk_host *host;
    secure *secure;
    mk_local_delivery *delivery;
    mk_delay *delay; /* NULL: nobody waits */
    mk_proxied proxies;
    door doors[PROTOCOLS]; /* as in the table */
    bool is_deaf;          /* accepts nobody more */
    bool closed;
} server;

static mk_err fill(void *self, void *out, size_t n)
{
    unsigned char *at = out;
    (void)self;
    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno != EINTR) {
            return MK_E_ENTROPY;
        }
        at += got > 0 ? got : 0;
        n -= got > 0 ? (size_t)got : 0;
    }
    return MK_OK;
}

static const mk_random system_random = {NULL, fill};

/* ---- orders -------------------------------------------------------------- */

/* The sockets are shared: a queue that somebody still holds open would take
 * peers in whom nobody serves. */
static void close_listeners(server *v)
{
    const listeners *l = &v->site->listeners;
    for (size_t i = 0; i < l->count && !v->is_deaf; i++) {
        (void)close(l->items[i].fd);
    }
    v->is_deaf = true;
}

static void host_close(server *v)
{
    if (v->host != NULL && !v->closed) {
        v->closed = true;
        mk_uv_host_close(v->host);
    }
}

static void obey(server *v, char order)
{
    if (v->closed) {
        return;
    }
    mk_local_delivery_rest(v->delivery); /* its timer would hold the loop */
    switch (order) {
    case SAY_DRAIN:
        mk_uv_drain(v->host);
        break;
    case SAY_ABORT:
        host_close(v);
        break;
    default:
        mk_uv_stop(v->host);
        break;
    }
    close_listeners(v);
}

/* Told to end by somebody else than the master: it will send another. */
static void on_term(uv_signal_t *handle, int number)
{
    (void)number;
    obey(handle->data, SAY_STOP);
}

static void on_link(uv_poll_t *handle, int status, int events)
{
    server *v = handle->data;
    char said[16];
    ssize_t n = read(v->link_fd, said, sizeof said);

    (void)status;
    (void)events;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    for (ssize_t i = 0; i < n; i++) {
        obey(v, said[i]);
    }
    if (n <= 0) {
        log_line("the master is gone: stopping");
        uv_poll_stop(handle);
        obey(v, SAY_STOP);
    }
}

/* Neither holds the loop: it ends with the listeners and sessions. Of the
 * master's handlers those for SIGINT and SIGHUP stay, and do nothing here: what
 * a terminal sends to everybody is for the master alone. */
static mk_err orders_open(server *v, int link)
{
    sigset_t all;

    v->link_fd = link;
    v->link.data = v;
    v->term.data = v;
    if (uv_signal_init(&v->loop, &v->term) != 0 ||
        uv_signal_start(&v->term, on_term, SIGTERM) != 0 ||
        uv_poll_init(&v->loop, &v->link, link) != 0 ||
        uv_poll_start(&v->link, UV_READABLE, on_link) != 0) {
        return MK_E_FILES;
    }
    uv_unref((uv_handle_t *)&v->term);
    uv_unref((uv_handle_t *)&v->link);
    sigfillset(&all); /* the master holds them back around a fork */
    (void)sigprocmask(SIG_UNBLOCK, &all, NULL);
    return MK_OK;
}

/* ---- the chain ----------------------------------------------------------- */

static mk_err delivery_open(server *v)
{
    mk_local_delivery_config c;
    mk_local_delivery_config_init(&c, sizeof c);
    c.host = v->host;
    c.alloc = mk_alloc_libc();
    c.random = &system_random;
    c.vfs = mk_vfs_posix();
    c.root = v->site->root;
    c.hostname = mk_str_z(v->site->s.hostname);
    c.pid = (uint32_t)getpid();
    c.lanes = DISK_LANES;
    c.log.write = log_record;
    return mk_local_delivery_new(&c, &v->delivery);
}

/* The engine knows no fewer than 100 recipients (RFC 5321 4.5.3.1.8); who
 * asks for fewer gets them here. */
static void at_recipient(void *self, const mk_stage_call *call, mk_verdict *v)
{
    const server *s = self;
    if (mk_session_recipient_count(call->session) >=
        s->site->s.max_recipients) {
        v->kind = MK_VERDICT_REFUSE;
        v->answer = MK_ANSWER_LATER;
        v->code = mk_str_z("452 4.5.3");
        v->text = mk_str_z("Too many recipients");
    }
}

/* Who waits before the greeting: strangers. */
static mk_err delay_open(server *v)
{
    mk_delay_config c;

    if (v->site->s.greeting_delay_ms == 0) {
        return MK_OK;
    }
    mk_delay_config_init(&c, sizeof c);
    c.host = v->host;
    c.alloc = mk_alloc_libc();
    c.ms[MK_POINT_CONNECT] = v->site->s.greeting_delay_ms;
    return mk_delay_new(&c, &v->delay);
}

static bool is_proxy(void *self, const mk_peer *peer)
{
    const server *v = self;
    for (size_t i = 0; i < v->site->s.trusted.count; i++) {
        if (mk_network_has(&v->site->trusted[i], peer->family, peer->address)) {
            return true;
        }
    }
    return false;
}

/* Without what it stands on none is offered (RFC 3030 3, RFC 6531 3.1), and
 * LMTP is not without PIPELINING and ENHANCEDSTATUSCODES (RFC 2033 5).
 * NO-SOLICITING without keywords would ask for what nobody is refused for. */
static uint32_t extensions_of(const site *t, const protocol *p)
{
    const uint32_t of_lmtp =
        MK_SMTP_EXTENSION_PIPELINING | MK_SMTP_EXTENSION_ENHANCEDSTATUSCODES;
    uint32_t all = p->extensions & ~t->withdrawn;

    if (t->s.no_soliciting == NULL) {
        all &= ~(uint32_t)MK_SMTP_EXTENSION_NO_SOLICITING;
    }
    if (t->s.max_recipients < RECIPIENTS_LEAST) {
        all &= ~(uint32_t)MK_SMTP_EXTENSION_LIMITS; /* it would tell more */
    }
    if ((all & MK_SMTP_EXTENSION_CHUNKING) == 0) {
        all &= ~(uint32_t)MK_SMTP_EXTENSION_BINARYMIME;
    }
    if ((all & MK_SMTP_EXTENSION_8BITMIME) == 0) {
        all &= ~(uint32_t)MK_SMTP_EXTENSION_SMTPUTF8;
    }
    return p->speech == SPEECH_LMTP ? all | of_lmtp : all;
}

static void smtp_fill(const server *v, const protocol *p,
                      mk_smtp_server_config *c)
{
    const settings *s = &v->site->s;

    mk_smtp_server_config_init(c, sizeof *c);
    c->hostname = mk_str_z(s->hostname);
    c->units = mk_uv_host_units(v->host);
    c->message_max = s->max_message_bytes;
    c->recipients_max =
        (uint32_t)(s->max_recipients < RECIPIENTS_LEAST ? RECIPIENTS_LEAST
                                                        : s->max_recipients);
    c->command_ms = s->command_timeout_s * 1000;
    c->messages_max = (uint32_t)s->max_messages_per_connection;
    c->is_lmtp = p->speech == SPEECH_LMTP;
    c->extensions = extensions_of(v->site, p);
    if (s->no_soliciting != NULL) {
        c->solicit = mk_str_z(s->no_soliciting);
        c->line_max = SOLICIT_LINE;
    }
}

/* The chain, in order: a peer waits, is told the limit, is judged, and what
 * it brings comes to rest. Returns how many stages there are. */
static uint32_t stages_fill(server *v, const protocol *p, mk_stage *stages)
{
    uint32_t n = 0;

    if (v->delay != NULL && p->login != LOGIN_NEEDED &&
        p->speech != SPEECH_LMTP) {
        mk_delay_stage(v->delay, &stages[n++]);
    }
    stages[n++] = (mk_stage){.name = "limit",
                             .self = v,
                             .points = MK_POINT_BIT(MK_POINT_RCPT),
                             .at = at_recipient};
    mk_local_policy_stage(v->site->policy, &stages[n++]);
    mk_local_delivery_stage(v->delivery, &stages[n++]);
    return n;
}

static mk_err smtp_open(server *v, const protocol *p, door *d)
{
    mk_smtp_server_config *smtp = &d->engine.smtp;
    mk_stage stages[4];
    mk_inbound_config c;
    security by;

    smtp_fill(v, p, smtp);
    mk_inbound_config_init(&c, sizeof c);
    c.host = v->host;
    c.alloc = mk_alloc_libc();
    c.random = &system_random;
    c.smtp = smtp;
    c.stages = stages;
    c.stage_count = stages_fill(v, p, stages);
    c.trusted = v->site->trusted;
    c.trusted_count = v->site->s.trusted.count;
    if (p->login != LOGIN_NEVER) { /* RFC 6409 8.2, 8.3 */
        c.fixes = MK_FIX_DATE | MK_FIX_MESSAGE_ID;
    }
    c.hops_max = (uint32_t)v->site->s.max_hops;
    c.log.write = log_record;
    secure_serve(v->secure, p, &by);
    smtp->tls = by.tls;
    smtp->sasl = by.sasl;
    smtp->sasl_units = by.sasl_units;
    smtp->is_auth_needed = p->login == LOGIN_NEEDED;
    c.authenticator = by.authenticator;
    c.wrap = by.wrap;
    c.wrap_self = by.wrap_self;
    c.is_tls_implicit = by.is_tls_implicit;
    mk_err err = mk_inbound_new(&c, &d->inbound);
    if (err == MK_OK) {
        mk_inbound_service(d->inbound, &d->service);
    }
    return err;
}

/* No mail is accepted here as RFC 6532 has it, and programs that fetch mail do
 * not say UTF8: unless somebody wants it, it is not offered, so that octets
 * beyond ASCII in a header keep nobody from his mail (RFC 6856 2.1). */
static void pop3_fill(const server *v, mk_pop3_server_config *c)
{
    const settings *s = &v->site->s;

    mk_pop3_server_config_init(c, sizeof *c);
    c->hostname = mk_str_z(s->hostname);
    c->units = mk_uv_host_units(v->host);
    if (!s->pop3_utf8) {
        c->capabilities &= ~(uint32_t)MK_POP3_CAPABILITY_UTF8;
    }
}

static mk_err pop3_open(server *v, const protocol *p, door *d)
{
    mk_pop3_server_config *pop3 = &d->engine.pop3;
    mk_maildrop_config c;
    security by;

    pop3_fill(v, pop3);
    mk_maildrop_config_init(&c, sizeof c);
    c.host = v->host;
    c.alloc = mk_alloc_libc();
    c.vfs = mk_vfs_posix();
    c.root = v->site->root;
    c.pop3 = pop3;
    c.log.write = log_record;
    secure_serve(v->secure, p, &by);
    pop3->tls = by.tls;
    pop3->sasl = by.sasl;
    pop3->sasl_units = by.sasl_units;
    c.crypto = by.crypto;
    c.authenticator = by.authenticator;
    c.wrap = by.wrap;
    c.wrap_self = by.wrap_self;
    c.is_tls_implicit = by.is_tls_implicit;
    mk_err err = mk_maildrop_new(&c, &d->maildrop);
    if (err == MK_OK) {
        mk_maildrop_service(d->maildrop, &d->service);
    }
    return err;
}

static mk_err door_open(server *v, const protocol *p, door *d)
{
    mk_err err =
        p->speech == SPEECH_POP3 ? pop3_open(v, p, d) : smtp_open(v, p, d);
    d->is_open = err == MK_OK;
    d->proxied = d->service;
    d->proxied.proxied = &v->proxies;
    return err;
}

static mk_err host_open(server *v, const share *h)
{
    mk_uv_config_init(&v->uv, sizeof v->uv);
    v->uv.alloc = mk_alloc_libc();
    v->uv.max_connections = (size_t)v->site->s.max_connections;
    v->uv.max_per_address = (size_t)v->site->s.max_connections_per_address;
    v->uv.share = &h->calls;
    /* A refusal may wait in one while another takes the rest of the body. */
    if (v->uv.max_units < 2 * v->uv.max_connections) {
        v->uv.max_units = 2 * v->uv.max_connections;
    }
    return mk_uv_host_open(&v->loop, &v->uv, &v->host);
}

/* ---- its life ------------------------------------------------------------ */

static mk_err listen_all(server *v)
{
    const listeners *l = &v->site->listeners;
    mk_err err = MK_OK;

    v->proxies = (mk_proxied){v, is_proxy, PROXY_MS};
    for (size_t i = 0; i < l->count && err == MK_OK; i++) {
        const protocol *p = l->items[i].protocol;
        door *d = &v->doors[p - protocols];
        err = d->is_open ? MK_OK : door_open(v, p, d);
        if (err == MK_OK) {
            err = mk_uv_listen_fd(
                v->host, l->items[i].fd,
                l->items[i].is_proxied ? &d->proxied : &d->service, NULL);
        }
    }
    return err;
}

static mk_err parts_open(server *v, int link, const share *h)
{
    mk_err err = host_open(v, h);
    err = err == MK_OK ? delivery_open(v) : err;
    err = err == MK_OK ? delay_open(v) : err;
    err = err == MK_OK
              ? secure_new(v->site, v->host, &system_random, &v->secure)
              : err;
    err = err == MK_OK ? listen_all(v) : err;
    return err == MK_OK ? orders_open(v, link) : err;
}

/* Sessions are over: let the last handles and jobs go, then everything. The
 * signal handle stays, and with it the loop: a signal that comes now must not
 * find the default action, which would change the exit code. */
static void server_close(server *v)
{
    host_close(v);
    uv_run(&v->loop, UV_RUN_DEFAULT);
    mk_err err = MK_OK;
    for (size_t i = 0; i < PROTOCOLS && err == MK_OK; i++) {
        err = mk_inbound_free(v->doors[i].inbound);
        err = err == MK_OK ? mk_maildrop_free(v->doors[i].maildrop) : err;
    }
    if (err == MK_OK) {
        mk_delay_free(v->delay);
    }
    err = err == MK_OK ? mk_local_delivery_free(v->delivery) : err;
    if (err != MK_OK || secure_free(v->secure) != MK_OK) {
        log_line("messages were left on their way");
    }
}

int server_run(const site *t, int link, share *h)
{
    static server v;
    static const char ready = SAY_READY;
    int code = EX_OK;

    log_open(t->s.use_syslog);
    v.site = t;
    /* libuv looks when the first job comes; who has set it knows better */
    (void)setenv("UV_THREADPOOL_SIZE", DISK_THREADS, 0);
    if (uv_loop_init(&v.loop) != 0) {
        complain("no loop can be had");
        return EX_OSERR;
    }
    mk_err err = parts_open(&v, link, h);
    if (err != MK_OK) {
        complain("a worker cannot start: %s", mk_err_text(err));
        code = EX_OSERR;
    } else if (write(link, &ready, 1) == 1) {
        uv_run(&v.loop, UV_RUN_DEFAULT);
    }
    server_close(&v);
    return code;
}

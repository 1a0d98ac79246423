/* SPDX-License-Identifier: MIT
 *
 * tls.c: what TLS as an engine costs beside mbedTLS alone: both ends in one
 * process, joined by memory, the same settings, in rounds that take turns.
 * Handshakes and resumed handshakes a second, octets a second in records of 1
 * and 16 KiB, and memory of a session at rest. It asserts that all of it
 * arrives, and nothing about speed.
 */
#include "tls/session.h"
#include "wire/engine.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "certs.h"

enum { WIRE = 131072, ROUNDS = 9, SESSIONS = 100 };

static void must(bool holds, const char *what)
{
    if (!holds) {
        printf("%s\n", what);
        exit(1);
    }
}

typedef struct wire {
    char octets[WIRE];
    size_t at, len;
} wire;

static wire to_server, to_client;
static char payload[16384];

static size_t wire_put(wire *w, const void *ptr, size_t n)
{
    if (w->len == 0) {
        w->at = 0;
    }
    size_t room = WIRE - w->at - w->len;
    n = n < room ? n : room;
    memcpy(w->octets + w->at + w->len, ptr, n);
    w->len += n;
    return n;
}

static size_t wire_get(wire *w, void *ptr, size_t n)
{
    n = n < w->len ? n : w->len;
    memcpy(ptr, w->octets + w->at, n);
    w->at += n;
    w->len -= n;
    return n;
}

/* ---- an engine that says so many octets and hears all -------------------- */

typedef struct mouth {
    mk_engine base; /* first */
    uint64_t left, heard;
    size_t at, size; /* of the span that is lent */
    bool is_up;
} mouth;

static mouth *mouth_of(const mk_engine *e)
{
    return (mouth *)(uintptr_t)e;
}

static mk_err mouth_step(mk_engine *e, uint64_t now_ms, mk_str *io_in,
                         mk_event *out_event)
{
    (void)now_ms;
    (void)out_event;
    mouth_of(e)->heard += io_in->len;
    *io_in = mk_str_sub(*io_in, io_in->len, 0);
    return MK_WAIT;
}

static void mouth_in_eof(mk_engine *e, mk_err why)
{
    (void)e;
    must(false, mk_err_text(why));
}

static size_t mouth_in_max(const mk_engine *e)
{
    (void)e;
    return 1024;
}

static size_t mouth_out(mk_engine *e, size_t skip, mk_str *out_spans,
                        size_t max)
{
    const mouth *m = mouth_of(e);
    (void)max;
    if (m->left == 0 || skip > 0) {
        return 0;
    }
    out_spans[0] = mk_str_of(payload + m->at, m->size - m->at);
    return 1;
}

static mk_err mouth_out_sent(mk_engine *e, size_t n)
{
    mouth *m = mouth_of(e);
    m->left -= n;
    m->at = (m->at + n) % m->size;
    return MK_OK;
}

static unsigned mouth_want(const mk_engine *e)
{
    return MK_WANT_READ | (mouth_of(e)->left > 0 ? MK_WANT_WRITE : 0);
}

static uint64_t mouth_deadline(const mk_engine *e)
{
    (void)e;
    return MK_NEVER;
}

static mk_err mouth_tls_done(mk_engine *e, mk_err result,
                             const mk_tls_info *info)
{
    must(result == MK_OK && info != NULL, mk_err_text(result));
    mouth_of(e)->is_up = true;
    return MK_OK;
}

static void mouth_close(mk_engine *e)
{
    (void)e;
}

static const mk_engine_ops mouth_ops = {
    .step = mouth_step,
    .in_eof = mouth_in_eof,
    .in_max = mouth_in_max,
    .out = mouth_out,
    .out_sent = mouth_out_sent,
    .want = mouth_want,
    .deadline = mouth_deadline,
    .tls_done = mouth_tls_done,
    .close = mouth_close,
};

/* ---- settings ------------------------------------------------------------ */

typedef struct setup {
    mk_tls_context *server, *client;
    mk_tls_config server_config, client_config;
    mbedtls_ssl_config bare_server, bare_client; /* flat copies */
    mk_tls_ticket *ticket;
    mbedtls_ssl_session session;
} setup;

static int64_t wall(void *self)
{
    (void)self;
    return 1700000000;
}

static mk_tls_context *context(const cert *own, const cert *root)
{
    mk_tls_context_config c;
    mk_tls_context *x = NULL;
    (void)mk_tls_context_config_init(&c, sizeof c);
    c.alloc = mk_alloc_libc();
    c.wall_s = wall;
    c.is_server = own != NULL;
    c.handshakes_max = 2 * SESSIONS;
    c.certificate = mk_str_z(own != NULL ? own->pem : NULL);
    c.key = mk_str_z(own != NULL ? own->key_pem : NULL);
    c.trust = mk_str_z(root != NULL ? root->pem : NULL);
    must(mk_tls_context_new(&c, &x) == MK_OK, "no context");
    return x;
}

static void set_up(setup *u, const cert *own, const cert *root)
{
    memset(u, 0, sizeof *u);
    u->server = context(own, NULL);
    u->client = context(NULL, root);
    (void)mk_tls_config_init(&u->server_config, sizeof u->server_config);
    (void)mk_tls_config_init(&u->client_config, sizeof u->client_config);
    u->server_config.context = u->server;
    u->client_config.context = u->client;
    u->server_config.is_implicit = u->client_config.is_implicit = true;
    u->client_config.server_name = mk_str_z("mx.example.org");
    u->bare_server = u->server->ring->conf;
    u->bare_client = u->client->ring->conf;
    mbedtls_ssl_conf_sni(&u->bare_server, NULL, NULL);
    mbedtls_ssl_session_init(&u->session);
}

static void tear_down(setup *u)
{
    mbedtls_ssl_session_free(&u->session);
    mk_tls_ticket_free(u->ticket);
    must(mk_tls_context_free(u->server) == MK_OK, "sessions are left");
    must(mk_tls_context_free(u->client) == MK_OK, "sessions are left");
}

/* ---- engines ------------------------------------------------------------- */

typedef struct pair {
    mouth server_mouth, client_mouth;
    mk_engine *server, *client;
} pair;

static bool turn(mk_engine *e, wire *in, wire *out)
{
    mk_str view = mk_str_of(in->octets + in->at, in->len);
    mk_event ev;
    mk_str span;
    bool moved = false;
    must(mk_step(e, 1, &view, &ev) == MK_WAIT, "an event");
    in->at += in->len - view.len;
    in->len = view.len;
    while (mk_out(e, 0, &span, 1) > 0) {
        size_t n = wire_put(out, span.ptr, span.len);
        (void)mk_out_sent(e, n);
        moved = true;
        if (n < span.len || out->len > WIRE / 2) {
            break;
        }
    }
    return moved;
}

static void talk(pair *p)
{
    bool moved;
    do {
        moved = turn(p->client, &to_client, &to_server);
        moved = turn(p->server, &to_server, &to_client) || moved;
    } while (moved || to_client.len > 0 || to_server.len > 0);
}

static void pair_open(pair *p, const setup *u)
{
    memset(p, 0, sizeof *p);
    p->server_mouth.base.ops = p->client_mouth.base.ops = &mouth_ops;
    must(mk_tls_over(&p->server_mouth.base, &u->server_config, &p->server) ==
                 MK_OK &&
             mk_tls_over(&p->client_mouth.base, &u->client_config,
                         &p->client) == MK_OK,
         "no session");
    talk(p);
    must(p->server_mouth.is_up && p->client_mouth.is_up, "no handshake");
}

static void pair_close(pair *p)
{
    mk_close(p->server);
    mk_close(p->client);
}

static uint64_t engine_shakes(setup *u, unsigned times)
{
    uint64_t began = bench_ns();
    for (unsigned i = 0; i < times; i++) {
        pair p;
        pair_open(&p, u);
        pair_close(&p);
    }
    return bench_ns() - began;
}

static uint64_t engine_octets(setup *u, size_t size, uint64_t octets)
{
    pair p;
    pair_open(&p, u);
    uint64_t began = bench_ns();
    p.client_mouth.size = size;
    p.client_mouth.left = octets;
    talk(&p);
    uint64_t took = bench_ns() - began;
    must(p.server_mouth.heard == octets, "octets are missing");
    pair_close(&p);
    return took;
}

/* ---- mbedTLS alone ------------------------------------------------------- */

typedef struct bare {
    mbedtls_ssl_context server, client;
} bare;

static int server_send(void *self, const unsigned char *buf, size_t n)
{
    (void)self;
    n = wire_put(&to_client, buf, n);
    return n > 0 ? (int)n : MBEDTLS_ERR_SSL_WANT_WRITE;
}

static int server_recv(void *self, unsigned char *buf, size_t n)
{
    (void)self;
    n = wire_get(&to_server, buf, n);
    return n > 0 ? (int)n : MBEDTLS_ERR_SSL_WANT_READ;
}

static int client_send(void *self, const unsigned char *buf, size_t n)
{
    (void)self;
    n = wire_put(&to_server, buf, n);
    return n > 0 ? (int)n : MBEDTLS_ERR_SSL_WANT_WRITE;
}

static int client_recv(void *self, unsigned char *buf, size_t n)
{
    (void)self;
    n = wire_get(&to_client, buf, n);
    return n > 0 ? (int)n : MBEDTLS_ERR_SSL_WANT_READ;
}

/* mbedTLS tells of the wall clock of the machine only. */
static int clockless(void *self, mbedtls_x509_crt *crt, int depth,
                     uint32_t *flags)
{
    (void)self;
    (void)crt;
    (void)depth;
    *flags &=
        ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
    return 0;
}

static void bare_open(bare *b, setup *u, bool keeps)
{
    mbedtls_ssl_init(&b->server);
    mbedtls_ssl_init(&b->client);
    int ret = mbedtls_ssl_setup(&b->server, &u->bare_server) |
              mbedtls_ssl_setup(&b->client, &u->bare_client) |
              mbedtls_ssl_set_hostname(&b->client, "mx.example.org");
    must(ret == 0, "mbedTLS: setup");
    mbedtls_ssl_set_bio(&b->server, NULL, server_send, server_recv, NULL);
    mbedtls_ssl_set_bio(&b->client, NULL, client_send, client_recv, NULL);
    mbedtls_ssl_set_verify(&b->client, clockless, NULL);
    if (keeps && u->ticket != NULL) {
        (void)mbedtls_ssl_set_session(&b->client, &u->session);
    }
    int theirs;
    int mine;
    do {
        mine = mbedtls_ssl_handshake(&b->client);
        theirs = mbedtls_ssl_handshake(&b->server);
    } while ((mine == 0 || mine == MBEDTLS_ERR_SSL_WANT_READ) &&
             (theirs == 0 || theirs == MBEDTLS_ERR_SSL_WANT_READ) &&
             (mine != 0 || theirs != 0));
    must(mine == 0 && theirs == 0 &&
             mbedtls_ssl_get_verify_result(&b->client) == 0,
         "mbedTLS: no handshake");
    unsigned char none[1];
    ret = mbedtls_ssl_read(&b->client, none, 1); /* tickets of TLS 1.3 */
    if (keeps) {
        mbedtls_ssl_session_free(&u->session);
        mbedtls_ssl_session_init(&u->session);
        (void)mbedtls_ssl_get_session(&b->client, &u->session);
    }
}

static void bare_close(bare *b)
{
    mbedtls_ssl_free(&b->server);
    mbedtls_ssl_free(&b->client);
    to_client.len = to_server.len = 0;
}

static uint64_t bare_shakes(setup *u, unsigned times, bool keeps)
{
    uint64_t began = bench_ns();
    for (unsigned i = 0; i < times; i++) {
        bare b;
        bare_open(&b, u, keeps);
        bare_close(&b);
    }
    return bench_ns() - began;
}

static uint64_t bare_octets(setup *u, size_t size, uint64_t octets)
{
    static unsigned char heard[16384];
    uint64_t sent = 0;
    uint64_t got = 0;
    bare b;
    bare_open(&b, u, false);
    uint64_t began = bench_ns();
    while (got < octets) {
        int ret = 1;
        while (sent < octets && to_server.len < WIRE / 2 - 17000) {
            ret = mbedtls_ssl_write(&b.client, (unsigned char *)payload, size);
            must(ret > 0, "mbedTLS: write");
            sent += (unsigned)ret;
        }
        while ((ret = mbedtls_ssl_read(&b.server, heard, sizeof heard)) > 0) {
            got += (unsigned)ret;
        }
        must(ret == MBEDTLS_ERR_SSL_WANT_READ, "mbedTLS: read");
    }
    uint64_t took = bench_ns() - began;
    bare_close(&b);
    return took;
}

/* ---- rounds -------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The median of the ratios, each of one round. */
static void row(const char *what, double unit, const uint64_t *mine,
                const uint64_t *theirs)
{
    double ratio[ROUNDS];
    double best[2] = {0, 0};
    for (int i = 0; i < ROUNDS; i++) {
        double a = unit / (double)mine[i];
        double b = unit / (double)theirs[i];
        ratio[i] = a / b;
        best[0] = a > best[0] ? a : best[0];
        best[1] = b > best[1] ? b : best[1];
    }
    qsort(ratio, ROUNDS, sizeof ratio[0], by_value);
    printf("%-28s %12.1f %12.1f %8.3f\n", what, best[0], best[1],
           ratio[ROUNDS / 2]);
}

static void shakes(const char *what, setup *u, unsigned times, bool keeps)
{
    uint64_t mine[ROUNDS];
    uint64_t theirs[ROUNDS];
    u->client_config.ticket = keeps ? &u->ticket : NULL;
    (void)engine_shakes(u, 2);
    (void)bare_shakes(u, 2, keeps);
    for (int i = 0; i < ROUNDS; i++) {
        mine[i] = engine_shakes(u, times);
        theirs[i] = bare_shakes(u, times, keeps);
    }
    row(what, 1e9 * times, mine, theirs);
}

static void octets(const char *what, setup *u, size_t size)
{
    const uint64_t all = 8u << 20;
    uint64_t mine[ROUNDS];
    uint64_t theirs[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        mine[i] = engine_octets(u, size, all);
        theirs[i] = bare_octets(u, size, all);
    }
    row(what, 1e9 * (double)all / 1048576.0, mine, theirs);
}

static void memory(setup *u)
{
    static pair pairs[SESSIONS];
    static bare bares[SESSIONS];
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < SESSIONS; i++) {
        bare_open(&bares[i], u, false);
    }
    size_t theirs = mallinfo2().uordblks - before;
    for (int i = 0; i < SESSIONS; i++) {
        bare_close(&bares[i]);
    }
    before = mallinfo2().uordblks;
    for (int i = 0; i < SESSIONS; i++) {
        pair_open(&pairs[i], u);
    }
    size_t mine = mallinfo2().uordblks - before;
    for (int i = 0; i < SESSIONS; i++) {
        pair_close(&pairs[i]);
    }
    printf("%-28s %12zu %12zu\n", "octets a session at rest",
           mine / SESSIONS / 2,
           theirs / SESSIONS / 2 + sizeof(mbedtls_ssl_context));
}

static void all(const char *kind, const cert *root, unsigned rsa_bits)
{
    static cert own;
    const cert_spec spec = {
        .names = "mx.example.org", .issuer = root, .rsa_bits = rsa_bits};
    static setup u;
    char what[64];
    cert_make(&own, &spec);
    set_up(&u, &own, root);
    snprintf(what, sizeof what, "%s handshakes/s", kind);
    shakes(what, &u, 25, false);
    snprintf(what, sizeof what, "%s resumed/s", kind);
    shakes(what, &u, 200, true);
    u.client_config.ticket = NULL;
    if (rsa_bits == 0) {
        octets("MiB/s, records of 1 KiB", &u, 1024);
        octets("MiB/s, records of 16 KiB", &u, 16384);
        memory(&u);
    }
    tear_down(&u);
    cert_free(&own);
}

int main(void)
{
    static cert root;
    static const cert_spec root_spec = {.subject = "CN=root", .is_ca = true};
    cert_make(&root, &root_spec);
    memset(payload, 'x', sizeof payload);
    printf("%-28s %12s %12s %8s\n", "both ends", "engine", "mbedTLS", "ratio");
    all("P-256", &root, 0);
    all("RSA-2048", &root, 2048);
    cert_free(&root);
    return 0;
}

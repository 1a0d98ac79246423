/* SPDX-License-Identifier: MIT
 *
 * test_uv_proxy_tls.c: a PROXY header in front of TLS from the first octet: the
 * hello of the handshake stands right behind the header, wherever that is cut,
 * and none of it is lost. What speaks TLS without a header is closed.
 */
#include <mailkit/proxy.h>
#include <mailkit/tls.h>
#include <mailkit/uv.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#include "certs.h"
#include "line_engine.h"

enum { turns_max = 4000, wall_now_s = 1700000000, room_max = 32768 };

typedef struct session {
    line_engine line;
    mk_engine *outer;
} session;

typedef struct server {
    uv_loop_t loop;
    mk_uv_config uv;
    mk_host *host;
    mk_service service;
    mk_proxied proxied;
    mk_tls_context *context;
    mk_tls_config tls;
    mk_peer peer; /* of the last session */
    uint16_t port;
    int closed;
    int refused;
} server;

typedef struct client {
    line_engine line;
    mk_engine *outer;
    mk_tls_context *context;
    mk_tls_config tls;
    char in[room_max];
    size_t in_len;
    char room[256];
    mk_buf heard; /* lines, one behind the other */
    int fd;
} client;

static cert own;

static int64_t wall(void *self)
{
    (void)self;
    return wall_now_s;
}

static mk_err fill(void *self, void *out, size_t n)
{
    return certs_random(self, out, n) == 0 ? MK_OK : MK_E_ENTROPY;
}

static const mk_random random_table = {NULL, fill};

static mk_tls_context *make_context(bool is_server)
{
    mk_tls_context_config c;
    mk_tls_context *context = NULL;

    assert_int_equal(mk_tls_context_config_init(&c, sizeof c), MK_OK);
    c.alloc = mk_alloc_libc();
    c.random = &random_table;
    c.wall_s = wall;
    c.is_server = is_server;
    if (is_server) {
        c.certificate = mk_str_z(own.pem);
        c.key = mk_str_z(own.key_pem);
    } else {
        c.trust = mk_str_z(own.pem);
    }
    assert_int_equal(mk_tls_context_new(&c, &context), MK_OK);
    return context;
}

/* ---- the server ---------------------------------------------------------- */

static bool is_proxy(void *self, const mk_peer *peer)
{
    (void)self;
    return peer->family == 4;
}

static mk_err on_open(void *self, mk_conn *conn, const mk_peer *peer,
                      mk_engine **out_engine, void **out_session,
                      mk_str *out_refusal)
{
    server *v = self;
    session *s = calloc(1, sizeof *s);

    (void)conn;
    (void)out_refusal;
    v->peer = *peer;
    line_open(&s->line, "hello\r\n", 0);
    assert_int_equal(mk_tls_over(&s->line.base, &v->tls, &s->outer), MK_OK);
    *out_engine = s->outer;
    *out_session = s;
    return MK_OK;
}

static void on_event(void *self, const mk_event *event)
{
    session *s = self;

    if (event->type == EV_LINE) {
        (void)mk_reply(s->outer, event->op, MK_ANSWER_YES, mk_str_z(NULL),
                       event->data);
    }
}

static server *of_loop; /* where sessions are counted */

static void on_closed(void *self, mk_err why)
{
    session *s = self;

    (void)why;
    mk_close(s->outer);
    free(s);
    of_loop->closed++;
}

static void on_refused(void *self, const mk_peer *peer, mk_err why)
{
    server *v = self;

    assert_int_equal(peer->address[0], 127);
    assert_int_equal(why, MK_E_CROSS);
    v->refused++;
}

static void server_open(server *v)
{
    memset(v, 0, sizeof *v);
    of_loop = v;
    v->context = make_context(true);
    assert_int_equal(mk_tls_config_init(&v->tls, sizeof v->tls), MK_OK);
    v->tls.context = v->context;
    v->tls.is_implicit = true;
    v->proxied.is_proxy = is_proxy;
    v->proxied.header_ms = 5000;
    v->service.self = v;
    v->service.open = on_open;
    v->service.event = on_event;
    v->service.closed = on_closed;
    v->service.refused = on_refused;
    v->service.proxied = &v->proxied;
    assert_int_equal(mk_uv_config_init(&v->uv, sizeof v->uv), MK_OK);
    v->uv.discard_ms = 50;
    assert_int_equal(uv_loop_init(&v->loop), 0);
    assert_int_equal(mk_uv_host_open(&v->loop, &v->uv, &v->host), MK_OK);
    assert_int_equal(
        mk_uv_listen(v->host, "127.0.0.1", 0, &v->service, &v->port), MK_OK);
}

static void turn(server *v)
{
    (void)uv_run(&v->loop, UV_RUN_NOWAIT);
    (void)usleep(200);
}

static void server_close(server *v)
{
    int turns = 0;

    mk_uv_host_close(v->host);
    while (uv_run(&v->loop, UV_RUN_NOWAIT) != 0) {
        assert_true(turns++ < turns_max);
        (void)usleep(200);
    }
    assert_int_equal(uv_loop_close(&v->loop), 0);
    assert_int_equal(mk_tls_context_free(v->context), MK_OK);
}

/* ---- the client ---------------------------------------------------------- */

static void client_open(client *c, const server *v)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(v->port)};

    memset(c, 0, sizeof *c);
    mk_buf_init(&c->heard, c->room, sizeof c->room);
    c->context = make_context(false);
    assert_int_equal(mk_tls_config_init(&c->tls, sizeof c->tls), MK_OK);
    c->tls.context = c->context;
    c->tls.is_implicit = true;
    c->tls.server_name = mk_str_z("mx.example.org");
    line_open(&c->line, NULL, 0);
    assert_int_equal(mk_tls_over(&c->line.base, &c->tls, &c->outer), MK_OK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(c->fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(fcntl(c->fd, F_SETFL, O_NONBLOCK), 0);
}

static void client_close(client *c)
{
    mk_close(c->outer);
    assert_int_equal(mk_tls_context_free(c->context), MK_OK);
    (void)close(c->fd);
}

static void client_step(client *c)
{
    mk_str view = mk_str_of(c->in, c->in_len);
    mk_event ev;

    while (mk_step(c->outer, 1000, &view, &ev) == MK_OK) {
        if (ev.type == EV_LINE) {
            assert_int_equal(mk_buf_add(&c->heard, ev.data), MK_OK);
            assert_int_equal(mk_buf_add_c(&c->heard, '|'), MK_OK);
        }
    }
    memmove(c->in, view.ptr, view.len);
    c->in_len = view.len;
}

/* What the engine wants to say, behind `before`, in one call. */
static void client_write(client *c, mk_str before)
{
    char out[room_max];
    mk_str span;
    size_t n = before.len;

    if (n > 0) {
        memcpy(out, before.ptr, n);
    }
    while (mk_out(c->outer, 0, &span, 1) == 1) {
        assert_true(n + span.len <= sizeof out);
        memcpy(out + n, span.ptr, span.len);
        n += span.len;
        assert_int_equal(mk_out_sent(c->outer, span.len), MK_OK);
    }
    if (n > 0) {
        assert_int_equal(send(c->fd, out, n, MSG_NOSIGNAL), n);
    }
}

static void client_talk(client *c, server *v, const char *until)
{
    int turns;

    for (turns = 0; !mk_str_is(mk_buf_str(&c->heard), mk_str_z(until));
         turns++) {
        ssize_t got =
            recv(c->fd, c->in + c->in_len, sizeof c->in - c->in_len, 0);
        assert_true(turns < turns_max);
        c->in_len += got > 0 ? (size_t)got : 0;
        client_step(c);
        client_write(c, mk_str_z(NULL));
        turn(v);
    }
}

/* ---- tests --------------------------------------------------------------- */

static void test_a_handshake_behind_a_header_at_every_cut(void **state)
{
    static const mk_str headers[] = {
        MK_STR_INIT("PROXY TCP4 192.0.2.1 198.51.100.2 4000 465\r\n"),
        MK_STR_INIT("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64"
                    "\2\x0f\xa0\1\xd1"),
    };
    server v;
    size_t i;
    size_t cut;

    (void)state;
    server_open(&v);
    for (i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        for (cut = 0; cut <= headers[i].len; cut += cut < 8 ? 1 : 5) {
            static client c; /* large: not on the stack */

            client_open(&c, &v);
            if (cut > 0) {
                assert_int_equal(send(c.fd, headers[i].ptr, cut, MSG_NOSIGNAL),
                                 cut);
                turn(&v);
                turn(&v);
            }
            client_step(&c);
            client_write(&c, mk_str_sub(headers[i], cut, SIZE_MAX));
            client_talk(&c, &v, "hello|");
            assert_int_equal(v.peer.family, 4);
            assert_int_equal(v.peer.address[3], 1);
            assert_int_equal(v.peer.port, 4000);
            assert_int_equal(v.peer.own_port, 465);
            assert_true(line_send(&c.line, "words\r\n"));
            client_talk(&c, &v, "hello|words|");
            client_close(&c);
        }
    }
    assert_int_equal(v.refused, 0);
    server_close(&v);
}

static void test_a_handshake_without_a_header_is_closed(void **state)
{
    static client c;
    server v;
    char octet;
    int turns = 0;

    (void)state;
    server_open(&v);
    client_open(&c, &v);
    client_step(&c);
    client_write(&c, mk_str_z(NULL));
    while (v.refused == 0) {
        assert_true(turns++ < turns_max);
        turn(&v);
    }
    assert_true(recv(c.fd, &octet, 1, 0) <= 0); /* not an alert, nothing */
    assert_int_equal(v.closed, 0);
    client_close(&c);
    server_close(&v);
}

static int make_cert(void **state)
{
    cert_spec spec = {.names = "mx.example.org"};

    (void)state;
    cert_make(&own, &spec);
    return 0;
}

static int free_cert(void **state)
{
    (void)state;
    cert_free(&own);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_handshake_behind_a_header_at_every_cut),
        cmocka_unit_test(test_a_handshake_without_a_header_is_closed),
    };

    return cmocka_run_group_tests(tests, make_cert, free_cert);
}

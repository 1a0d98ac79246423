/* SPDX-License-Identifier: MIT
 *
 * tls_rig.c: see tls_rig.h.
 */
#include "tls_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

cert rig_root;
cert rig_own;

int rig_make(void **state)
{
    static const cert_spec root_spec = {.subject = "CN=root", .is_ca = true};
    const cert_spec own_spec = {.names = "mx.example.org", .issuer = &rig_root};
    (void)state;
    cert_make(&rig_root, &root_spec);
    cert_make(&rig_own, &own_spec);
    return 0;
}

int rig_unmake(void **state)
{
    (void)state;
    cert_free(&rig_root);
    cert_free(&rig_own);
    return 0;
}

static void *counted_get(void *self, size_t n)
{
    const mk_alloc *libc = mk_alloc_libc();
    rig_heap *h = self;
    h->calls++;
    if (h->calls == h->fail_at) {
        return NULL;
    }
    void *p = libc->get(libc->self, n);
    h->live += p != NULL ? n : 0;
    return p;
}

static void counted_put(void *self, void *p, size_t n)
{
    const mk_alloc *libc = mk_alloc_libc();
    rig_heap *h = self;
    h->live -= p != NULL ? n : 0;
    libc->put(libc->self, p, n);
}

mk_alloc rig_heap_table(rig_heap *h)
{
    mk_alloc table = {h, counted_get, counted_put};
    return table;
}

static int64_t wall(void *self)
{
    return ((tls_rig *)self)->wall_s;
}

static mk_err fill(void *self, void *out, size_t n)
{
    return certs_random(self, out, n) == 0 ? MK_OK : MK_E_ENTROPY;
}

static const mk_random random_table = {NULL, fill};

static void side_init(tls_rig *r, tls_side *s)
{
    mk_tls_context_config_init(&s->cc, sizeof s->cc);
    s->cc.alloc = mk_alloc_libc();
    s->cc.random = &random_table;
    s->cc.wall_s = wall;
    s->cc.wall_self = r;
    mk_tls_config_init(&s->tc, sizeof s->tc);
}

void rig_init(tls_rig *r, const cert *own, const cert *trust)
{
    memset(r, 0, sizeof *r);
    r->now_ms = 1000;
    r->wall_s = 1700000000;
    side_init(r, &r->server);
    side_init(r, &r->client);
    r->server.cc.is_server = true;
    r->server.cc.certificate = mk_str_z(own->pem);
    r->server.cc.key = mk_str_z(own->key_pem);
    r->client.cc.trust = mk_str_z(trust != NULL ? trust->pem : NULL);
    r->client.tc.server_name = mk_str_z("mx.example.org");
}

void rig_connect(tls_rig *r)
{
    r->server.tc.context = r->server.context;
    r->client.tc.context = r->client.context;
    line_open(&r->server.line, "hello\r\n", 0);
    line_open(&r->client.line, NULL, 0);
    r->server.in_len = r->client.in_len = 0;
    r->server.is_over = r->client.is_over = false;
    r->server.is_shut = r->client.is_shut = false;
    r->server.log_len = r->client.log_len = 0;
    r->server.log[0] = r->client.log[0] = '\0';
    assert_int_equal(
        mk_tls_over(&r->server.line.base, &r->server.tc, &r->server.outer),
        MK_OK);
    assert_int_equal(
        mk_tls_over(&r->client.line.base, &r->client.tc, &r->client.outer),
        MK_OK);
}

void rig_open(tls_rig *r)
{
    assert_int_equal(mk_tls_context_new(&r->server.cc, &r->server.context),
                     MK_OK);
    assert_int_equal(mk_tls_context_new(&r->client.cc, &r->client.context),
                     MK_OK);
    rig_connect(r);
}

void rig_open_both(tls_rig *r, bool is_implicit)
{
    rig_init(r, &rig_own, &rig_root);
    r->server.tc.is_implicit = r->client.tc.is_implicit = is_implicit;
    rig_open(r);
}

static void note(tls_side *s, const mk_event *ev)
{
    mk_err err = ev->type == MK_EV_FAULT ? ev->of.fault->why : ev->err;
    int n = snprintf(s->log + s->log_len, rig_log_max - s->log_len,
                     "%x %s %.*s\n", (unsigned)ev->type, mk_err_name(err),
                     (int)ev->data.len, ev->data.len > 0 ? ev->data.ptr : "");
    assert_true(n > 0);
    if ((size_t)n < rig_log_max - s->log_len) { /* what is too much is cut */
        s->log_len += (size_t)n;
    }
    s->log[s->log_len] = '\0';
}

static void answer(tls_side *s, const mk_event *ev)
{
    bool tls = mk_str_is(ev->data, mk_str_z("STARTTLS"));
    s->line.is_tls_due = tls;
    assert_int_equal(mk_reply(s->outer, ev->op, MK_ANSWER_YES, mk_str_z(NULL),
                              tls ? mk_str_z("go") : ev->data),
                     MK_OK);
}

void rig_step(tls_rig *r, tls_side *s)
{
    mk_str view = mk_str_of(s->in, s->in_len);
    mk_event ev;
    mk_err err;
    do {
        while ((err = mk_step(s->outer, r->now_ms, &view, &ev)) == MK_OK) {
            note(s, &ev);
            if ((ev.flags & MK_ASK) != 0) {
                answer(s, &ev);
            } else if (mk_str_is(ev.data, mk_str_z("go"))) {
                s->line.is_tls_due = true;
            }
        }
    } while (err == MK_WAIT && (mk_want(s->outer) & MK_WANT_STEP) != 0);
    assert_true(err == MK_WAIT || err == MK_END);
    s->is_over = s->is_over || err == MK_END;
    memmove(s->in, s->in + (s->in_len - view.len), view.len);
    s->in_len = view.len;
}

/* True when something moved. */
static bool move(tls_rig *r, tls_side *a, tls_side *b, bool breaks)
{
    mk_str span;
    if (mk_out(a->outer, 0, &span, 1) == 0) {
        return false;
    }
    size_t n = r->cut > 0 && r->cut < span.len ? r->cut : span.len;
    if (breaks && r->cut_after > 0) {
        uint64_t left = r->cut_after > a->taken ? r->cut_after - a->taken : 0;
        n = n > left ? (size_t)left : n;
        if (n == 0) {
            mk_in_eof(b->outer, MK_OK);
            b->is_shut = true;
            return false;
        }
    }
    assert_true(b->in_len + n <= rig_pipe_max);
    memcpy(b->in + b->in_len, span.ptr, n);
    b->in_len += n;
    a->taken += n;
    assert_int_equal(mk_out_sent(a->outer, n), MK_OK);
    return true;
}

/* Who wants to close and has nothing left hangs up. */
static bool hang_up(tls_side *a, tls_side *b)
{
    mk_str span;
    if ((mk_want(a->outer) & (MK_WANT_CLOSE | MK_WANT_ABORT)) == 0 ||
        mk_out(a->outer, 0, &span, 1) > 0 || b->is_shut) {
        return false;
    }
    b->is_shut = true;
    mk_in_eof(b->outer, MK_OK);
    return true;
}

void rig_run(tls_rig *r)
{
    bool moved = true;
    while (moved) {
        rig_step(r, &r->server);
        rig_step(r, &r->client);
        moved = move(r, &r->server, &r->client, true);
        moved = move(r, &r->client, &r->server, false) || moved;
        moved = hang_up(&r->server, &r->client) || moved;
        moved = hang_up(&r->client, &r->server) || moved;
    }
    rig_step(r, &r->server);
    rig_step(r, &r->client);
}

void rig_say(tls_rig *r, const char *text)
{
    assert_true(line_send(&r->client.line, text));
    assert_true(line_send(&r->client.line, "\r\n"));
    rig_run(r);
}

void rig_starttls(tls_rig *r)
{
    rig_run(r);
    rig_say(r, "STARTTLS");
}

void rig_quit(tls_rig *r)
{
    r->client.line.is_closing = true;
    rig_run(r);
}

void rig_hang_up(tls_rig *r)
{
    mk_close(r->server.outer);
    mk_close(r->client.outer);
    assert_int_equal(r->server.line.closed, 1);
    assert_int_equal(r->client.line.closed, 1);
}

void rig_close(tls_rig *r)
{
    rig_hang_up(r);
    assert_int_equal(mk_tls_handshakes(r->server.context), 0);
    assert_int_equal(mk_tls_handshakes(r->client.context), 0);
    assert_int_equal(mk_tls_context_free(r->server.context), MK_OK);
    assert_int_equal(mk_tls_context_free(r->client.context), MK_OK);
}

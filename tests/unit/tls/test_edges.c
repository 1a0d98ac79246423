/* SPDX-License-Identifier: MIT
 *
 * test_edges.c: where TLS sessions could stall, leak or lie: deadlines of the
 * inner engine in a handshake, queues that are full, memory that is given back
 * or gone, tickets that outlive what they were given for, names and
 * certificates at the edge. The attacks on its border are in test_session.c.
 */
#include "tls/session.h"
#include "tls_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static tls_rig r; /* large: not on the stack */

static tls_state *state_of(const tls_side *s)
{
    return ((session *)(void *)s->outer)->state;
}

static mk_err step(tls_side *s, uint64_t now_ms, mk_event *ev)
{
    mk_str none = mk_str_of(NULL, 0);
    return mk_step(s->outer, now_ms, &none, ev);
}

/* What only TLS 1.2 knows. */
static void stay_at_1_2(tls_side *s)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03020000
    mbedtls_ssl_conf_max_tls_version(&s->context->ring->conf,
                                     MBEDTLS_SSL_VERSION_TLS1_2);
#else
    (void)s;
#endif
    rig_hang_up(&r);
    rig_connect(&r);
}

/* ---- time ---------------------------------------------------------------- */

/* The server waits for a ClientHello that does not come. */
static void open_stalled(uint64_t idle_ms, bool is_implicit)
{
    rig_open_both(&r, is_implicit);
    r.server.line.idle_ms = idle_ms;
    if (!is_implicit) {
        rig_run(&r);
        memcpy(r.server.in, "STARTTLS\r\n", 10);
        r.server.in_len = 10;
        rig_step(&r, &r.server);
        mk_str span;
        while (mk_out(r.server.outer, 0, &span, 1) > 0) {
            assert_int_equal(mk_out_sent(r.server.outer, span.len), MK_OK);
        }
    }
    rig_step(&r, &r.server);
    assert_int_equal(mk_tls_handshakes(r.server.context), 1);
}

/* A deadline of the inner engine passes before that of the handshake: a step
 * then gets it on, or a driver would spin. */
static void test_inner_deadline_in_handshake(void **state)
{
    mk_event ev;
    (void)state;
    open_stalled(5000, false);
    uint64_t due_ms = mk_deadline(r.server.outer);
    assert_int_equal(due_ms, r.now_ms + 5000);
    assert_int_equal(step(&r.server, due_ms - 1, &ev), MK_WAIT);
    assert_int_equal(step(&r.server, due_ms, &ev), MK_OK);
    assert_int_equal(ev.type, MK_EV_FAULT);
    assert_int_equal(ev.of.fault->why, MK_E_TIMEOUT);
    assert_int_equal(mk_want(r.server.outer) & MK_WANT_CLOSE, MK_WANT_CLOSE);
    assert_int_equal(mk_want(r.server.outer) & MK_WANT_READ, 0);
    assert_int_equal(step(&r.server, due_ms, &ev), MK_END);
    assert_int_equal(mk_tls_handshakes(r.server.context), 0);
    rig_close(&r);
}

/* An engine that has not begun has no deadline yet that could pass. */
static void test_implicit_has_one_deadline(void **state)
{
    mk_event ev;
    (void)state;
    open_stalled(5000, true);
    r.server.line.deadline_ms = 1; /* as if it had one */
    uint64_t due_ms = mk_deadline(r.server.outer);
    assert_int_equal(due_ms, r.now_ms + 30000);
    assert_int_equal(step(&r.server, due_ms - 1, &ev), MK_WAIT);
    assert_int_equal(r.server.line.is_begun, false);
    assert_int_equal(step(&r.server, due_ms, &ev), MK_OK);
    assert_int_equal(ev.type, MK_EV_FAULT);
    rig_close(&r);
}

/* While room is short, half-made handshakes have a tenth of their time
 * (THREATS 38, 113). */
static void sec_038_handshakes_hurry(void **state)
{
    (void)state;
    for (int implicit = 0; implicit < 2; implicit++) {
        mk_event ev;
        open_stalled(0, implicit != 0);
        mk_hurry(r.server.outer, true);
        assert_true(r.server.line.is_hurried);
        assert_int_equal(mk_deadline(r.server.outer), r.now_ms + 3000);
        mk_hurry(r.server.outer, false);
        assert_int_equal(mk_deadline(r.server.outer), r.now_ms + 30000);
        mk_hurry(r.server.outer, true);
        assert_int_equal(step(&r.server, r.now_ms + 2999, &ev), MK_WAIT);
        assert_int_equal(step(&r.server, r.now_ms + 3000, &ev), MK_OK);
        assert_int_equal(ev.type, MK_EV_FAULT);
        assert_int_equal(ev.of.fault->why, MK_E_TIMEOUT);
        rig_close(&r);
    }
}

/* ---- room ---------------------------------------------------------------- */

/* No memory for the queue when output is looked at: the engine asks for a
 * step by itself, for a driver has no other reason to make one. */
static void sec_037_output_without_memory(void **state)
{
    rig_heap heap = {0};
    const mk_alloc counted = rig_heap_table(&heap);
    mk_event ev;
    mk_str span;
    (void)state;
    rig_init(&r, &rig_own, &rig_root);
    r.server.cc.alloc = &counted;
    r.server.tc.is_implicit = r.client.tc.is_implicit = true;
    rig_open(&r);
    rig_run(&r);
    assert_true(line_send(&r.server.line, "unasked\r\n"));
    heap.fail_at = heap.calls + 1;
    assert_int_equal(mk_out(r.server.outer, 0, &span, 1), 0);
    assert_int_equal(mk_want(r.server.outer) & MK_WANT_STEP, MK_WANT_STEP);
    assert_int_equal(step(&r.server, r.now_ms, &ev), MK_OK);
    assert_int_equal(ev.type, MK_EV_FAULT);
    assert_int_equal(ev.of.fault->why, MK_E_MEMORY);
    assert_int_equal(step(&r.server, r.now_ms, &ev), MK_END);
    assert_int_equal(mk_want(r.server.outer) & MK_WANT_STEP, 0);
    rig_close(&r);
}

/* What the inner engine learns by an acknowledgement it may act on. */
static void test_acknowledgement_asks_for_a_step(void **state)
{
    mk_str span;
    mk_event ev;
    (void)state;
    rig_open_both(&r, true);
    rig_run(&r);
    assert_true(line_send(&r.server.line, "unasked\r\n"));
    assert_int_equal(mk_want(r.server.outer) & MK_WANT_STEP, 0);
    assert_int_equal(mk_out(r.server.outer, 0, &span, 1), 1);
    assert_int_equal(r.server.line.out_len, 0);
    assert_int_equal(mk_want(r.server.outer) & MK_WANT_STEP, MK_WANT_STEP);
    assert_int_equal(step(&r.server, r.now_ms, &ev), MK_WAIT);
    assert_int_equal(mk_want(r.server.outer) & MK_WANT_STEP, 0);
    rig_close(&r);
}

/* A session at rest keeps what mbedTLS keeps and little of ours. */
static void test_memory_is_given_back(void **state)
{
    rig_heap heap = {0};
    const mk_alloc counted = rig_heap_table(&heap);
    (void)state;
    rig_init(&r, &rig_own, &rig_root);
    r.server.cc.alloc = r.client.cc.alloc = &counted;
    r.server.tc.is_implicit = r.client.tc.is_implicit = true;
    rig_open(&r);
    rig_hang_up(&r);
    size_t contexts = heap.live;
    rig_connect(&r);
    rig_run(&r);
    rig_say(&r, "some words");
    assert_in_range((heap.live - contexts) / 2, 500, 2560);
    rig_close(&r);
    assert_int_equal(heap.live, 0);
}

/* A first flight that is larger than the queue: a chain, and the certificate
 * request of a server that trusts many (RFC 5246 7.4.4). */
static void test_large_flight(void **state)
{
    enum { many = 150 };
    static char bundle[many * 1200];
    static char chain[8 * 4096];
    static cert long_root;
    cert_spec spec = {.subject = "CN=root,O=An Authority With A Rather Long "
                                 "Name Of Its Own,OU=Which Has A Long Unit "
                                 "Too,L=In A City,C=XX",
                      .is_ca = true};
    const size_t cuts[] = {0, 1000, 7};
    size_t n = 0;
    (void)state;
    cert_make(&long_root, &spec);
    for (int i = 0; i < many; i++) {
        size_t len = strlen(long_root.pem);
        assert_true(n + len < sizeof bundle);
        memcpy(bundle + n, long_root.pem, len + 1);
        n += len;
    }
    memcpy(chain, rig_own.pem, strlen(rig_own.pem) + 1);
    for (int i = 0; i < 4; i++) {
        memcpy(chain + strlen(chain), long_root.pem, strlen(long_root.pem) + 1);
    }
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        rig_init(&r, &rig_own, &rig_root);
        r.server.tc.is_implicit = r.client.tc.is_implicit = true;
        r.server.cc.ask = MK_TLS_ASK_WANTED;
        r.server.cc.trust = mk_str_z(bundle);
        r.server.cc.certificate = mk_str_z(chain);
        r.cut = cuts[i];
        rig_open(&r);
        stay_at_1_2(&r.client);
        rig_run(&r);
        assert_int_equal(r.client.line.tls_result, MK_OK);
        assert_true(r.server.taken > MK_TLS_OUT_ROOM);
        rig_say(&r, "through");
        assert_non_null(strstr(r.client.log, "through"));
        rig_close(&r);
    }
    cert_free(&long_root);
}

/* ---- what a peer may do in a session ------------------------------------- */

#if defined(MBEDTLS_SSL_RENEGOTIATION)
static void allow_renegotiation(tls_side *s, bool on)
{
    mbedtls_ssl_config *conf = &s->context->ring->conf;
    mbedtls_ssl_conf_renegotiation(conf,
                                   on ? MBEDTLS_SSL_RENEGOTIATION_ENABLED
                                      : MBEDTLS_SSL_RENEGOTIATION_DISABLED);
}

/* The server asks for a new handshake `times` times (HelloRequest), while the
 * client has much to say and nobody takes it. What is said is said whole, or
 * the session dies; it never loses octets from its midst. */
static void renegotiate(unsigned times, unsigned lines)
{
    static char line[101];
    memset(line, 'x', 98);
    memcpy(line + 98, "\r\n", 3);
    rig_open_both(&r, true);
    allow_renegotiation(&r.server, true);
    allow_renegotiation(&r.client, false);
    stay_at_1_2(&r.client);
    rig_run(&r);
    r.server.line.is_client = true; /* lines are heard, not asked about */
    for (unsigned i = 0; i < lines; i++) {
        mk_str span;
        assert_true(line_send(&r.client.line, line));
        (void)mk_out(r.client.outer, 0, &span, 1);
    }
    for (unsigned i = 0; i < times; i++) {
        tls_state *t = state_of(&r.server);
        mk_str span;
        t->ssl.MBEDTLS_PRIVATE(renego_status) = 0;
        (void)mbedtls_ssl_renegotiate(&t->ssl);
        t->ssl.MBEDTLS_PRIVATE(renego_status) = 0;
        while (mk_out(r.server.outer, 0, &span, 1) > 0) {
            memcpy(r.client.in + r.client.in_len, span.ptr, span.len);
            r.client.in_len += span.len;
            assert_int_equal(mk_out_sent(r.server.outer, span.len), MK_OK);
        }
        rig_step(&r, &r.client);
    }
    rig_run(&r);
    if (!r.client.is_over) {
        assert_int_equal(r.server.line.consumed, (uint64_t)lines * 100);
    } else {
        assert_int_equal(r.server.line.consumed % 100, 0);
    }
    rig_close(&r);
}

static void test_renegotiation_is_refused(void **state)
{
    (void)state;
    renegotiate(1, 0);
    renegotiate(1, 1);
    renegotiate(1, 160);
    renegotiate(3, 164);
    renegotiate(40, 190);
    renegotiate(700, 0);
    renegotiate(700, 200);
}
#endif

/* A warning in front of a line, in one segment: the line is heard at once, for
 * nobody may come to speak of it again. */
static void test_line_behind_a_warning(void **state)
{
    static const unsigned char warnings[] = {
        MBEDTLS_SSL_ALERT_MSG_NO_RENEGOTIATION,
        MBEDTLS_SSL_ALERT_MSG_USER_CANCELED,
        MBEDTLS_SSL_ALERT_MSG_UNRECOGNIZED_NAME};
    (void)state;
    for (size_t i = 0; i < sizeof warnings; i++) {
        mk_str span;
        rig_open_both(&r, true);
        stay_at_1_2(&r.client);
        rig_run(&r);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(mbedtls_ssl_send_alert_message(
                                 &state_of(&r.client)->ssl,
                                 MBEDTLS_SSL_ALERT_LEVEL_WARNING, warnings[i]),
                             0);
        }
        assert_true(line_send(&r.client.line, "words\r\n"));
        assert_int_equal(mk_out(r.client.outer, 0, &span, 1), 1);
        memcpy(r.server.in, span.ptr, span.len);
        r.server.in_len = span.len;
        assert_int_equal(mk_out_sent(r.client.outer, span.len), MK_OK);
        rig_step(&r, &r.server);
        assert_int_equal(r.server.in_len, 0);
        assert_non_null(strstr(r.server.log, "words"));
        rig_close(&r);
    }
}

/* The other side learns of a certificate that was not good enough. */
static void test_alert_leaves(void **state)
{
    (void)state;
    rig_init(&r, &rig_own, NULL);
    r.server.tc.is_implicit = r.client.tc.is_implicit = true;
    rig_open(&r);
    rig_run(&r);
    assert_int_equal(r.client.line.tls_result, MK_E_CERT_TRUST);
    assert_non_null(strstr(r.server.log, "4 E_TLS"));
    rig_close(&r);
}

/* The server has a question that waits, and so reads nothing. */
static void open_asking(mk_event *ev)
{
    mk_str span;
    rig_open_both(&r, true);
    rig_run(&r);
    assert_true(line_send(&r.client.line, "question\r\nmore\r\n"));
    assert_int_equal(mk_out(r.client.outer, 0, &span, 1), 1);
    assert_int_equal(mk_step(r.server.outer, r.now_ms, &span, ev), MK_OK);
    assert_int_equal(mk_later(r.server.outer, ev->op), MK_OK);
    assert_int_equal(step(&r.server, r.now_ms, ev), MK_WAIT);
    assert_int_equal(mk_want(r.server.outer) & MK_WANT_READ, 0);
}

/* A peer that dies while a question waits is told of at once (Law 5). */
static void sec_039_end_while_asking(void **state)
{
    const struct {
        mk_err why, told;
    } rows[] = {{MK_E_NET, MK_E_NET}, {MK_OK, MK_E_CUT}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mk_event ev;
        open_asking(&ev);
        mk_in_eof(r.server.outer, rows[i].why);
        assert_int_equal(mk_want(r.server.outer) & MK_WANT_STEP, MK_WANT_STEP);
        assert_int_equal(step(&r.server, r.now_ms, &ev), MK_OK);
        assert_int_equal(ev.type, MK_EV_WITHDRAWN);
        assert_int_equal(ev.err, rows[i].told);
        rig_close(&r);
    }
}

/* An orderly end leaves it standing, and what came in front is heard. */
static void sec_039_orderly_end_while_asking(void **state)
{
    char notice[256];
    mk_str span;
    mk_event ev;
    (void)state;
    open_asking(&ev);
    mk_op op = r.server.line.op;
    assert_int_equal(mk_out(r.client.outer, 0, &span, 1), 1);
    assert_int_equal(mk_out_sent(r.client.outer, span.len), MK_OK);
    r.client.line.is_closing = true;
    assert_int_equal(mk_out(r.client.outer, 0, &span, 1), 1);
    assert_true(span.len <= sizeof notice);
    memcpy(notice, span.ptr, span.len);
    mk_str view = mk_str_of(notice, span.len);
    mk_in_eof(r.server.outer, MK_OK);
    assert_int_equal(mk_step(r.server.outer, r.now_ms, &view, &ev), MK_WAIT);
    assert_int_equal(mk_want(r.server.outer) & MK_WANT_STEP, 0);
    assert_int_equal(mk_reply(r.server.outer, op, MK_ANSWER_YES, mk_str_z(NULL),
                              mk_str_z("yes")),
                     MK_OK);
    while (mk_out(r.server.outer, 0, &span, 1) > 0) {
        assert_int_equal(mk_out_sent(r.server.outer, span.len), MK_OK);
    }
    assert_int_equal(mk_step(r.server.outer, r.now_ms, &view, &ev), MK_OK);
    assert_true(mk_str_is(ev.data, mk_str_z("more")));
    assert_int_equal(r.server.line.eof_why, MK_OK);
    assert_true(r.server.line.is_eof);
    rig_close(&r);
}

/* ---- tickets (THREATS 33) ------------------------------------------------ */

static void again(mk_tls_ticket **ticket, int64_t wall_s)
{
    rig_hang_up(&r);
    r.wall_s = wall_s;
    r.client.tc.ticket = ticket;
    rig_connect(&r);
    rig_run(&r);
}

/* The slot is the application's: it may empty it while a handshake runs. */
static void sec_033_slot_changes(void **state)
{
    mk_tls_ticket *ticket = NULL;
    (void)state;
    rig_open_both(&r, true);
    again(&ticket, r.wall_s);
    assert_non_null(ticket);
    rig_hang_up(&r);
    rig_connect(&r);
    rig_step(&r, &r.client); /* the ticket is offered */
    mk_tls_ticket_free(ticket);
    ticket = NULL;
    rig_run(&r);
    assert_int_equal(r.client.line.tls_result, MK_OK);
    assert_true(r.client.line.tls->is_resumed);
    assert_true(r.client.line.tls->is_verified);
    mk_tls_ticket_free(ticket);
    rig_close(&r);
}

/* A certificate that has expired meanwhile is no better for a ticket. */
static void sec_033_server_expires(void **state)
{
    const cert_spec spec = {.names = "mx.example.org",
                            .issuer = &rig_root,
                            .until = "20240101000000"};
    static cert brief;
    mk_tls_ticket *ticket = NULL;
    (void)state;
    cert_make(&brief, &spec);
    rig_init(&r, &brief, &rig_root);
    r.server.tc.is_implicit = r.client.tc.is_implicit = true;
    rig_open(&r);
    again(&ticket, 1700000000);
    again(&ticket, 1700000100);
    assert_true(r.client.line.tls->is_resumed);
    again(&ticket, 1710000000);
    assert_int_equal(r.client.line.tls_result, MK_E_CERT_TIME);
    r.client.tc.policy = MK_TLS_POLICY_ENCRYPT;
    again(&ticket, 1710000000);
    assert_false(r.client.line.tls->is_verified);
    mk_tls_ticket_free(ticket);
    rig_close(&r);
    cert_free(&brief);
}

/* Nor is one of a client's. */
static void sec_033_client_expires(void **state)
{
    const cert_spec spec = {.subject = "CN=ann",
                            .issuer = &rig_root,
                            .is_for_clients = true,
                            .until = "20240101000000"};
    static cert ann;
    (void)state;
    cert_make(&ann, &spec);
    for (int ask = MK_TLS_ASK_WANTED; ask <= MK_TLS_ASK_NEEDED; ask++) {
        mk_tls_ticket *ticket = NULL;
        rig_init(&r, &rig_own, &rig_root);
        r.server.tc.is_implicit = r.client.tc.is_implicit = true;
        r.server.cc.ask = (mk_tls_ask)ask;
        r.server.cc.trust = mk_str_z(rig_root.pem);
        r.client.cc.certificate = mk_str_z(ann.pem);
        r.client.cc.key = mk_str_z(ann.key_pem);
        rig_open(&r);
        for (int i = 0; i < 3; i++) {
            again(&ticket, 1700000000 + i);
            assert_int_equal(r.server.line.tls_result, MK_OK);
            assert_true(r.server.line.tls->is_verified);
            assert_true(
                mk_str_is(r.server.line.tls->peer_subject, mk_str_z("CN=ann")));
        }
        again(&ticket, 1710000000);
        if (ask == MK_TLS_ASK_NEEDED) {
            assert_int_equal(r.server.line.tls_result, MK_E_CERT_TIME);
        } else {
            assert_int_equal(r.server.line.tls->verify, MK_E_CERT_TIME);
        }
        mk_tls_ticket_free(ticket);
        rig_close(&r);
    }
    cert_free(&ann);
}

/* Both ends bind a login to the same certificate, also behind a change of it
 * (RFC 5929 4). */
static void sec_033_certificate_changes(void **state)
{
    const cert_spec spec = {.subject = "CN=renewed",
                            .names = "mx.example.org",
                            .issuer = &rig_root};
    static cert renewed;
    mk_tls_ticket *ticket = NULL;
    (void)state;
    cert_make(&renewed, &spec);
    rig_open_both(&r, true);
    again(&ticket, r.wall_s);
    again(&ticket, r.wall_s);
    assert_true(r.client.line.tls->is_resumed);
    assert_int_equal(mk_tls_certificate_set(r.server.context,
                                            mk_str_z(renewed.pem),
                                            mk_str_z(renewed.key_pem)),
                     MK_OK);
    again(&ticket, r.wall_s);
    assert_false(r.client.line.tls->is_resumed);
    assert_true(
        mk_str_is(r.client.line.tls->end_point, r.server.line.tls->end_point));
    again(&ticket, r.wall_s);
    assert_true(r.client.line.tls->is_resumed);
    mk_tls_ticket_free(ticket);
    rig_close(&r);
    cert_free(&renewed);
}

/* A ticket belongs to its context: trust and own certificate are there. */
static void sec_033_another_context(void **state)
{
    mk_tls_ticket *ticket = NULL;
    mk_tls_context *first;
    mk_tls_context *other = NULL;
    (void)state;
    rig_open_both(&r, true);
    again(&ticket, r.wall_s);
    first = r.client.context;
    r.client.cc.trust = mk_str_z(NULL); /* it trusts nobody any more */
    assert_int_equal(mk_tls_context_new(&r.client.cc, &other), MK_OK);
    r.client.context = other;
    again(&ticket, r.wall_s);
    assert_int_equal(r.client.line.tls_result, MK_E_CERT_TRUST);
    assert_int_equal(mk_tls_context_free(first), MK_OK);
    mk_tls_ticket_free(ticket);
    rig_close(&r);
}

/* Both ends know. */
static void test_server_knows_of_resumption(void **state)
{
    mk_tls_ticket *ticket = NULL;
    (void)state;
    rig_open_both(&r, true);
    again(&ticket, r.wall_s);
    assert_false(r.server.line.tls->is_resumed);
    again(&ticket, r.wall_s);
    assert_true(r.server.line.tls->is_resumed);
    assert_true(
        mk_str_is(r.server.line.tls->server_name, mk_str_z("mx.example.org")));
    mk_tls_ticket_free(ticket);
    rig_close(&r);
}

/* ---- names --------------------------------------------------------------- */

static void said_by_client(const char *sni, const char *heard)
{
    rig_open_both(&r, true);
    assert_int_equal(mbedtls_ssl_set_hostname(&state_of(&r.client)->ssl, sni),
                     0);
    rig_run(&r);
    assert_int_equal(r.client.line.tls_result, MK_OK);
    if (!mk_str_is(r.server.line.tls->server_name, mk_str_z(heard))) {
        fail_msg("%s", sni);
    }
    rig_close(&r);
}

/* RFC 6066 3: a host name without a dot at its end; what else somebody sends
 * is not told, for it ends up in logs. */
static void sec_038_odd_names(void **state)
{
    char label[256];
    (void)state;
    memset(label, 'a', sizeof label);
    label[255] = '\0';
    said_by_client("mx.example.org", "mx.example.org");
    said_by_client("other.example", "other.example");
    said_by_client("a\r\nb", "");
    said_by_client("\x1b[2J", "");
    said_by_client(label, "");
    rig_init(&r, &rig_own, &rig_root);
    r.server.tc.is_implicit = r.client.tc.is_implicit = true;
    r.client.tc.server_name = mk_str_z("mx.example.org.");
    rig_open(&r);
    rig_run(&r);
    assert_int_equal(r.client.line.tls_result, MK_OK);
    assert_true(
        mk_str_is(r.server.line.tls->server_name, mk_str_z("mx.example.org")));
    rig_close(&r);
}

/* ---- certificates -------------------------------------------------------- */

/* An own chain is shown whole or not at all. */
static void test_own_chain(void **state)
{
    static char chain[8192];
    mk_tls_context *x;
    char *begin;
    (void)state;
    rig_init(&r, &rig_own, &rig_root);
    r.server.cc.certificate =
        cert_chain(chain, sizeof chain, &rig_own, &rig_root);
    assert_int_equal(mk_tls_context_new(&r.server.cc, &x), MK_OK);
    assert_int_equal(
        mk_tls_certificate_set(x, mk_str_z(rig_own.pem), mk_str_z(NULL)),
        MK_E_SYNTAX);
    assert_int_equal(
        mk_tls_certificate_set(x, mk_str_z(NULL), mk_str_z(rig_own.key_pem)),
        MK_E_SYNTAX);
    assert_int_equal(mk_tls_certificate_set(x, mk_str_z(NULL), mk_str_z(NULL)),
                     MK_E_SYNTAX);
    assert_int_equal(mk_tls_context_free(x), MK_OK);
    /* the authority first */
    r.server.cc.certificate =
        cert_chain(chain, sizeof chain, &rig_root, &rig_own);
    assert_int_equal(mk_tls_context_new(&r.server.cc, &x), MK_E_AUTH);
    /* the second is no certificate */
    r.server.cc.certificate =
        cert_chain(chain, sizeof chain, &rig_own, &rig_root);
    begin = strstr(chain + 40, "-----BEGIN");
    memcpy(begin + 28, "AAAAAAAA", 8);
    assert_int_equal(mk_tls_context_new(&r.server.cc, &x), MK_E_SYNTAX);
}

/* Dates of revocation lists go by the caller's clock as well. */
static void sec_035_revocation_list_dates(void **state)
{
    static char crl[2048];
    const struct {
        const char *until;
        int64_t wall_s;
        mk_err result;
    } rows[] = {
        {"491231235959Z", 1700000000, MK_OK},
        {"491231235959Z", 2600000000, MK_E_CERT_TRUST}, /* in 2052 */
        {"210101000000Z", 1590000000, MK_OK},           /* in 2020 */
        {"210101000000Z", 1700000000, MK_E_CERT_TRUST},
        {"491231235959Z", 1500000000, MK_E_CERT_TRUST}, /* not yet: 2017 */
    };
    const cert_spec spec = {.names = "mx.example.org",
                            .issuer = &rig_root,
                            .since = "20100101000000",
                            .until = "20600101000000",
                            .serial = 8};
    static cert lasting_root;
    static cert lasting;
    cert_spec root_spec = {.subject = "CN=root",
                           .is_ca = true,
                           .since = "20100101000000",
                           .until = "20600101000000"};
    cert_spec leaf_spec = spec;
    (void)state;
    cert_make(&lasting_root, &root_spec);
    leaf_spec.issuer = &lasting_root;
    cert_make(&lasting, &leaf_spec);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        crl_make(&lasting_root, 7, rows[i].until, crl, sizeof crl);
        rig_init(&r, &lasting, &lasting_root);
        r.wall_s = rows[i].wall_s;
        r.client.cc.revoked = mk_str_z(crl);
        r.server.tc.is_implicit = r.client.tc.is_implicit = true;
        rig_open(&r);
        rig_run(&r);
        if (r.client.line.tls_result != rows[i].result) {
            fail_msg("%zu: %s", i, mk_err_name(r.client.line.tls_result));
        }
        rig_close(&r);
    }
    cert_free(&lasting);
    cert_free(&lasting_root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inner_deadline_in_handshake),
        cmocka_unit_test(test_implicit_has_one_deadline),
        cmocka_unit_test(sec_038_handshakes_hurry),
        cmocka_unit_test(sec_037_output_without_memory),
        cmocka_unit_test(test_acknowledgement_asks_for_a_step),
        cmocka_unit_test(test_memory_is_given_back),
        cmocka_unit_test(test_large_flight),
#if defined(MBEDTLS_SSL_RENEGOTIATION)
        cmocka_unit_test(test_renegotiation_is_refused),
#endif
        cmocka_unit_test(test_line_behind_a_warning),
        cmocka_unit_test(test_alert_leaves),
        cmocka_unit_test(sec_039_end_while_asking),
        cmocka_unit_test(sec_039_orderly_end_while_asking),
        cmocka_unit_test(sec_033_slot_changes),
        cmocka_unit_test(sec_033_server_expires),
        cmocka_unit_test(sec_033_client_expires),
        cmocka_unit_test(sec_033_certificate_changes),
        cmocka_unit_test(sec_033_another_context),
        cmocka_unit_test(test_server_knows_of_resumption),
        cmocka_unit_test(sec_038_odd_names),
        cmocka_unit_test(test_own_chain),
        cmocka_unit_test(sec_035_revocation_list_dates),
    };
    return cmocka_run_group_tests(tests, rig_make, rig_unmake);
}

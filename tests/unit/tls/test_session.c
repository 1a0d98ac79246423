/* SPDX-License-Identifier: MIT
 *
 * test_session.c: TLS over an engine: STARTTLS and implicit, at every cut; the
 * attacks on its border (THREATS 28, 29, 30, 33, 37, 38, 39); tickets, names,
 * certificates that change, ends of all kinds.
 */
#include "tls_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static tls_rig r; /* large: not on the stack */

/* ---- in order ------------------------------------------------------------ */

static void whole_session(size_t cut, bool is_implicit, char *out_logs)
{
    rig_open_both(&r, is_implicit);
    r.cut = cut;
    if (is_implicit) {
        rig_run(&r);
    } else {
        rig_starttls(&r);
    }
    assert_int_equal(r.client.line.tls_result, MK_OK);
    assert_int_equal(r.server.line.tls_result, MK_OK);
    rig_say(&r, "one");
    rig_say(&r, "two three");
    rig_quit(&r);
    assert_true(r.client.line.closed == 0 && r.server.is_over);
    snprintf(out_logs, 2 * rig_log_max, "%s|%s", r.server.log, r.client.log);
    rig_close(&r);
}

/* Law 4: records are cut at every octet, and nothing looks different. */
static void sec_003_cut_anywhere(void **state)
{
    static char whole[2 * rig_log_max];
    static char other[2 * rig_log_max];
    (void)state;
    for (int implicit = 0; implicit < 2; implicit++) {
        whole_session(0, implicit != 0, whole);
        assert_non_null(strstr(whole, "one"));
        for (size_t cut = 1; cut < 80; cut += cut < 8 ? 1 : 13) {
            whole_session(cut, implicit != 0, other);
            assert_string_equal(other, whole);
        }
    }
}

static void test_info(void **state)
{
    (void)state;
    rig_open_both(&r, false);
    rig_starttls(&r);
    const mk_tls_info *c = r.client.line.tls;
    const mk_tls_info *s = r.server.line.tls;
    assert_true(c->is_verified);
    assert_false(s->is_verified);
    assert_int_equal(s->verify, MK_E_CERT_NONE);
    assert_true(mk_str_is(c->server_name, mk_str_z("mx.example.org")));
    assert_true(mk_str_is(s->server_name, mk_str_z("mx.example.org")));
    assert_true(mk_str_is(c->peer_subject, mk_str_z("CN=test")));
    assert_int_equal(s->peer_subject.len, 0);
    assert_int_equal(c->end_point.len, 32);
    assert_true(mk_str_is(c->end_point, s->end_point));
    assert_true(mk_str_is(c->exporter, s->exporter));
    assert_true(mk_str_has_prefix_nocase(c->version, mk_str_z("TLSv1.")));
    assert_true(mk_str_find(c->cipher, 'G') < c->cipher.len); /* …-GCM-… */
    rig_close(&r);
}

/* Much more than the queues hold, both ways. */
static void test_much(void **state)
{
    char line[101];
    (void)state;
    memset(line, 'x', 100);
    line[100] = '\0';
    rig_open_both(&r, true);
    r.server.line.repeat = 80;
    rig_run(&r);
    for (int i = 0; i < 40; i++) {
        r.client.log_len = r.server.log_len = 0;
        rig_say(&r, line);
        assert_int_equal(r.client.line.consumed,
                         7 + (uint64_t)(i + 1) * 80 * 102);
        r.client.log_len = 0;
    }
    rig_close(&r);
}

/* ---- the border (Law 9) -------------------------------------------------- */

/* Octets in one segment with the line that asks for TLS, or with the reply
 * that grants it, are never parsed, neither as clear text nor inside TLS. */
static void inject(tls_side *victim, const char *text)
{
    size_t n = strlen(text);
    memcpy(victim->in + victim->in_len, text, n);
    victim->in_len += n;
}

static void sec_028_commands_before_tls(void **state)
{
    static const char *const extra[] = {"EVIL\r\n", "E", "\r\n",
                                        "EHLO x\r\nAUTH PLAIN\r\n", "\x16\x03"};
    (void)state;
    for (size_t i = 0; i < sizeof extra / sizeof extra[0]; i++) {
        rig_open_both(&r, false);
        rig_run(&r);
        /* the server has answered, its reply has not been taken: what is there
         * by then was sent before the reply could be read */
        inject(&r.server, "STARTTLS\r\n");
        inject(&r.server, extra[i]);
        r.client.line.is_closing = false;
        rig_run(&r);
        assert_null(strstr(r.server.log, "EVIL"));
        assert_null(strstr(r.server.log, "AUTH"));
        assert_int_equal(r.server.line.tls_calls, 0);
        assert_non_null(strstr(r.server.log, "E_CLEARTEXT"));
        assert_true(r.server.is_over);
        rig_close(&r);
    }
}

static void sec_029_replies_before_tls(void **state)
{
    static const char *const extra[] = {"250 evil\r\n", "2", "\r\n",
                                        "250-AUTH PLAIN\r\n250 evil\r\n"};
    (void)state;
    for (size_t i = 0; i < sizeof extra / sizeof extra[0]; i++) {
        rig_open_both(&r, false);
        rig_run(&r);
        inject(&r.client, "go\r\n");
        inject(&r.client, extra[i]);
        rig_run(&r);
        assert_null(strstr(r.client.log, "evil"));
        assert_int_equal(r.client.line.tls_calls, 0);
        assert_non_null(strstr(r.client.log, "E_CLEARTEXT"));
        rig_close(&r);
    }
}

/* Clear text where a ServerHello should be. */
static void sec_030_clear_instead_of_tls(void **state)
{
    (void)state;
    rig_open_both(&r, false);
    rig_run(&r);
    inject(&r.client, "go\r\n");
    rig_step(&r, &r.client);
    inject(&r.client, "250-evil\r\n250 AUTH PLAIN\r\n");
    rig_step(&r, &r.client);
    assert_int_equal(r.client.line.tls_result, MK_E_TLS);
    assert_null(strstr(r.client.log, "evil"));
    assert_true(r.client.is_over);
    /* and nothing of ours follows in clear */
    assert_true(line_send(&r.client.line, "secret\r\n"));
    mk_str span;
    assert_int_equal(mk_out(r.client.outer, 0, &span, 1), 1);
    for (size_t i = 0; i + 6 <= span.len; i++) {
        assert_memory_not_equal(span.ptr + i, "secret", 6);
    }
    assert_int_equal(mk_out_sent(r.client.outer, span.len), MK_OK);
    assert_int_equal(mk_out(r.client.outer, 0, &span, 1), 0);
    rig_close(&r);
}

/* ---- ends ---------------------------------------------------------------- */

static void test_end_in_order(void **state)
{
    (void)state;
    rig_open_both(&r, true);
    rig_run(&r);
    rig_quit(&r);
    assert_null(strstr(r.server.log, "CUT"));
    assert_true(r.server.is_over);
    rig_close(&r);
}

/* The stream of the server breaks off after each number of octets: before
 * the handshake is through there is no TLS, behind it there is a cut, never
 * an orderly end and never a part of a line. */
static void sec_039_truncation(void **state)
{
    (void)state;
    for (uint64_t after = 1;; after += 7) {
        rig_open_both(&r, true);
        r.cut = 3;
        r.cut_after = after;
        rig_run(&r);
        bool all = !r.client.is_shut;
        if (!all && r.client.line.tls_result != MK_OK) {
            assert_null(strstr(r.client.log, "hello"));
        } else if (!all) {
            assert_non_null(strstr(r.client.log, "E_CUT"));
        }
        if (!all) {
            assert_non_null(strstr(r.client.log, "4 ")); /* a fault */
        }
        rig_close(&r);
        if (all) {
            assert_in_range(after, 300, 5000);
            break;
        }
    }
}

static void test_handshake_deadline(void **state)
{
    (void)state;
    rig_open_both(&r, true);
    mk_str none = mk_str_of(NULL, 0);
    mk_event ev;
    assert_int_equal(mk_step(r.server.outer, 1000, &none, &ev), MK_WAIT);
    assert_int_equal(mk_deadline(r.server.outer), 31000);
    assert_int_equal(mk_step(r.server.outer, 30999, &none, &ev), MK_WAIT);
    assert_int_equal(mk_step(r.server.outer, 31000, &none, &ev), MK_OK);
    assert_int_equal(ev.type, MK_EV_FAULT);
    assert_int_equal(ev.of.fault->why, MK_E_TIMEOUT);
    assert_int_equal(mk_step(r.server.outer, 31000, &none, &ev), MK_END);
    assert_int_equal(mk_tls_handshakes(r.server.context), 0);
    rig_close(&r);
}

/* ---- floods (THREATS 38) ------------------------------------------------- */

static void sec_038_handshakes_are_capped(void **state)
{
    enum { many = 500, most = 5 };
    static line_engine lines[many];
    mk_engine *outer[most];
    mk_engine *none;
    (void)state;
    rig_init(&r, &rig_own, &rig_root);
    r.server.cc.handshakes_max = most;
    r.server.tc.is_implicit = true;
    rig_open(&r);
    for (int i = 0; i < most - 1; i++) {
        line_open(&lines[i], "x", 0);
        assert_int_equal(mk_tls_over(&lines[i].base, &r.server.tc, &outer[i]),
                         MK_OK);
    }
    for (int i = most; i < many; i++) {
        line_open(&lines[i], "x", 0);
        assert_int_equal(mk_tls_over(&lines[i].base, &r.server.tc, &none),
                         MK_E_LIMIT);
    }
    assert_int_equal(mk_tls_handshakes(r.server.context), most);
    for (int i = 0; i < most - 1; i++) {
        mk_close(outer[i]);
    }
    rig_close(&r);
}

/* STARTTLS over the cap: no TLS, and no session in clear either. */
static void sec_038_starttls_over_the_cap(void **state)
{
    line_engine other;
    mk_engine *outer;
    mk_tls_config implicit;
    (void)state;
    rig_init(&r, &rig_own, &rig_root);
    r.server.cc.handshakes_max = 1;
    rig_open(&r);
    line_open(&other, "x", 0);
    implicit = r.server.tc;
    implicit.is_implicit = true;
    assert_int_equal(mk_tls_over(&other.base, &implicit, &outer), MK_OK);
    rig_starttls(&r);
    assert_int_equal(r.server.line.tls_result, MK_E_LIMIT);
    assert_true(r.server.is_over);
    assert_true(r.client.is_over);
    mk_close(outer);
    rig_close(&r);
}

/* Nothing is kept of the names that were asked for. */
static void sec_038_names_leave_nothing(void **state)
{
    rig_heap c = {0};
    const mk_alloc counted = rig_heap_table(&c);
    char name[64];
    size_t before = 0;
    (void)state;
    rig_init(&r, &rig_own, &rig_root);
    r.server.cc.alloc = &counted;
    r.client.tc.policy = MK_TLS_POLICY_ENCRYPT;
    r.server.tc.is_implicit = r.client.tc.is_implicit = true;
    rig_open(&r);
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "a%d.b%d.example", i * 7919, i);
        rig_hang_up(&r);
        before = i == 1 ? c.live : before;
        r.client.tc.server_name = mk_str_z(name);
        rig_connect(&r);
        rig_run(&r);
        assert_int_equal(r.client.line.tls->verify, MK_E_CERT_NAME);
    }
    rig_hang_up(&r);
    assert_int_equal(c.live, before);
    assert_int_equal(mk_tls_context_free(r.server.context), MK_OK);
    assert_int_equal(mk_tls_context_free(r.client.context), MK_OK);
    assert_int_equal(c.live, 0);
}

/* ---- memory and randomness (THREATS 37) ---------------------------------- */

/* Each allocation of ours fails once: no TLS, an end, and never clear text. */
static void sec_037_out_of_memory(void **state)
{
    rig_heap c = {0};
    const mk_alloc counted = rig_heap_table(&c);
    size_t at = 0;
    bool through = false;
    (void)state;
    while (!through) {
        rig_init(&r, &rig_own, &rig_root);
        r.server.cc.alloc = &counted;
        c.fail_at = 0;
        rig_open(&r);
        c.calls = 0;
        c.fail_at = ++at;
        rig_starttls(&r);
        if (r.server.line.tls_result == MK_OK) {
            rig_say(&r, "secret");
        }
        through = c.calls < at;
        assert_true(through || r.server.is_over);
        assert_true(!through || strstr(r.client.log, "secret") != NULL);
        c.fail_at = 0;
        rig_close(&r);
        assert_int_equal(c.live, 0);
    }
    assert_in_range(at, 3, 100);
}

static unsigned random_calls;
static unsigned random_fails_at;

static mk_err failing_fill(void *self, void *out, size_t n)
{
    random_calls++;
    if (random_calls >= random_fails_at) {
        return MK_E_ENTROPY;
    }
    certs_random(self, out, n);
    return MK_OK;
}

static void sec_037_no_randomness(void **state)
{
    static const mk_random failing = {NULL, failing_fill};
    unsigned in_all;
    (void)state;
    random_fails_at = UINT32_MAX;
    random_calls = 0;
    rig_init(&r, &rig_own, &rig_root);
    r.client.cc.random = &failing;
    rig_open(&r);
    rig_starttls(&r);
    assert_int_equal(r.client.line.tls_result, MK_OK);
    in_all = random_calls;
    rig_close(&r);
    assert_in_range(in_all, 2, 1000);
    for (unsigned at = 1; at <= in_all; at++) {
        random_fails_at = at;
        random_calls = 0;
        rig_init(&r, &rig_own, &rig_root);
        r.client.cc.random = &failing;
        rig_open(&r);
        rig_starttls(&r);
        assert_int_not_equal(r.client.line.tls_result, MK_OK);
        assert_true(r.client.is_over);
        rig_close(&r);
    }
}

/* ---- tickets (THREATS 33) ------------------------------------------------ */

static void again(mk_tls_ticket **ticket, const char *name,
                  mk_tls_policy policy)
{
    rig_hang_up(&r);
    r.client.tc.server_name = mk_str_z(name);
    r.client.tc.policy = policy;
    r.client.tc.ticket = ticket;
    rig_connect(&r);
    rig_run(&r);
}

static void sec_033_tickets(void **state)
{
    mk_tls_ticket *ticket = NULL;
    (void)state;
    rig_open_both(&r, true);
    again(&ticket, "mx.example.org", MK_TLS_POLICY_MUST);
    assert_false(r.client.line.tls->is_resumed);
    assert_non_null(ticket);
    again(&ticket, "mx.example.org", MK_TLS_POLICY_MUST);
    assert_true(r.client.line.tls->is_resumed);
    assert_true(r.client.line.tls->is_verified);
    assert_true(r.client.line.tls->end_point.len == 32 ||
                r.client.line.tls->exporter.len == 32);
    /* another name, for which the certificate is no good */
    again(&ticket, "other.example.org", MK_TLS_POLICY_ENCRYPT);
    assert_false(r.client.line.tls->is_resumed);
    assert_int_equal(r.client.line.tls->verify, MK_E_CERT_NAME);
    /* its ticket is one of an unverified session */
    again(&ticket, "other.example.org", MK_TLS_POLICY_ENCRYPT);
    assert_true(r.client.line.tls->is_resumed);
    assert_int_equal(r.client.line.tls->verify, MK_E_CERT_NAME);
    again(&ticket, "other.example.org", MK_TLS_POLICY_MUST);
    assert_int_equal(r.client.line.tls_result, MK_E_CERT_NAME);
    mk_tls_ticket_free(ticket);
    rig_close(&r);
}

/* ---- own certificates ---------------------------------------------------- */

static void test_certificates_by_name(void **state)
{
    const cert_spec spec = {.subject = "CN=second",
                            .names = "second.example.org",
                            .issuer = &rig_root};
    static cert second;
    (void)state;
    cert_make(&second, &spec);
    rig_open_both(&r, true);
    assert_int_equal(mk_tls_certificate_add(r.server.context,
                                            mk_str_z(second.pem),
                                            mk_str_z(second.key_pem)),
                     MK_OK);
    assert_int_equal(mk_tls_certificate_add(r.server.context,
                                            mk_str_z(second.pem),
                                            mk_str_z(rig_own.key_pem)),
                     MK_E_AUTH);
    again(NULL, "second.example.org", MK_TLS_POLICY_MUST);
    assert_true(
        mk_str_is(r.client.line.tls->peer_subject, mk_str_z("CN=second")));
    assert_true(
        mk_str_is(r.client.line.tls->end_point, r.server.line.tls->end_point));
    again(NULL, "mx.example.org", MK_TLS_POLICY_MUST);
    assert_true(
        mk_str_is(r.client.line.tls->peer_subject, mk_str_z("CN=test")));
    rig_close(&r);
    cert_free(&second);
}

static void test_certificate_changes(void **state)
{
    const cert_spec spec = {.subject = "CN=renewed",
                            .names = "mx.example.org",
                            .issuer = &rig_root};
    static cert renewed;
    (void)state;
    cert_make(&renewed, &spec);
    rig_open_both(&r, true);
    rig_run(&r);
    assert_int_equal(mk_tls_certificate_set(r.server.context,
                                            mk_str_z("nonsense"),
                                            mk_str_z(renewed.key_pem)),
                     MK_E_SYNTAX);
    assert_int_equal(mk_tls_certificate_set(r.server.context,
                                            mk_str_z(renewed.pem),
                                            mk_str_z(renewed.key_pem)),
                     MK_OK);
    rig_say(&r, "the old session goes on");
    assert_non_null(strstr(r.client.log, "goes on"));
    again(NULL, "mx.example.org", MK_TLS_POLICY_MUST);
    assert_true(
        mk_str_is(r.client.line.tls->peer_subject, mk_str_z("CN=renewed")));
    rig_close(&r);
    cert_free(&renewed);
}

/* ---- certificates of clients --------------------------------------------- */

static void test_client_certificate(void **state)
{
    const cert_spec spec = {
        .subject = "CN=ann", .issuer = &rig_root, .is_for_clients = true};
    const cert_spec other_spec = {.subject = "CN=mallory",
                                  .is_for_clients = true};
    static cert ann;
    static cert mallory;
    (void)state;
    cert_make(&ann, &spec);
    cert_make(&mallory, &other_spec);
    const struct {
        const cert *c;
        mk_tls_ask ask;
        mk_err result;
        mk_err verify;
    } rows[] = {
        {&ann, MK_TLS_ASK_NEVER, MK_OK, MK_E_CERT_NONE},
        {&ann, MK_TLS_ASK_WANTED, MK_OK, MK_OK},
        {&ann, MK_TLS_ASK_NEEDED, MK_OK, MK_OK},
        {&mallory, MK_TLS_ASK_WANTED, MK_OK, MK_E_CERT_TRUST},
        {&mallory, MK_TLS_ASK_NEEDED, MK_E_CERT_TRUST, 0},
        {NULL, MK_TLS_ASK_WANTED, MK_OK, MK_E_CERT_NONE},
        {NULL, MK_TLS_ASK_NEEDED, MK_E_CERT_NONE, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rig_init(&r, &rig_own, &rig_root);
        r.server.tc.is_implicit = r.client.tc.is_implicit = true;
        r.server.cc.ask = rows[i].ask;
        r.server.cc.trust = mk_str_z(rig_root.pem);
        if (rows[i].c != NULL) {
            r.client.cc.certificate = mk_str_z(rows[i].c->pem);
            r.client.cc.key = mk_str_z(rows[i].c->key_pem);
        }
        rig_open(&r);
        rig_run(&r);
        assert_int_equal(r.server.line.tls_result, rows[i].result);
        if (rows[i].result == MK_OK) {
            assert_int_equal(r.server.line.tls->verify, rows[i].verify);
            assert_int_equal(r.server.line.tls->is_verified,
                             rows[i].verify == MK_OK);
        }
        rig_close(&r);
    }
    cert_free(&ann);
    cert_free(&mallory);
}

/* ---- contexts ------------------------------------------------------------ */

static void test_contexts(void **state)
{
    mk_tls_context_config c;
    (void)state;
    rig_init(&r, &rig_own, &rig_root);
    c = r.server.cc;
    c.key = mk_str_z(rig_root.key_pem);
    assert_int_equal(mk_tls_context_new(&c, &r.server.context), MK_E_AUTH);
    c = r.server.cc;
    c.certificate = mk_str_z("-----BEGIN CERTIFICATE-----\nAAAA\n");
    assert_int_equal(mk_tls_context_new(&c, &r.server.context), MK_E_SYNTAX);
    c = r.server.cc;
    c.key = mk_str_z(rig_own.pem);
    assert_int_equal(mk_tls_context_new(&c, &r.server.context), MK_E_SYNTAX);
    c = r.server.cc;
    c.certificate = mk_str_z(NULL);
    assert_int_equal(mk_tls_context_new(&c, &r.server.context), MK_E_ARG);
    c.key = mk_str_z(NULL);
    assert_int_equal(mk_tls_context_new(&c, &r.server.context), MK_E_ARG);
    c = r.client.cc;
    c.trust = mk_str_z("nothing of the kind");
    assert_int_equal(mk_tls_context_new(&c, &r.server.context), MK_E_SYNTAX);
    c = r.client.cc;
    c.handshake_ms = 0;
    assert_int_equal(mk_tls_context_new(&c, &r.server.context), MK_E_ARG);
    r.wall_s = 4000000000; /* the own certificate has expired */
    assert_int_equal(mk_tls_context_new(&r.server.cc, &r.server.context),
                     MK_E_CERT_TIME);
    assert_int_equal(mk_tls_context_free(NULL), MK_OK);
}

static void test_context_is_busy(void **state)
{
    (void)state;
    rig_open_both(&r, false);
    assert_int_equal(mk_tls_context_free(r.server.context), MK_E_BUSY);
    rig_starttls(&r);
    assert_int_equal(mk_tls_context_free(r.server.context), MK_E_BUSY);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_003_cut_anywhere),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_much),
        cmocka_unit_test(sec_028_commands_before_tls),
        cmocka_unit_test(sec_029_replies_before_tls),
        cmocka_unit_test(sec_030_clear_instead_of_tls),
        cmocka_unit_test(test_end_in_order),
        cmocka_unit_test(sec_039_truncation),
        cmocka_unit_test(test_handshake_deadline),
        cmocka_unit_test(sec_038_handshakes_are_capped),
        cmocka_unit_test(sec_038_starttls_over_the_cap),
        cmocka_unit_test(sec_038_names_leave_nothing),
        cmocka_unit_test(sec_037_out_of_memory),
        cmocka_unit_test(sec_037_no_randomness),
        cmocka_unit_test(sec_033_tickets),
        cmocka_unit_test(test_certificates_by_name),
        cmocka_unit_test(test_certificate_changes),
        cmocka_unit_test(test_client_certificate),
        cmocka_unit_test(test_contexts),
        cmocka_unit_test(test_context_is_busy),
    };
    return cmocka_run_group_tests(tests, rig_make, rig_unmake);
}

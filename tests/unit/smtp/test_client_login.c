/* SPDX-License-Identifier: MIT
 *
 * test_client_login.c: the client's STARTTLS (RFC 3207) and AUTH (RFC 4954)
 * against a peer that the test plays, TLS itself being a word of the test's:
 * what each policy makes of a server without TLS, and the attacks on both
 * (THREATS 29, 30, 32, 36, 41, 42, 44, 46, 47).
 */
#include "desk.h"

#include <mailkit/codec.h>
#include <mailkit/sasl.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const mk_tls_info verified = {.size = sizeof verified,
                                     .is_verified = true,
                                     .version = MK_STR_INIT("TLSv1.2"),
                                     .cipher = MK_STR_INIT("X")};
static const mk_tls_info unverified = {.size = sizeof unverified,
                                       .verify = MK_E_CERT_NAME,
                                       .version = MK_STR_INIT("TLSv1.2"),
                                       .cipher = MK_STR_INIT("X")};

static mk_sasl_client_config login;

static void login_init(desk *d, uint32_t mechanisms)
{
    assert_int_equal(mk_sasl_client_config_init(&login, sizeof login), MK_OK);
    login.crypto = mk_crypto_mbedtls();
    login.authcid = mk_str_z("ann");
    login.password = mk_str_z("secret");
    login.mechanisms = mechanisms;
    d->config.sasl = &login;
}

/* Up to the reply to EHLO, whatever follows it. */
static void hello(desk *d, const char *rows)
{
    desk_said(d, "EHLO me.example\r\n");
    desk_hear(d, rows);
    desk_saw(d, "REPLY EHLO 250");
}

static void greet(desk *d, const char *rows)
{
    desk_open(d);
    desk_hear(d, "220 mx ready\r\n");
    desk_saw(d, "REPLY greeting 220");
    hello(d, rows);
}

/* STARTTLS is offered, granted and wanted; TLS itself has not begun. */
static void start_tls(desk *d, const char *rows)
{
    greet(d, rows);
    desk_said(d, "STARTTLS\r\n");
    desk_hear(d, "220 go\r\n");
    desk_saw(d, "REPLY STARTTLS 220");
    desk_saw(d, "TLS_WANTED");
    assert_int_equal(mk_want(d->engine) & MK_WANT_READ, 0);
}

/* TLS ends like that. */
static void end_tls(desk *d, mk_err result, const mk_tls_info *info)
{
    assert_int_equal(mk_tls_begin(d->engine, 0), MK_OK);
    assert_int_equal(mk_tls_done(d->engine, result, info), MK_OK);
    desk_run(d);
}

/* TLS is up by the word of the test; then what EHLO gives inside it. */
static void secure(desk *d, const mk_tls_info *info, const char *rows)
{
    start_tls(d, "250-mx\r\n250 STARTTLS\r\n");
    end_tls(d, MK_OK, info);
    if (rows != NULL) {
        hello(d, rows);
    }
}

/* ---- STARTTLS ------------------------------------------------------------ */

static void test_starttls(void **state)
{
    desk d;
    (void)state;
    for (size_t chunk = 1; chunk < 64; chunk += 31) {
        desk_init(&d, chunk);
        d.config.tls = MK_TLS_POLICY_MUST;
        secure(&d, &verified, "250-mx\r\n250 SIZE 99\r\n");
        desk_saw(&d, "READY SIZE size=99 esmtp=1");
        desk_quiet(&d);
        desk_fini(&d);
    }
}

/* What a line of EHLO offers is looked at while it is there. */
static void test_mechanisms_are_those_of_their_line(void **state)
{
    static const char *const lines[] = {"250-mx\r\n", "250-AUTH LOGIN\r\n",
                                        "250-XXXX PLAIN\r\n", "250 SIZE\r\n"};
    char line[32]; /* of all of them, one after the other */
    mk_event ev;
    desk d;
    (void)state;
    desk_init(&d, 4096);
    login_init(&d, MK_SASL_PLAIN | MK_SASL_LOGIN);
    login.is_clear_allowed = true;
    desk_open(&d);
    desk_hear(&d, "220 mx ready\r\n");
    desk_said(&d, "EHLO me.example\r\n");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        mk_str view = mk_str_of(line, strlen(lines[i]));
        memcpy(line, lines[i], view.len);
        while (mk_step(d.engine, 0, &view, &ev) == MK_OK) {
        }
        assert_int_equal(view.len, 0);
    }
    desk_run(&d);
    desk_said(&d, "AUTH LOGIN\r\n");
    desk_fini(&d);
}

/* What a server does not offer, or refuses, is not had; only MAY goes on. */
static void sec_030_stripped(void **state)
{
    static const struct {
        const char *rows, *reply;
    } cases[] = {
        {"250-mx\r\n250 SIZE\r\n", NULL},
        {"250 mx\r\n", NULL},
        {"250-mx\r\n250 XSTARTTLS\r\n", NULL},
        {"250-mx\r\n250 STARTTLS\r\n", "454 4.7.0 not now\r\n"},
        {"250-mx\r\n250 STARTTLS\r\n", "502 what\r\n"},
    };
    desk d;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int p = MK_TLS_POLICY_MAY; p <= MK_TLS_POLICY_MUST; p++) {
            desk_init(&d, 7);
            login_init(&d, MK_SASL_ALL);
            login.is_clear_allowed = p == MK_TLS_POLICY_MAY;
            d.config.sasl = p == MK_TLS_POLICY_MAY ? NULL : &login;
            d.config.tls = (mk_tls_policy)p;
            greet(&d, cases[i].rows);
            if (cases[i].reply != NULL) {
                desk_said(&d, "STARTTLS\r\n");
                desk_hear(&d, cases[i].reply);
                text_clear(&d.events);
            }
            if (p == MK_TLS_POLICY_MAY) {
                desk_said(&d, "");
                desk_fini(&d);
                continue;
            }
            desk_said(&d, "QUIT\r\n");
            assert_int_equal(d.retry, MK_RETRY_LATER);
            text_clear(&d.events);
            desk_fini(&d);
        }
    }
}

/* A HELO-only server has no STARTTLS either. */
static void sec_030_helo_only(void **state)
{
    desk d;
    (void)state;
    desk_init(&d, 7);
    d.config.tls = MK_TLS_POLICY_ENCRYPT;
    desk_open(&d);
    desk_hear(&d, "220 mx\r\n");
    desk_said(&d, "EHLO me.example\r\n");
    desk_hear(&d, "502 what\r\n");
    desk_said(&d, "HELO me.example\r\n");
    desk_hear(&d, "250 mx\r\n");
    desk_said(&d, "QUIT\r\n");
    assert_non_null(strstr(text_c(&d.events), "E_CLEARTEXT"));
    text_clear(&d.events);
    desk_fini(&d);
}

static void sec_029_held_octets(void **state)
{
    desk d;
    (void)state;
    desk_init(&d, 4096);
    d.config.tls = MK_TLS_POLICY_MUST;
    greet(&d, "250-mx\r\n250 STARTTLS\r\n");
    desk_said(&d, "STARTTLS\r\n");
    desk_hear(&d, "220 go\r\n250-AUTH PLAIN\r\n250 evil\r\n");
    desk_saw(&d, "REPLY STARTTLS 220");
    desk_saw(&d, "TLS_WANTED");
    desk_quiet(&d); /* what is held is not looked at */
    assert_int_equal(mk_tls_begin(d.engine, 25), MK_OK);
    desk_run(&d);
    assert_non_null(strstr(text_c(&d.events), "E_CLEARTEXT"));
    assert_null(strstr(text_c(&d.events), "evil"));
    desk_said(&d, "");
    assert_true(d.is_over);
    text_clear(&d.events);
    text_clear(&d.rig.tail);
    desk_fini(&d);
}

/* Only what is said inside counts. */
static void sec_032_forgotten(void **state)
{
    desk d;
    (void)state;
    desk_init(&d, 7);
    d.config.tls = MK_TLS_POLICY_MUST;
    start_tls(&d, "250-mx\r\n250-SIZE 77\r\n250-AUTH PLAIN LOGIN\r\n"
                  "250-8BITMIME\r\n250 STARTTLS\r\n");
    end_tls(&d, MK_OK, &verified);
    hello(&d, "250 mx\r\n");
    desk_saw(&d, "READY size=0 esmtp=1");
    desk_fini(&d);

    /* and a mechanism named before is none */
    desk_init(&d, 7);
    login_init(&d, MK_SASL_ALL);
    d.config.tls = MK_TLS_POLICY_MUST;
    start_tls(&d, "250-mx\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n");
    end_tls(&d, MK_OK, &verified);
    hello(&d, "250 mx\r\n");
    assert_non_null(strstr(text_c(&d.events), "E_UNSUPPORTED"));
    text_clear(&d.events);
    desk_said(&d, "QUIT\r\n");
    desk_fini(&d);
}

static void sec_036_unverified(void **state)
{
    desk d;
    (void)state;
    desk_init(&d, 7);
    d.config.tls = MK_TLS_POLICY_MUST;
    secure(&d, &unverified, NULL);
    assert_non_null(strstr(text_c(&d.events), "E_CERT_NAME"));
    desk_said(&d, "");
    text_clear(&d.events);
    desk_fini(&d);

    desk_init(&d, 7);
    d.config.tls = MK_TLS_POLICY_ENCRYPT;
    secure(&d, &unverified, "250 mx\r\n");
    desk_saw(&d, "READY size=0 esmtp=1");
    desk_fini(&d);

    /* a password is not for everybody who encrypts */
    desk_init(&d, 7);
    d.config.tls = MK_TLS_POLICY_ENCRYPT;
    login_init(&d, MK_SASL_ALL);
    secure(&d, &unverified, "250-mx\r\n250 AUTH PLAIN SCRAM-SHA-256\r\n");
    assert_non_null(strstr(text_c(&d.events), "E_CLEARTEXT"));
    text_clear(&d.events);
    desk_said(&d, "QUIT\r\n");
    desk_fini(&d);
}

static void test_tls_fails(void **state)
{
    desk d;
    (void)state;
    for (int p = MK_TLS_POLICY_MAY; p <= MK_TLS_POLICY_MUST; p++) {
        desk_init(&d, 7);
        d.config.tls = (mk_tls_policy)p;
        start_tls(&d, "250-mx\r\n250 STARTTLS\r\n");
        end_tls(&d, MK_E_CERT_TIME, NULL);
        assert_non_null(strstr(text_c(&d.events), "E_CERT_TIME"));
        assert_int_equal(d.retry, p == MK_TLS_POLICY_MAY ? MK_RETRY_NOW
                                                         : MK_RETRY_LATER);
        desk_said(&d, "");
        assert_true(d.is_over);
        text_clear(&d.events);
        desk_fini(&d);
    }
}

static void test_tls_calls_out_of_place(void **state)
{
    desk d;
    (void)state;
    desk_init(&d, 7);
    greet(&d, "250 mx\r\n");
    assert_int_equal(mk_tls_begin(d.engine, 0), MK_E_STATE);
    assert_int_equal(mk_tls_done(d.engine, MK_OK, &verified), MK_E_STATE);
    desk_saw(&d, "READY size=0 esmtp=1");
    desk_fini(&d);
}

/* The time for STARTTLS and TLS is tls_ms. */
static void test_tls_takes_too_long(void **state)
{
    desk d;
    (void)state;
    desk_init(&d, 7);
    d.config.tls = MK_TLS_POLICY_MUST;
    greet(&d, "250-mx\r\n250 STARTTLS\r\n");
    desk_said(&d, "STARTTLS\r\n");
    desk_wait(&d, 29999);
    desk_quiet(&d);
    desk_wait(&d, 1);
    assert_non_null(strstr(text_c(&d.events), "E_TIMEOUT"));
    text_clear(&d.events);
    desk_fini(&d);
}

/* ---- AUTH ---------------------------------------------------------------- */

#define OFFER(mechs) "250-mx\r\n250 AUTH " mechs "\r\n"

static void test_plain(void **state)
{
    desk d;
    (void)state;
    desk_init(&d, 3);
    d.config.tls = MK_TLS_POLICY_MUST;
    login_init(&d, MK_SASL_PLAIN);
    secure(&d, &verified, OFFER("LOGIN PLAIN"));
    desk_said(&d, "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n");
    desk_hear(&d, "235 2.7.0 fine\r\n");
    desk_saw(&d, "REPLY AUTH 235 2.7.0");
    desk_saw(&d, "READY AUTH size=0 esmtp=1");
    desk_fini(&d);
}

static void test_login(void **state)
{
    desk d;
    (void)state;
    desk_init(&d, 3);
    d.config.tls = MK_TLS_POLICY_MUST;
    login_init(&d, MK_SASL_LOGIN);
    secure(&d, &verified, OFFER("LOGIN PLAIN"));
    desk_said(&d, "AUTH LOGIN\r\n");
    desk_hear(&d, "334 VXNlcm5hbWU6\r\n");
    desk_said(&d, "YW5u\r\n");
    desk_hear(&d, "334 UGFzc3dvcmQ6\r\n");
    desk_said(&d, "c2VjcmV0\r\n");
    desk_hear(&d, "235 fine\r\n");
    assert_non_null(strstr(text_c(&d.events), "READY"));
    text_clear(&d.events);
    desk_fini(&d);
}

static bool holds(const void *mem, size_t n, const char *what)
{
    size_t len = strlen(what);
    bool found = false;

    for (size_t i = 0; i + len <= n && !found; i++) {
        found = memcmp((const char *)mem + i, what, len) == 0;
    }
    return found;
}

/* What was said of a secret does not stay where it was said, be that in the
 * block or in a unit that another engine is lent next. */
static void test_what_was_said_is_wiped(void **state)
{
    static const char said[] = "AGFubgBzZWNyZXQ=";
    uint64_t mem[2048 / sizeof(uint64_t)];
    mk_pool units;
    desk d;
    (void)state;
    for (int is_pool = 0; is_pool < 2; is_pool++) {
        assert_int_equal(mk_pool_init_mem(&units, mem, sizeof mem, 1024),
                         MK_OK);
        desk_init(&d, 64);
        d.config.tls = MK_TLS_POLICY_MUST;
        d.config.units = is_pool != 0 ? &units : NULL;
        login_init(&d, MK_SASL_PLAIN);
        secure(&d, &verified, OFFER("PLAIN"));
        desk_said(&d, "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n");
        desk_hear(&d, "235 2.7.0 fine\r\n");
        assert_false(holds(mem, sizeof mem, said));
        assert_false(holds(d.block, mk_smtp_client_need(&d.config), said));
        text_clear(&d.events);
        desk_fini(&d);
        mk_pool_fini(&units);
    }
}

/* A token goes out in pieces, however small the unit, and without an initial
 * response (RFC 4954 4). */
static void test_long_token(void **state)
{
    static char token[3001];
    static char line[6000];
    static char message[4000];
    desk d;
    mk_buf b;
    (void)state;
    memset(token, 't', 3000);
    desk_init(&d, 4096);
    d.config.tls = MK_TLS_POLICY_MUST;
    login_init(&d, MK_SASL_XOAUTH2);
    login.token = mk_str_z(token);
    secure(&d, &verified, OFFER("XOAUTH2"));
    desk_said(&d, "AUTH XOAUTH2\r\n");
    desk_hear(&d, "334 \r\n");
    int n = snprintf(message, sizeof message, "user=ann\1auth=Bearer %s\1\1",
                     token);
    mk_buf_init(&b, line, sizeof line);
    assert_int_equal(mk_base64_format(mk_str_of(message, (size_t)n), &b),
                     MK_OK);
    assert_int_equal(mk_buf_add(&b, mk_str_of("\r\n", 3)), MK_OK);
    desk_said(&d, line);
    /* the token is refused in a challenge, and then for good */
    text_clear(&d.events);
    desk_hear(&d, "334 eyJzdGF0dXMiOiI0MDAifQ==\r\n");
    desk_said(&d, "\r\n");
    desk_hear(&d, "535 5.7.8 no\r\n");
    desk_said(&d, "QUIT\r\n");
    assert_non_null(strstr(text_c(&d.events), "E_AUTH"));
    assert_int_equal(d.retry, MK_RETRY_LATER);
    text_clear(&d.events);
    desk_fini(&d);
}

static void test_refused(void **state)
{
    static const char *const replies[] = {
        "535 5.7.8 no\r\n", "454 4.7.0 later\r\n", "534 5.7.9 weak\r\n",
        "530 5.7.0 what\r\n"};
    desk d;
    (void)state;
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        desk_init(&d, 5);
        d.config.tls = MK_TLS_POLICY_MUST;
        login_init(&d, MK_SASL_ALL);
        secure(&d, &verified, OFFER("PLAIN LOGIN"));
        desk_said(&d, "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n");
        text_clear(&d.events);
        desk_hear(&d, replies[i]);
        assert_non_null(strstr(text_c(&d.events), "E_AUTH"));
        text_clear(&d.events);
        /* and no second mechanism (THREATS 41) */
        desk_said(&d, "QUIT\r\n");
        desk_fini(&d);
    }
}

/* No octet of a secret in clear, whatever is offered (THREATS 41). */
static void sec_041_never_in_clear(void **state)
{
    static const char *const offers[] = {
        OFFER("PLAIN"), OFFER("LOGIN PLAIN"),
        OFFER("SCRAM-SHA-256 CRAM-MD5 PLAIN LOGIN XOAUTH2 OAUTHBEARER")};
    desk d;
    (void)state;
    for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
        for (int p = MK_TLS_POLICY_NONE; p <= MK_TLS_POLICY_MAY; p++) {
            desk_init(&d, 5);
            d.config.tls = (mk_tls_policy)p;
            login_init(&d, MK_SASL_ALL);
            login.token = mk_str_z("token");
            greet(&d, offers[i]);
            assert_non_null(strstr(text_c(&d.events), "E_CLEARTEXT"));
            text_clear(&d.events);
            desk_said(&d, "QUIT\r\n");
            desk_fini(&d);
        }
    }
    desk_init(&d, 5);
    login_init(&d, MK_SASL_ALL);
    login.is_clear_allowed = true;
    greet(&d, OFFER("PLAIN"));
    desk_said(&d, "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n");
    text_clear(&d.events);
    desk_fini(&d);
}

/* A success that the mechanism has not earned is none. */
static void sec_047_success_without_proof(void **state)
{
    static const mk_sasl_mechanism mechs[] = {MK_SASL_LOGIN, MK_SASL_CRAM_MD5};
    desk d;
    (void)state;
    for (size_t i = 0; i < sizeof mechs / sizeof mechs[0]; i++) {
        desk_init(&d, 5);
        d.config.tls = MK_TLS_POLICY_MUST;
        login_init(&d, (uint32_t)mechs[i]);
        secure(&d, &verified, OFFER("LOGIN CRAM-MD5"));
        text_clear(&d.wire);
        desk_hear(&d, "235 2.7.0 sure\r\n");
        assert_non_null(strstr(text_c(&d.events), "E_PROTOCOL"));
        assert_null(strstr(text_c(&d.events), "READY"));
        text_clear(&d.events);
        desk_said(&d, "QUIT\r\n");
        desk_fini(&d);
    }
}

/* What is no challenge is answered by "*" (RFC 4954 4). */
static void sec_042_challenges(void **state)
{
    static const struct {
        const char *challenge;
        const char *why;
    } cases[] = {
        {"334 =\r\n", "E_SYNTAX"},
        {"334 A\r\n", "E_SYNTAX"},
        {"334 AA=A\r\n", "E_SYNTAX"},
        {"334 !!!!\r\n", "E_SYNTAX"},
        {"334 AAAA AAAA\r\n", "E_SYNTAX"},
        {"334-AAAA\r\n334 AAAA\r\n", "E_PROTOCOL"},
    };
    desk d;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        desk_init(&d, 5);
        d.config.tls = MK_TLS_POLICY_MUST;
        login_init(&d, MK_SASL_CRAM_MD5);
        secure(&d, &verified, OFFER("CRAM-MD5"));
        desk_said(&d, "AUTH CRAM-MD5\r\n");
        text_clear(&d.events);
        desk_hear(&d, cases[i].challenge);
        desk_said(&d, "*\r\n");
        desk_hear(&d, "501 5.7.0 cancelled\r\n");
        assert_non_null(strstr(text_c(&d.events), cases[i].why));
        text_clear(&d.events);
        desk_said(&d, "QUIT\r\n");
        desk_fini(&d);
    }
}

/* The connection dies at each step, and the engine is closed at each. */
static void sec_044_cut_at_each_step(void **state)
{
    static const char *const said[] = {"334 VXNlcm5hbWU6\r\n",
                                       "334 UGFzc3dvcmQ6\r\n", "235 fine\r\n"};
    desk d;
    (void)state;
    for (size_t steps = 0; steps < 3; steps++) {
        for (int eof = 0; eof < 2; eof++) {
            desk_init(&d, 5);
            d.config.tls = MK_TLS_POLICY_MUST;
            login_init(&d, MK_SASL_LOGIN);
            secure(&d, &verified, OFFER("LOGIN"));
            for (size_t i = 0; i < steps; i++) {
                desk_hear(&d, said[i]);
            }
            text_clear(&d.events);
            text_clear(&d.wire);
            if (eof != 0) {
                mk_in_eof(d.engine, MK_OK);
                desk_run(&d);
                assert_non_null(strstr(text_c(&d.events), "E_CUT"));
                assert_true(d.is_over);
            }
            text_clear(&d.events);
            desk_fini(&d);
        }
    }
}

static void test_login_settings(void **state)
{
    desk d;
    (void)state;
    desk_init(&d, 5);
    size_t without = mk_smtp_client_need(&d.config);
    login_init(&d, MK_SASL_ALL);
    assert_int_equal(mk_smtp_client_need(&d.config),
                     without + mk_sasl_need(4096));
    d.config.sasl_message_max = 100;
    assert_int_equal(mk_smtp_client_need(&d.config), 0);
    d.config.sasl_message_max = 4096;
    login.ops = NULL;
    assert_int_equal(mk_smtp_client_need(&d.config), 0);
    d.config.sasl = NULL;
    d.config.tls = (mk_tls_policy)4;
    assert_int_equal(mk_smtp_client_need(&d.config), 0);
    d.config.tls = MK_TLS_POLICY_NONE;
    d.config.tls_ms = 0;
    assert_int_equal(mk_smtp_client_need(&d.config), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_starttls),
        cmocka_unit_test(test_mechanisms_are_those_of_their_line),
        cmocka_unit_test(sec_030_stripped),
        cmocka_unit_test(sec_030_helo_only),
        cmocka_unit_test(sec_029_held_octets),
        cmocka_unit_test(sec_032_forgotten),
        cmocka_unit_test(sec_036_unverified),
        cmocka_unit_test(test_tls_fails),
        cmocka_unit_test(test_tls_calls_out_of_place),
        cmocka_unit_test(test_tls_takes_too_long),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_login),
        cmocka_unit_test(test_what_was_said_is_wiped),
        cmocka_unit_test(test_long_token),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(sec_041_never_in_clear),
        cmocka_unit_test(sec_047_success_without_proof),
        cmocka_unit_test(sec_042_challenges),
        cmocka_unit_test(sec_044_cut_at_each_step),
        cmocka_unit_test(test_login_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

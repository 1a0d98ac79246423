/* SPDX-License-Identifier: MIT
 *
 * test_login_talk.c: whole logins over the SMTP machine, with the client of
 * sasl/ at the other end and a users file behind: each mechanism, both ways to
 * judge a password, right and wrong, late and gone (RFC 4954 4, 6). THREATS
 * 48, 49, 50, 51.
 */
#include "house.h"

#include <mailkit/codec.h>

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static house h;

static void assert_begins(const char *z, const char *want)
{
    if (strncmp(z, want, strlen(want)) != 0) {
        fail_msg("'%s' does not begin with '%s'", z, want);
    }
}

static void open_house(bool asks_keys)
{
    house_plan plan = {.has_login = true,
                       .is_offering = true,
                       .is_sender_checked = true,
                       .asks_keys = asks_keys};
    house_open(&h, &plan);
    house_greet(&h);
}

static void add_base64(char *line, size_t room, mk_str octets)
{
    mk_buf b;
    mk_buf_init(&b, line + strlen(line), room - strlen(line) - 1);
    assert_int_equal(mk_base64_format(octets, &b), MK_OK);
    b.ptr[b.len] = '\0';
}

/* The octets behind "334 ". */
static mk_str challenge_of(const char *reply, char *mem, size_t n)
{
    mk_buf b;
    mk_buf_init(&b, mem, n);
    assert_int_equal(
        mk_base64_parse(mk_str_of(reply + 4, strlen(reply) - 6), &b), MK_OK);
    return mk_buf_str(&b);
}

/* Refusals take their time, more each time. */
static const char *says(const char *octets)
{
    const char *reply = house_says(&h, octets);
    for (int i = 0; i < 10 && reply[0] == '\0'; i++) {
        fake_host_pass(&h.host, 1000);
        reply = house_says(&h, "");
    }
    return reply;
}

/* A whole exchange; the reply that ended it. */
static const char *log_in_as(mk_sasl_mechanism mechanism, const char *authzid,
                             const char *authcid, const char *password)
{
    static char mem[16384];
    char line[2048];
    char octets[2048];
    mk_sasl_client_config c;
    mk_sasl *s;

    mk_sasl_client_config_init(&c, sizeof c);
    c.crypto = mk_crypto_mbedtls();
    c.random = fake_random();
    c.authcid = mk_str_z(authcid);
    c.authzid = mk_str_z(authzid);
    c.password = mk_str_z(password);
    c.mechanisms = (uint32_t)mechanism;
    c.is_clear_allowed = true;
    assert_true(mk_sasl_need(1024) <= sizeof mem);
    assert_int_equal(mk_sasl_client_open(&c, mechanism, (uint32_t)mechanism,
                                         NULL, mem, mk_sasl_need(1024), &s),
                     MK_OK);
    snprintf(line, sizeof line, "AUTH %s", mk_sasl_name(mechanism));
    bool is_first = true;
    const char *reply = "";
    for (;;) {
        mk_sasl_state state = mk_sasl_next(s);
        while (state == MK_SASL_WORK) {
            state = mk_sasl_next(s);
        }
        if (state == MK_SASL_SEND) {
            strncat(line, is_first ? " " : "", sizeof line - strlen(line) - 1);
            add_base64(line, sizeof line - 2, mk_sasl_message(s));
        } else if (state != MK_SASL_TAKE || !is_first) {
            break;
        }
        strncat(line, "\r\n", sizeof line - strlen(line) - 1);
        reply = says(line);
        line[0] = '\0';
        is_first = false;
        if (strncmp(reply, "334 ", 4) != 0) {
            break;
        }
        (void)mk_sasl_next(s); /* what was said has arrived */
        assert_int_equal(
            mk_sasl_take(s, challenge_of(reply, octets, sizeof octets)), MK_OK);
    }
    if (strncmp(reply, "334 ", 4) ==
        0) { /* the client is done: an empty line */
        reply = says("\r\n");
    }
    mk_sasl_close(s);
    return reply;
}

/* ---- each mechanism --------------------------------------------------------
 */

static const struct {
    mk_sasl_mechanism mechanism;
    const char *authzid, *authcid, *password, *login; /* NULL: refused */
} rows[] = {
    {MK_SASL_PLAIN, "", "ann", "secret", "ann@mx.example"},
    {MK_SASL_PLAIN, "ann", "Ann@mx.example", "secret", "ann@mx.example"},
    {MK_SASL_PLAIN, "", "carl", "secret", "carl@mx.example"},
    {MK_SASL_PLAIN, "", "dave@other.example", "secret", "dave@other.example"},
    {MK_SASL_LOGIN, "", "BOB@other.example", "secret", "bob@other.example"},
    {MK_SASL_LOGIN, "", "carl", "secret", "carl@mx.example"},
    {MK_SASL_CRAM_MD5, "", "ann", "secret", "ann@mx.example"},
    {MK_SASL_SCRAM_SHA_1, "", "ann", "secret", "ann@mx.example"},
    {MK_SASL_SCRAM_SHA_256, "", "ann", "secret", "ann@mx.example"},
    {MK_SASL_SCRAM_SHA_256, "", "carl", "secret", "carl@mx.example"},
    {MK_SASL_SCRAM_SHA_1, "", "dave@other.example", "secret",
     "dave@other.example"},
    {MK_SASL_PLAIN, "", "ann", "wrong", NULL},
    {MK_SASL_PLAIN, "", "nobody", "secret", NULL},
    {MK_SASL_PLAIN, "carl", "ann", "secret", NULL},
    {MK_SASL_PLAIN, "", "carl", "wrong", NULL},
    {MK_SASL_LOGIN, "", "ann", "wrong", NULL},
    {MK_SASL_LOGIN, "", "nobody", "secret", NULL},
    {MK_SASL_CRAM_MD5, "", "ann", "wrong", NULL},
    {MK_SASL_CRAM_MD5, "", "carl", "secret", NULL},
    {MK_SASL_CRAM_MD5, "", "nobody", "secret", NULL},
    {MK_SASL_SCRAM_SHA_256, "", "ann", "wrong", NULL},
    {MK_SASL_SCRAM_SHA_256, "", "carl", "wrong", NULL},
    {MK_SASL_SCRAM_SHA_256, "", "nobody", "secret", NULL},
    {MK_SASL_SCRAM_SHA_256, "carl", "ann", "secret", NULL},
    {MK_SASL_SCRAM_SHA_256, "", "dave@other.example", "secret", NULL},
    {MK_SASL_SCRAM_SHA_1, "", "carl", "secret", NULL},
};

/* One refusal for all of them; a login that is refused leaves a session that
 * can go on, and is nobody's. */
static void sec_050_each_mechanism(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        size_t n = i / 2;
        bool is_good = rows[n].login != NULL;
        char line[128];
        open_house(i % 2 == 1);
        const char *reply = log_in_as(rows[n].mechanism, rows[n].authzid,
                                      rows[n].authcid, rows[n].password);
        const char *want =
            is_good ? "235 2.7.0 "
                    : "535 5.7.8 Authentication credentials invalid\r\n";
        if (strncmp(reply, want, strlen(want)) != 0) {
            fail_msg("row %zu: '%s'", n, reply);
        }
        assert_true(mk_str_is(mk_session_login(h.conn.session),
                              mk_str_z(is_good ? rows[n].login : "")));
        snprintf(line, sizeof line, " login=<%s> mechanism=%s tls=no%s\n",
                 is_good ? rows[n].login : rows[n].authcid,
                 mk_sasl_name(rows[n].mechanism),
                 is_good ? "" : " fault=E_AUTH");
        if (strstr(text_c(&h.log), line) == NULL) {
            fail_msg("'%s' is not in '%s'", line, text_c(&h.log));
        }
        assert_null(strstr(text_c(&h.log), rows[n].password));
        if (!is_good) {
            assert_begins(log_in_as(MK_SASL_PLAIN, "", "ann", "secret"), "235");
        }
        house_close(&h);
    }
}

static void mail_of_who_has_logged_in(void **state)
{
    (void)state;
    open_house(false);
    assert_begins(log_in_as(MK_SASL_PLAIN, "", "bob@other.example", "secret"),
                  "235");
    assert_begins(house_says(&h, "MAIL FROM:<ann@mx.example>\r\n"),
                  "553 5.7.1");
    assert_begins(house_says(&h, "MAIL FROM:<bob@other.example>\r\n"), "250");
    assert_begins(house_says(&h, "RCPT TO:<u@v.example>\r\n"),
                  "550 5.7.1 relaying to other domains is not available here");
    assert_begins(house_says(&h, "RCPT TO:<ann@mx.example>\r\n"), "250");
    assert_begins(house_says(&h, "DATA\r\n"), "354");
    assert_begins(house_says(&h, "Subject: x\r\n\r\n.\r\n"), "250 2.0.0");
    assert_non_null(strstr(house_file(&h, "mx.example", "ann"), "with ESMTPA"));
    house_close(&h);
}

/* ---- late, and gone ---------------------------------------------------------
 */

static void say_password(const char *authcid)
{
    char octets[64] = "";
    char line[128] = "AUTH PLAIN ";
    int n = snprintf(octets, sizeof octets, "%c%s%csecret", 0, authcid, 0);
    add_base64(line, sizeof line - 2, mk_str_of(octets, (size_t)n));
    strncat(line, "\r\n", sizeof line - strlen(line) - 1);
    fake_conn_say(&h.conn, line);
}

/* The worker is too slow: the peer is told, its late verdict hits nobody, and
 * the next login is judged by itself (Law 5). */
static void sec_049_a_verdict_that_is_too_late(void **state)
{
    (void)state;
    open_house(false);
    say_password("ann");
    assert_string_equal(house_heard(&h), "");
    fake_host_pass(&h.host, h.smtp.answer_ms + 1);
    fake_conn_run(&h.conn);
    assert_begins(house_heard(&h), "454 4.7.0");
    assert_int_equal(mk_users_login_count(h.login), 1);
    assert_non_null(strstr(text_c(&h.log), "login=<ann>"));
    assert_null(strstr(text_c(&h.log), "logged in"));
    assert_int_equal(fake_host_jobs(&h.host), 1);
    fake_conn_run(&h.conn);
    assert_string_equal(house_heard(&h), "");
    assert_int_equal(mk_session_login(h.conn.session).len, 0);
    say_password("nobody");
    assert_begins(says(""), "535 5.7.8");
    house_close(&h);
}

static void a_peer_that_goes(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        open_house(false);
        say_password("ann");
        if (how == 0) {
            fake_conn_eof(&h.conn);
        } else if (how == 1) {
            assert_true(fake_host_work(&h.host));
        }
        fake_conn_fini(&h.conn);
        assert_int_equal(mk_inbound_count(h.inbound), 0);
        assert_int_equal(mk_users_login_count(h.login), 1);
        assert_int_equal(fake_host_jobs(&h.host), 1);
        house_close(&h);
    }
}

/* The connection ends with its third failure; each was a record. */
static void sec_051_three_guesses(void **state)
{
    static const char line[] = "fault=E_AUTH\n";
    unsigned lines = 0;
    (void)state;
    open_house(false);
    assert_begins(log_in_as(MK_SASL_PLAIN, "", "ann", "a"), "535");
    assert_begins(log_in_as(MK_SASL_LOGIN, "", "ann", "b"), "535");
    assert_begins(log_in_as(MK_SASL_CRAM_MD5, "", "ann", "c"), "421 4.7.0");
    assert_true(h.conn.ended);
    const char *at = text_c(&h.log);
    while ((at = strstr(at, line)) != NULL) {
        at += sizeof line - 1;
        lines++;
    }
    assert_int_equal(lines, 3);
    house_close(&h);
}

static void sec_048_names_on_the_wire(void **state)
{
    static const char *const names[] = {"%{x}", "' OR 1--", "*)(uid=*",
                                        "${run{id}}", "ann> x=\""};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        open_house(i % 2 == 0);
        assert_string_equal(log_in_as(MK_SASL_PLAIN, "", names[i], "secret"),
                            "535 5.7.8 Authentication credentials invalid\r\n");
        house_close(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_050_each_mechanism),
        cmocka_unit_test(mail_of_who_has_logged_in),
        cmocka_unit_test(sec_049_a_verdict_that_is_too_late),
        cmocka_unit_test(a_peer_that_goes),
        cmocka_unit_test(sec_051_three_guesses),
        cmocka_unit_test(sec_048_names_on_the_wire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * test_client_corpus.c: what real servers said, through the client: replies of
 * a large provider and examples of RFC 821, out of the unit tests of MailKit
 * (UnitTests/Net/Smtp/Resources of github.com/jstedfast/MailKit, MIT), which
 * lie beside this repository in shared/corpora/client-mailkit as the SOURCE
 * there says. Without them the test is skipped.
 *
 * Where MailKit and this client disagree: a greeting of 221 is a 2yz, and the
 * first digit is what decides (RFC 5321 4.3.2); DIGEST-MD5 is not spoken (RFC
 * 6331), nor AUTH offered under the name X-EXPS: the files of their exchange
 * have no reader here.
 */
#include "desk.h"

#include "corpus.h"

#include <mailkit/crypto.h>
#include <mailkit/sasl.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const size_t chunks[] = {1, 3, 64, 100000};
static mk_sasl_client_config login;

static bool load(const char *name, text *out)
{
    char path[128];

    (void)snprintf(path, sizeof path, "client-mailkit/smtp/%s.txt", name);
    return corpus_load(path, out);
}

static void say(desk *d, const char *name)
{
    text octets = {0};

    assert_true(load(name, &octets));
    desk_hear(d, text_c(&octets));
    text_free(&octets);
}

static void begin(desk *d, size_t chunk, uint32_t mechanisms)
{
    desk_init(d, chunk);
    if (mechanisms != 0) {
        (void)mk_sasl_client_config_init(&login, sizeof login);
        login.crypto = mk_crypto_mbedtls();
        login.authcid = mk_str_z("ann");
        login.password = mk_str_z("secret");
        login.mechanisms = mechanisms;
        login.is_clear_allowed = true;
        d->config.sasl = &login;
    }
    desk_open(d);
    say(d, "comcast-greeting");
    desk_said(d, "EHLO me.example\r\n");
    desk_saw(d, "REPLY greeting 220");
}

/* The client is ready for a message. */
static void ready(desk *d, size_t chunk, const char *ehlo)
{
    begin(d, chunk, 0);
    say(d, ehlo);
    text_clear(&d->events);
}

/* ---- EHLO ---------------------------------------------------------------- */

#define COMCAST "SIZE 8BITMIME ENHANCEDSTATUSCODES STARTTLS AUTH"

static void test_offers(void **state)
{
    /* clang-format off */
    static const struct {
        const char *file;
        const char *ready;
    } rows[] = {
        {"comcast-ehlo", "READY " COMCAST " size=36700160 "},
        {"comcast-ehlo+digest-md5", "READY " COMCAST " size=36700160 "},
        {"comcast-ehlo+pipelining", "READY PIPELINING " COMCAST " size=36700160 "},
        {"comcast-ehlo+dsn", "READY PIPELINING " COMCAST " DSN size=36700160 "},
        {"comcast-ehlo+binarymime",
         "READY " COMCAST " CHUNKING BINARYMIME size=36700160 "},
        {"comcast-ehlo+smtputf8", "READY " COMCAST " SMTPUTF8 size=36700160 "},
        {"comcast-ehlo+requiretls", "READY " COMCAST " REQUIRETLS size=36700160 "},
        {"comcast-ehlo+x-exps",
         "READY SIZE 8BITMIME ENHANCEDSTATUSCODES STARTTLS size=36700160 "},
    };
    /* clang-format on */
    desk d;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t k = 0; k < 4; k++) {
            begin(&d, chunks[k], 0);
            say(&d, rows[i].file);
            desk_saw(&d, "REPLY EHLO 250");
            /* these, in this order, and no others */
            assert_memory_equal(text_c(&d.events), rows[i].ready,
                                strlen(rows[i].ready));
            desk_fini(&d);
        }
    }
}

static void test_ehlo_refused(void **state)
{
    desk d;

    (void)state;
    for (size_t k = 0; k < 4; k++) {
        begin(&d, chunks[k], 0);
        say(&d, "ehlo-failed");
        desk_said(&d, "HELO me.example\r\n");
        desk_saw(&d, "REPLY EHLO 504");
        say(&d, "helo");
        desk_saw(&d, "REPLY HELO 250");
        desk_saw(&d, "READY");
        desk_fini(&d);
    }
}

static void test_a_greeting_of_221(void **state)
{
    desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    say(&d, "greeting-not-ready");
    desk_said(&d, "EHLO me.example\r\n");
    desk_fini(&d);
}

/* ---- logins -------------------------------------------------------------- */

static void test_logins(void **state)
{
    static const struct {
        const char *reply;
        const char *told;
    } rows[] = {
        {"comcast-auth-plain", "READY"},
        {"auth-successful", "READY"},
        {"auth-failed", "FAULT E_AUTH"},
        {"auth-too-weak", "FAULT E_AUTH"},
        {"comcast-auth-digest-md5-reset", "FAULT E_AUTH"},
    };
    desk d;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t k = 0; k < 4; k++) {
            begin(&d, chunks[k], MK_SASL_PLAIN);
            say(&d, "comcast-ehlo+digest-md5");
            desk_said(&d, "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n");
            say(&d, rows[i].reply);
            assert_non_null(strstr(text_c(&d.events), rows[i].told));
            desk_fini(&d);
        }
    }
}

static void test_login_by_login(void **state)
{
    desk d;

    (void)state;
    for (size_t k = 0; k < 4; k++) {
        begin(&d, chunks[k], MK_SASL_LOGIN);
        say(&d, "comcast-ehlo");
        desk_said(&d, "AUTH LOGIN\r\n");
        say(&d, "comcast-auth-login-username");
        desk_said(&d, "YW5u\r\n");
        say(&d, "comcast-auth-login-password");
        desk_said(&d, "c2VjcmV0\r\n");
        say(&d, "comcast-auth-login");
        assert_non_null(strstr(text_c(&d.events), "READY"));
        desk_fini(&d);
    }
}

/* ---- messages ------------------------------------------------------------ */

static void test_a_message(void **state)
{
    mk_op op;
    desk d;

    (void)state;
    for (size_t k = 0; k < 4; k++) {
        ready(&d, chunks[k], "comcast-ehlo");
        assert_int_equal(desk_send(&d, "a@b.example", "c@d.example", &op),
                         MK_OK);
        say(&d, "comcast-mail-from");
        say(&d, "comcast-rcpt-to");
        desk_said(&d, "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n"
                      "DATA\r\n");
        say(&d, "comcast-data");
        assert_int_equal(mk_body(d.engine, op, mk_str_z("x\r\n"), true), MK_OK);
        desk_run(&d);
        desk_said(&d, "x\r\n.\r\n");
        say(&d, "comcast-data-done");
        assert_non_null(strstr(text_c(&d.events), "DONE OK"));
        desk_fini(&d);
    }
}

/* Whatever is refused, the next message may be sent. */
static void test_refusals(void **state)
{
    static const struct {
        const char *ehlo;
        const char *replies;
        const char *told;
        bool is_reset;
    } rows[] = {
        {"comcast-ehlo", "auth-required", "REPLY MAIL 530 5.7.0", false},
        {"comcast-ehlo", "bad-command-sequence", "REPLY MAIL 503", false},
        {"comcast-ehlo", "pipelined-mailbox-unavailable",
         "REPLY RCPT 550 5.1.0", true},
        {"comcast-ehlo+pipelining", "pipelined-mailbox-unavailable",
         "REPLY RCPT 550 5.1.0", false},
    };
    mk_op op;
    desk d;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        /* whole, two replies at once would be one too early without
         * PIPELINING */
        ready(&d, 1, rows[i].ehlo);
        assert_int_equal(desk_send(&d, "a@b.example", "c@d.example", &op),
                         MK_OK);
        say(&d, rows[i].replies);
        assert_non_null(strstr(text_c(&d.events), rows[i].told));
        if (strcmp(rows[i].ehlo, "comcast-ehlo+pipelining") == 0) {
            say(&d, "bad-command-sequence"); /* to DATA */
            say(&d, "comcast-rset");
        } else if (rows[i].is_reset) {
            say(&d, "comcast-rset");
        }
        assert_non_null(strstr(text_c(&d.events), "DONE E_REFUSED"));
        assert_int_equal(desk_send(&d, "a@b.example", "c@d.example", &op),
                         MK_OK);
        desk_fini(&d);
    }
}

static void test_pipelined(void **state)
{
    mk_op op;
    desk d;

    (void)state;
    for (size_t k = 0; k < 4; k++) {
        ready(&d, chunks[k], "comcast-ehlo+pipelining");
        assert_int_equal(desk_send(&d, "a@b.example", "c@d.example", &op),
                         MK_OK);
        desk_said(&d, "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n"
                      "DATA\r\n");
        say(&d, "pipelined-mail-from-rcpt-to");
        say(&d, "comcast-data");
        assert_int_equal(mk_body(d.engine, op, mk_str_z("x\r\n"), true), MK_OK);
        desk_run(&d);
        say(&d, "comcast-data-done");
        assert_non_null(strstr(text_c(&d.events), "DONE OK"));
        desk_fini(&d);
    }
}

/* ---- the small commands -------------------------------------------------- */

static void test_commands(void **state)
{
    static const struct {
        mk_smtp_verb verb;
        const char *argument;
        const char *file;
        const char *told;
    } rows[] = {
        {MK_SMTP_VERB_NOOP, "", "comcast-noop", "REPLY NOOP 250 2.0.0"},
        {MK_SMTP_VERB_RSET, "", "comcast-rset", "REPLY RSET 250 2.0.0"},
        {MK_SMTP_VERB_VRFY, "Smith", "rfc0821-vrfy",
         "Fred Smith <Smith@USC-ISIF.ARPA>"},
        {MK_SMTP_VERB_EXPN, "Example-People", "rfc0821-expn",
         "<xyz@bar-unix.ARPA>"},
        {MK_SMTP_VERB_VRFY, "x", "mailbox-unavailable", "VRFY 550 5.1.0"},
    };
    mk_op op;
    desk d;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t k = 0; k < 4; k++) {
            ready(&d, chunks[k], "comcast-ehlo");
            assert_int_equal(mk_smtp_client_command(d.engine, rows[i].verb,
                                                    mk_str_z(rows[i].argument),
                                                    &op),
                             MK_OK);
            desk_run(&d);
            say(&d, rows[i].file);
            assert_non_null(strstr(text_c(&d.events), rows[i].told));
            desk_fini(&d);
        }
    }
}

static void test_quit(void **state)
{
    mk_op op;
    desk d;

    (void)state;
    ready(&d, 1, "comcast-ehlo");
    assert_int_equal(mk_smtp_client_quit(d.engine, &op), MK_OK);
    desk_run(&d);
    desk_said(&d, "QUIT\r\n");
    say(&d, "comcast-quit");
    assert_true(d.is_over);
    desk_fini(&d);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offers),
        cmocka_unit_test(test_ehlo_refused),
        cmocka_unit_test(test_a_greeting_of_221),
        cmocka_unit_test(test_logins),
        cmocka_unit_test(test_login_by_login),
        cmocka_unit_test(test_a_message),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_pipelined),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_quit),
    };
    text probe = {0};
    bool is_there;

    corpus_init(argc, argv);
    is_there = load("comcast-greeting", &probe);
    text_free(&probe);
    if (!is_there) {
        puts("skipped: no corpora");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

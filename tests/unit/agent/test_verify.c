/* SPDX-License-Identifier: MIT
 *
 * test_verify.c: what VRFY and EXPN are answered (RFC 5321 3.5, 7.3): by the
 * policy's setting, for whom, within and outside of a transaction, by
 * directories that fail or answer late, and by a stage of one's own.
 */
#include "house.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static house h;

static void says(const char *verb, const char *what, const char *want)
{
    char line[600];
    snprintf(line, sizeof line, "%s %s\r\n", verb, what);
    begins(house_says(&h, line), want);
}

static const struct {
    const char *what;
    const char *want;
} answered[] = {
    {"ann", "250 2.1.5 <ann@mx.example>\r\n"},
    {"ANN", "250 2.1.5 <ann@mx.example>\r\n"},
    {"ann@mx.example", "250 2.1.5 <ann@mx.example>\r\n"},
    {"<Ann@MX.example>", "250 2.1.5 <ann@mx.example>\r\n"},
    {"<\"ann\"@mx.example>", "250 2.1.5 <ann@mx.example>\r\n"},
    {"bob@other.example", "250 2.1.5 <bob@other.example>\r\n"},
    {"bob", "550 5.1.1"},
    {"nobody", "550 5.1.1"},
    {"nobody@mx.example", "550 5.1.1"},
    /* always there, whoever reads it */
    {"postmaster", "250 2.1.5 <postmaster@mx.example>\r\n"},
    {"abuse@other.example", "250 2.1.5 <postmaster@mx.example>\r\n"},
    /* what is not here, or leads elsewhere, or is nothing */
    {"u@v.example", "252"},
    {"ann%v.example@mx.example", "252"},
    {"Ann Example", "550 5.1.1"},
    {"<ann@mx.example", "252"},
    {"../ann", "252"},
    {"ann@[192.0.2.1]", "252"},
};

static void answers(void **state)
{
    static const char *const verbs[] = {"VRFY", "EXPN"};
    (void)state;
    for (size_t v = 0; v < 2; v++) {
        house_open(&h, &(house_plan){.verify = MK_LOCAL_POLICY_VERIFY_ANSWER,
                                     .errors_max = 100});
        house_greet(&h);
        for (size_t i = 0; i < sizeof answered / sizeof answered[0]; i++) {
            says(verbs[v], answered[i].what, answered[i].want);
        }
        house_close(&h);
    }
}

/* By default nobody learns who is here (RFC 5321 7.3). */
static void sec_115_harvesters_learn_nothing(void **state)
{
    static const struct {
        mk_local_policy_verify verify;
        const char *want;
    } rows[] = {
        {MK_LOCAL_POLICY_VERIFY_UNSURE, "252"},
        {MK_LOCAL_POLICY_VERIFY_REFUSE, "502 5.5.1"},
        {MK_LOCAL_POLICY_VERIFY_LOGIN, "252"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        house_open(&h, &(house_plan){.verify = rows[i].verify});
        house_greet(&h);
        says("VRFY", "ann", rows[i].want);
        says("VRFY", "nobody", rows[i].want);
        says("EXPN", "postmaster", rows[i].want);
        house_close(&h);
    }
}

static void who_has_logged_in_is_answered(void **state)
{
    (void)state;
    house_open(&h, &(house_plan){.verify = MK_LOCAL_POLICY_VERIFY_LOGIN,
                                 .has_login = true,
                                 .is_offering = true});
    house_greet(&h);
    says("VRFY", "ann", "252");
    begins(house_says(&h, "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n"), "235");
    says("VRFY", "ann", "250 2.1.5 <ann@mx.example>");
    says("VRFY", "nobody", "550 5.1.1");
    house_close(&h);
}

/* A question beside a transaction leaves it as it is. */
static void a_transaction_goes_on(void **state)
{
    (void)state;
    house_open(&h, &(house_plan){.verify = MK_LOCAL_POLICY_VERIFY_ANSWER});
    house_greet(&h);
    begins(house_says(&h, "MAIL FROM:<a@b.example>\r\n"), "250");
    says("VRFY", "nobody", "550 5.1.1");
    begins(house_says(&h, "RCPT TO:<ann@mx.example>\r\n"), "250");
    says("VRFY", "ann", "250 2.1.5");
    begins(house_says(&h, "DATA\r\n"), "354");
    begins(house_says(&h, "Subject: x\r\n\r\nx\r\n.\r\n"), "250 2.0.0");
    assert_int_equal(house_count(&h, "mx.example", "ann"), 1);
    house_close(&h);
}

/* ---- late, and never ------------------------------------------------------
 */

typedef struct slow {
    mk_ask ask;
    unsigned asked;
    unsigned withdrawn;
} slow;

static void slow_lookup(void *self, mk_str user, mk_str domain, mk_ask ask)
{
    slow *s = self;
    (void)user;
    (void)domain;
    s->ask = ask;
    s->asked++;
}

static void slow_withdrawn(void *self, mk_ask ask)
{
    (void)ask;
    ((slow *)self)->withdrawn++;
}

static void late_answers(void **state)
{
    static const struct {
        mk_directory_result result;
        const char *want;
    } rows[] = {
        {MK_DIRECTORY_FOUND, "250 2.1.5 <x@mx.example>"},
        {MK_DIRECTORY_UNKNOWN, "550 5.1.1"},
        {MK_DIRECTORY_FAILED, "252"},
    };
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        slow s = {0};
        house_open(&h,
                   &(house_plan){.verify = MK_LOCAL_POLICY_VERIFY_ANSWER,
                                 .directory = {.self = &s,
                                               .lookup = slow_lookup,
                                               .withdrawn = slow_withdrawn}});
        house_greet(&h);
        begins(house_says(&h, "MAIL FROM:<a@b.example>\r\n"), "250");
        assert_string_equal(house_says(&h, "VRFY x\r\n"), "");
        assert_int_equal(s.asked, 1);
        if (i < 3) {
            assert_int_equal(mk_directory_answer(s.ask, rows[i].result,
                                                 mk_str_z("x"),
                                                 mk_str_z("mx.example")),
                             MK_OK);
            begins(house_says(&h, ""), rows[i].want);
        } else {
            fake_host_pass(&h.host, h.smtp.answer_ms);
            house_work(&h);
            begins(house_heard(&h), "451");
            assert_int_equal(s.withdrawn, 1);
            assert_int_equal(mk_directory_answer(s.ask, MK_DIRECTORY_UNKNOWN,
                                                 mk_str_z("x"), mk_str_z("y")),
                             MK_E_STALE);
        }
        /* the transaction is as it was */
        assert_string_equal(house_says(&h, "RCPT TO:<x@mx.example>\r\n"), "");
        assert_int_equal(s.asked, 2);
        house_close(&h);
    }
}

static void tune(house *x, mk_inbound_config *c)
{
    (void)c;
    x->smtp.extensions |= MK_SMTP_EXTENSION_SMTPUTF8;
}

/* Only who can read it is told (RFC 6531 3.7.4.2). */
static void what_is_utf8(void **state)
{
    (void)state;
    house_open(&h, &(house_plan){.verify = MK_LOCAL_POLICY_VERIFY_ANSWER,
                                 .tune = tune,
                                 .postmaster = "\xc3\xbc@mx.example"});
    house_greet(&h);
    says("VRFY", "postmaster", "252");
    says("VRFY", "postmaster SMTPUTF8", "250 2.1.5 <\xc3\xbc@mx.example>\r\n");
    says("EXPN", "postmaster", "252");
    house_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(sec_115_harvesters_learn_nothing),
        cmocka_unit_test(who_has_logged_in_is_answered),
        cmocka_unit_test(a_transaction_goes_on),
        cmocka_unit_test(late_answers),
        cmocka_unit_test(what_is_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

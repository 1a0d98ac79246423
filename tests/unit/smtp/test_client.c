/* SPDX-License-Identifier: MIT
 *
 * test_client.c: the SMTP client's dialogue with a peer that behaves: hello,
 * envelopes with and without PIPELINING (RFC 2920 3.1), SIZE and BODY
 * parameters (RFC 1870 6, RFC 6152 3), body, cancel, deadlines (RFC 5321
 * 4.5.3.2), and the outcome in each case.
 */
#include "desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const size_t chunks[] = {1, 7, 4096};

#define EACH_CHUNK(d)                                                          \
    desk d;                                                                    \
    (void)state;                                                               \
    for (size_t i_ = 0; i_ < sizeof chunks / sizeof *chunks; i_++)

static void lend(desk *d, mk_op op, const char *octets, bool last)
{
    assert_int_equal(mk_body(d->engine, op, mk_str_z(octets), last), MK_OK);
    desk_run(d);
}

static void test_a_message_one_by_one(void **state)
{
    EACH_CHUNK(d)
    {
        mk_op op = 0;
        desk_init(&d, chunks[i_]);
        desk_ready(&d, "8BITMIME");
        assert_int_equal(desk_send(&d, "a@b.example", "c@d.example", &op),
                         MK_OK);
        desk_said(&d, "MAIL FROM:<a@b.example>\r\n");
        desk_hear(&d, "250 2.1.0 fine\r\n");
        desk_saw(&d, "REPLY MAIL 250 2.1.0 text=\"fine\"");
        desk_said(&d, "RCPT TO:<c@d.example>\r\n");
        desk_hear(&d, "251 2.1.5 will forward\r\n");
        desk_saw(&d, "REPLY RCPT 251 2.1.5 index=0 accepted=1");
        desk_said(&d, "DATA\r\n");
        desk_hear(&d, "354 go on\r\n");
        desk_saw(&d, "REPLY DATA 354");
        assert_int_equal(d.wanted, 1);
        assert_int_equal(d.room, 2);
        lend(&d, op, "Subject: x\r\n\r\n.dot\r\n", false);
        lend(&d, op, "..\r\nend", true);
        desk_said(&d, "Subject: x\r\n\r\n..dot\r\n...\r\nend\r\n.\r\n");
        assert_string_equal(text_c(&d.returned),
                            "Subject: x\r\n\r\n.dot\r\n|..\r\nend$");
        desk_hear(&d, "250 2.0.0 queued as 1\r\n");
        desk_saw(&d, "REPLY end of data 250 2.0.0 text=\"queued as 1\"");
        desk_saw(&d, "DONE OK accepted=1");
        desk_quiet(&d);
        assert_int_equal(mk_smtp_client_quit(d.engine, &op), MK_OK);
        desk_run(&d);
        desk_said(&d, "QUIT\r\n");
        desk_hear(&d, "221 bye\r\n");
        desk_saw(&d, "REPLY QUIT 221");
        desk_saw(&d, "DONE OK");
        assert_true(d.is_over);
        assert_int_equal(mk_want(d.engine), MK_WANT_CLOSE);
        desk_fini(&d);
    }
}

static void test_a_group(void **state)
{
    EACH_CHUNK(d)
    {
        mk_op op = 0;
        desk_init(&d, chunks[i_]);
        d.envelope.message_bytes = 12;
        d.envelope.body = MK_SMTP_BODY_8BITMIME;
        desk_ready(&d, "pipelining\nSize 1000\n8bitmime");
        assert_int_equal(desk_send(&d, "", "c@d.example Postmaster", &op),
                         MK_OK);
        desk_said(&d, "MAIL FROM:<> SIZE=12 BODY=8BITMIME\r\n"
                      "RCPT TO:<c@d.example>\r\nRCPT TO:<Postmaster>\r\n"
                      "DATA\r\n");
        desk_hear(&d, "250 a\r\n550-5.1.1 no\r\n550 5.1.1 such\r\n250 c\r\n"
                      "354 d\r\n");
        desk_saw(&d, "REPLY MAIL 250");
        desk_saw(&d,
                 "REPLY RCPT 550 5.1.1 text=\"no\\nsuch\" index=0 accepted=0");
        desk_saw(&d, "REPLY RCPT 250 index=1 accepted=1");
        desk_saw(&d, "REPLY DATA 354");
        assert_int_equal(mk_body(d.engine, op, mk_str_z("0123456789012"), true),
                         MK_E_SIZE);
        lend(&d, op, "0123456789\r\n", true);
        desk_said(&d, "0123456789\r\n.\r\n");
        desk_hear(&d, "250 ok\r\n");
        desk_saw(&d, "REPLY end of data 250");
        desk_saw(&d, "DONE OK accepted=1");
        desk_quiet(&d);
        desk_fini(&d);
    }
}

/* RFC 2920 3.1: as far as the unit has room, the rest when it is empty. */
static void test_a_group_larger_than_the_unit(void **state)
{
    char long_path[8][200];
    mk_op op = 0;
    text expected = {0};
    desk d;

    (void)state;
    desk_init(&d, 4096);
    desk_ready(&d, "PIPELINING");
    for (size_t i = 0; i < 8; i++) {
        memset(long_path[i], 'x', sizeof long_path[i]);
        memcpy(long_path[i], "u@0", 3);
        long_path[i][0] = (char)('a' + i);
        for (size_t k = 60; k < sizeof long_path[i]; k += 60) {
            long_path[i][k] = '.';
        }
        d.paths[i] = mk_str_of(long_path[i], sizeof long_path[i]);
    }
    mk_smtp_envelope_init(&d.envelope, sizeof d.envelope);
    d.envelope.forward_paths = d.paths;
    d.envelope.forward_count = 8;
    d.is_slow = true;
    assert_int_equal(mk_smtp_client_send(d.engine, &d.envelope, &op), MK_OK);
    desk_run(&d);
    assert_in_range(d.wire.len, 600, 1024);
    d.is_slow = false;
    desk_run(&d);
    desk_run(&d);
    text_z(&expected, "MAIL FROM:<>\r\n");
    for (size_t i = 0; i < 8; i++) {
        text_z(&expected, "RCPT TO:<");
        text_str(&expected, d.paths[i]);
        text_z(&expected, ">\r\n");
    }
    text_z(&expected, "DATA\r\n");
    desk_said(&d, text_c(&expected));
    text_free(&expected);
    desk_fini(&d);
}

static void test_all_recipients_refused(void **state)
{
    EACH_CHUNK(d)
    {
        mk_op op = 0;
        desk_init(&d, chunks[i_]);
        desk_ready(&d, "");
        desk_send(&d, "a@b.example", "c@d.example e@f.example", &op);
        desk_hear(&d, "250 ok\r\n");
        desk_hear(&d, "550 no\r\n");
        text_clear(&d.wire);
        desk_hear(&d, "450 later\r\n");
        /* no DATA, but RSET, and the outcome when that is through */
        desk_said(&d, "RSET\r\n");
        desk_saw(&d, "REPLY MAIL 250");
        desk_saw(&d, "REPLY RCPT 550 index=0");
        desk_saw(&d, "REPLY RCPT 450 index=1");
        desk_quiet(&d);
        assert_int_equal(desk_send(&d, "", "x@y.example", &op), MK_E_BUSY);
        desk_hear(&d, "250 flushed\r\n");
        desk_saw(&d, "REPLY RSET 250");
        desk_saw(&d, "DONE E_REFUSED accepted=0");
        assert_int_equal(desk_send(&d, "", "x@y.example", &op), MK_OK);
        desk_said(&d, "MAIL FROM:<>\r\n");
        desk_fini(&d);
    }
}

static void test_mail_refused(void **state)
{
    EACH_CHUNK(d)
    {
        mk_op op = 0;
        desk_init(&d, chunks[i_]);
        desk_ready(&d, "PIPELINING");
        desk_send(&d, "a@b.example", "c@d.example", &op);
        text_clear(&d.wire);
        desk_hear(&d, "452 4.3.1 full\r\n503 bad\r\n503 bad\r\n");
        desk_saw(&d, "REPLY MAIL 452 4.3.1");
        desk_saw(&d, "REPLY RCPT 503");
        desk_saw(&d, "REPLY DATA 503");
        desk_saw(&d, "DONE E_REFUSED");
        desk_said(&d, ""); /* there is nothing to reset */
        desk_fini(&d);
    }
}

/* RFC 2920 3.1: 354 although nobody was accepted: a single dot, no body. */
static void test_354_for_nobody(void **state)
{
    static const char *const ends[] = {"554 no valid recipients\r\n",
                                       "250 taken\r\n"};
    EACH_CHUNK(d)
    {
        for (size_t i = 0; i < 2; i++) {
            mk_op op = 0;
            desk_init(&d, chunks[i_]);
            desk_ready(&d, "PIPELINING");
            desk_send(&d, "a@b.example", "c@d.example", &op);
            text_clear(&d.wire);
            desk_hear(&d, "250 ok\r\n550 no\r\n354 go\r\n");
            desk_said(&d, ".\r\n");
            assert_int_equal(d.wanted, 0);
            assert_int_equal(mk_body(d.engine, op, mk_str_z("x"), true),
                             MK_E_STALE);
            desk_hear(&d, ends[i]);
            text_clear(&d.events);
            assert_int_equal(desk_send(&d, "", "x@y.example", &op), MK_OK);
            desk_fini(&d);
        }
    }
}

static void test_outcome_of_354_for_nobody(void **state)
{
    mk_op op = 0;
    desk d;

    (void)state;
    desk_init(&d, 4096);
    desk_ready(&d, "PIPELINING");
    desk_send(&d, "a@b.example", "c@d.example", &op);
    desk_hear(&d, "250 ok\r\n550 no\r\n354 go\r\n");
    desk_hear(&d, "250 taken\r\n");
    desk_saw(&d, "REPLY MAIL 250");
    desk_saw(&d, "REPLY RCPT 550");
    desk_saw(&d, "REPLY DATA 354");
    desk_saw(&d, "REPLY end of data 250");
    desk_saw(&d, "DONE E_REFUSED accepted=0");
    desk_fini(&d);
}

static void test_data_and_end_refused(void **state)
{
    mk_op op = 0;
    desk d;

    (void)state;
    desk_init(&d, 3);
    desk_ready(&d, "");
    desk_send(&d, "a@b.example", "c@d.example", &op);
    desk_hear(&d, "250 ok\r\n");
    desk_hear(&d, "250 ok\r\n");
    text_clear(&d.wire);
    text_clear(&d.events);
    desk_hear(&d, "451 not now\r\n");
    desk_said(&d, "RSET\r\n");
    desk_saw(&d, "REPLY DATA 451");
    desk_hear(&d, "250 ok\r\n");
    desk_saw(&d, "REPLY RSET 250");
    desk_saw(&d, "DONE E_REFUSED accepted=0");
    desk_send(&d, "a@b.example", "c@d.example", &op);
    desk_hear(&d, "250 ok\r\n");
    desk_hear(&d, "250 ok\r\n");
    desk_hear(&d, "354 ok\r\n");
    lend(&d, op, "", true);
    text_clear(&d.events);
    desk_hear(&d, "554 5.6.0 empty\r\n");
    desk_saw(&d, "REPLY end of data 554 5.6.0");
    desk_saw(&d, "DONE E_REFUSED accepted=0");
    desk_quiet(&d);
    desk_fini(&d);
}

static void test_helo_when_ehlo_is_refused(void **state)
{
    static const char *const refusals[] = {"500", "501", "502", "504", "550"};
    desk d;

    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        desk_init(&d, 2);
        desk_open(&d);
        desk_hear(&d, "220-two\r\n220 lines\r\n");
        desk_saw(&d, "REPLY greeting 220 text=\"two\\nlines\"");
        desk_said(&d, "EHLO me.example\r\n");
        desk_hear(&d, refusals[i]);
        desk_hear(&d, "-PIPELINING\r\n");
        desk_hear(&d, refusals[i]);
        desk_hear(&d, " PIPELINING\r\n");
        text_clear(&d.events);
        desk_said(&d, "HELO me.example\r\n");
        desk_hear(&d, "250 hello\r\n");
        desk_saw(&d, "REPLY HELO 250");
        desk_saw(&d, "READY size=0 esmtp=0");
        desk_quiet(&d);
        desk_fini(&d);
    }
}

static void test_session_refused(void **state)
{
    static const struct {
        const char *peer[3]; /* greeting, EHLO, HELO */
        const char *said;
        mk_retry retry;
    } rows[] = {
        {{"554 no\r\n", NULL, NULL}, "QUIT\r\n", MK_RETRY_NEVER},
        {{"450 later\r\n", NULL, NULL}, "QUIT\r\n", MK_RETRY_LATER},
        {{"421 busy\r\n", NULL, NULL}, "", MK_RETRY_LATER},
        {{"220 x\r\n", "554 no\r\n", NULL}, "QUIT\r\n", MK_RETRY_NEVER},
        {{"220 x\r\n", "451 no\r\n", NULL}, "QUIT\r\n", MK_RETRY_LATER},
        {{"220 x\r\n", "421 no\r\n", NULL}, "", MK_RETRY_LATER},
        {{"220 x\r\n", "502 no\r\n", "550 no\r\n"}, "QUIT\r\n", MK_RETRY_NEVER},
        {{"220 x\r\n", "502 no\r\n", "450 no\r\n"}, "QUIT\r\n", MK_RETRY_LATER},
    };
    desk d;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        desk_init(&d, 4096);
        desk_open(&d);
        for (size_t k = 0; k < 3 && rows[i].peer[k] != NULL; k++) {
            text_clear(&d.wire);
            text_clear(&d.events);
            desk_hear(&d, rows[i].peer[k]);
        }
        text_drop(&d.events, strcspn(text_c(&d.events), "\n") + 1);
        desk_saw(&d, "FAULT E_REFUSED");
        assert_int_equal(d.retry, rows[i].retry);
        desk_said(&d, rows[i].said);
        if (rows[i].said[0] != '\0') {
            assert_false(d.is_over);
            desk_hear(&d, "221 bye\r\n");
            text_clear(&d.events);
        }
        assert_true(d.is_over);
        assert_int_equal(mk_want(d.engine), MK_WANT_CLOSE);
        desk_fini(&d);
    }
}

static void test_421_ends_everything(void **state)
{
    desk d;
    mk_op op = 0;

    (void)state;
    desk_init(&d, 4096); /* in reply to RCPT */
    desk_ready(&d, "");
    desk_send(&d, "a@b.example", "c@d.example", &op);
    desk_hear(&d, "250 ok\r\n");
    desk_hear(&d, "421 4.3.2 shutting down\r\n");
    desk_saw(&d, "REPLY MAIL 250");
    desk_saw(&d, "REPLY RCPT 421 4.3.2");
    desk_saw(&d, "FAULT E_REFUSED");
    desk_saw(&d, "DONE E_REFUSED");
    assert_int_equal(d.retry, MK_RETRY_LATER);
    assert_true(d.is_over);
    desk_fini(&d);

    desk_init(&d, 1); /* on its own account, while idle */
    desk_ready(&d, "");
    desk_hear(&d, "421 idle for too long\r\n");
    desk_saw(&d, "REPLY none 421 unasked");
    desk_saw(&d, "FAULT E_REFUSED");
    assert_true(d.is_over);
    desk_fini(&d);

    desk_init(&d, 1); /* in the middle of the body */
    desk_ready(&d, "");
    desk_send(&d, "a@b.example", "c@d.example", &op);
    desk_hear(&d, "250 ok\r\n");
    desk_hear(&d, "250 ok\r\n");
    desk_hear(&d, "354 ok\r\n");
    lend(&d, op, "x\r\n", false);
    text_clear(&d.events);
    text_clear(&d.wire);
    desk_hear(&d, "421 going down\r\n");
    desk_saw(&d, "REPLY none 421 unasked");
    desk_saw(&d, "FAULT E_REFUSED");
    desk_saw(&d, "DONE E_REFUSED accepted=0");
    desk_said(&d, "");
    assert_int_equal(d.retry, MK_RETRY_LATER);
    assert_int_equal(mk_want(d.engine), MK_WANT_ABORT);
    desk_fini(&d);
}

static void test_cancel(void **state)
{
    desk d;
    mk_op op = 0;

    (void)state;
    desk_init(&d, 4096); /* in the envelope: RSET, and the session lives */
    desk_ready(&d, "");
    desk_send(&d, "a@b.example", "c@d.example e@f.example", &op);
    desk_hear(&d, "250 ok\r\n");
    text_clear(&d.wire);
    assert_int_equal(mk_cancel(d.engine, op + 1), MK_E_STALE);
    assert_int_equal(mk_cancel(d.engine, op), MK_OK);
    desk_run(&d);
    desk_hear(&d, "250 ok\r\n");
    desk_said(&d, "RSET\r\n");
    desk_hear(&d, "250 ok\r\n");
    text_drop(&d.events,
              (size_t)(strstr(text_c(&d.events), "DONE") - text_c(&d.events)));
    desk_saw(&d, "DONE E_CANCELLED accepted=0");
    assert_int_equal(mk_cancel(d.engine, op), MK_E_STALE);
    assert_int_equal(desk_send(&d, "", "x@y.example", &op), MK_OK);
    desk_fini(&d);

    desk_init(&d, 4096); /* in the body: no dot, ever */
    desk_ready(&d, "");
    desk_send(&d, "a@b.example", "c@d.example", &op);
    desk_hear(&d, "250 ok\r\n");
    desk_hear(&d, "250 ok\r\n");
    desk_hear(&d, "354 ok\r\n");
    d.is_slow = true;
    lend(&d, op, "x\r\n", false);
    text_clear(&d.events);
    assert_int_equal(mk_cancel(d.engine, op), MK_OK);
    desk_run(&d);
    desk_saw(&d, "DONE E_CANCELLED accepted=0");
    assert_true(d.is_over);
    assert_int_equal(mk_want(d.engine), MK_WANT_ABORT);
    assert_int_equal(mk_body(d.engine, op, mk_str_z("y"), true), MK_E_STALE);
    desk_fini(&d);

    desk_init(&d, 4096); /* DATA is out in a group: 354 has no way back */
    desk_ready(&d, "PIPELINING");
    desk_send(&d, "a@b.example", "c@d.example", &op);
    text_clear(&d.wire);
    assert_int_equal(mk_cancel(d.engine, op), MK_OK);
    desk_hear(&d, "250 ok\r\n250 ok\r\n354 ok\r\n");
    desk_said(&d, "");
    assert_non_null(strstr(text_c(&d.events), "DONE E_CANCELLED"));
    assert_int_equal(mk_want(d.engine), MK_WANT_ABORT);
    desk_fini(&d);
}

static void test_small_commands(void **state)
{
    static const struct {
        mk_smtp_verb verb;
        const char *argument;
        const char *said;
        const char *reply;
        const char *done;
    } rows[] = {
        {MK_SMTP_VERB_NOOP, "", "NOOP\r\n", "250 ok\r\n", "DONE OK"},
        {MK_SMTP_VERB_NOOP, "hi", "NOOP hi\r\n", "250 ok\r\n", "DONE OK"},
        {MK_SMTP_VERB_RSET, "", "RSET\r\n", "250 ok\r\n", "DONE OK"},
        {MK_SMTP_VERB_VRFY, "bob", "VRFY bob\r\n", "252 maybe\r\n", "DONE OK"},
        {MK_SMTP_VERB_EXPN, "l", "EXPN l\r\n", "550 no\r\n", "DONE E_REFUSED"},
        {MK_SMTP_VERB_HELP, "", "HELP\r\n", "214-a\r\n214 b\r\n", "DONE OK"},
    };
    mk_op op = 0;
    desk d;

    (void)state;
    desk_init(&d, 2);
    desk_ready(&d, "PIPELINING");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(mk_smtp_client_command(d.engine, rows[i].verb,
                                                mk_str_z(rows[i].argument),
                                                &op),
                         MK_OK);
        desk_run(&d);
        desk_said(&d, rows[i].said);
        desk_hear(&d, rows[i].reply);
        text_drop(&d.events, strcspn(text_c(&d.events), "\n") + 1);
        desk_saw(&d, rows[i].done);
        desk_quiet(&d);
    }
    assert_int_equal(
        mk_smtp_client_command(d.engine, MK_SMTP_VERB_DATA, mk_str_z(""), &op),
        MK_E_ARG);
    assert_int_equal(
        mk_smtp_client_command(d.engine, MK_SMTP_VERB_VRFY, mk_str_z(""), &op),
        MK_E_ARG);
    desk_fini(&d);
}

/* RFC 5321 4.5.3.2: each stage has its own patience. */
static void test_deadlines(void **state)
{
    static const struct {
        const char *peer[6]; /* replies until the stage */
        uint64_t ms;
        bool lend_some;
        bool lend_all;
        mk_retry retry;
    } rows[] = {
        {{NULL}, 300000, false, false, MK_RETRY_LATER},
        {{"220 x\r\n", NULL}, 300000, false, false, MK_RETRY_LATER},
        {{"220 x\r\n", "250 x\r\n", NULL},
         300000,
         false,
         false,
         MK_RETRY_LATER},
        {{"220 x\r\n", "250 x\r\n", "250 x\r\n", NULL},
         300000,
         false,
         false,
         MK_RETRY_LATER},
        {{"220 x\r\n", "250 x\r\n", "250 x\r\n", "250 x\r\n", NULL},
         120000,
         false,
         false,
         MK_RETRY_LATER},
        {{"220 x\r\n", "250 x\r\n", "250 x\r\n", "250 x\r\n", "354 x\r\n",
          NULL},
         180000,
         true,
         false,
         MK_RETRY_LATER},
        {{"220 x\r\n", "250 x\r\n", "250 x\r\n", "250 x\r\n", "354 x\r\n",
          NULL},
         600000,
         false,
         true,
         MK_RETRY_UNKNOWN},
    };
    desk d;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mk_op op = 0;
        desk_init(&d, 4096);
        desk_open(&d);
        for (size_t k = 0; rows[i].peer[k] != NULL; k++) {
            desk_hear(&d, rows[i].peer[k]);
            if (k == 1) {
                desk_send(&d, "", "a@b.example", &op);
            }
        }
        d.is_slow = rows[i].lend_some;
        if (rows[i].lend_some || rows[i].lend_all) {
            lend(&d, op, "x\r\n", rows[i].lend_all);
        }
        text_clear(&d.events);
        assert_int_equal(mk_deadline(d.engine), d.rig.now_ms + rows[i].ms);
        /* a reply that trickles in does not win time */
        desk_wait(&d, rows[i].ms - 1);
        desk_hear(&d, "2");
        desk_quiet(&d);
        desk_wait(&d, 1);
        desk_saw(&d, "FAULT E_TIMEOUT");
        assert_int_equal(d.retry, rows[i].retry);
        assert_true(d.is_over);
        assert_int_equal(mk_want(d.engine),
                         rows[i].lend_some ? MK_WANT_ABORT : MK_WANT_CLOSE);
        desk_fini(&d);
    }
}

static void test_the_application_is_late(void **state)
{
    mk_op op = 0;
    desk d;

    (void)state;
    desk_init(&d, 4096);
    desk_ready(&d, "");
    desk_wait(&d, 299999);
    desk_said(&d, "");
    desk_wait(&d, 1);
    desk_said(&d, "QUIT\r\n");
    desk_wait(&d, 5000);
    desk_quiet(&d); /* nobody is to blame */
    assert_true(d.is_over);
    desk_fini(&d);

    desk_init(&d, 4096);
    desk_ready(&d, "");
    desk_send(&d, "", "a@b.example", &op);
    desk_hear(&d, "250 ok\r\n");
    desk_hear(&d, "250 ok\r\n");
    desk_hear(&d, "354 ok\r\n");
    lend(&d, op, "x\r\n", false);
    text_clear(&d.events);
    text_clear(&d.wire);
    desk_wait(&d, 300000);
    desk_saw(&d, "DONE E_TIMEOUT");
    desk_quiet(&d);
    desk_said(&d, "");
    assert_int_equal(mk_want(d.engine), MK_WANT_ABORT);
    desk_fini(&d);
}

static void test_finish(void **state)
{
    mk_op op = 0;
    desk d;

    (void)state;
    desk_init(&d, 4096); /* before anything: QUIT instead of EHLO */
    desk_open(&d);
    mk_finish(d.engine, mk_str_z(""));
    desk_hear(&d, "220 x\r\n");
    desk_said(&d, "QUIT\r\n");
    desk_fini(&d);

    desk_init(&d, 4096); /* within a message: after it */
    desk_ready(&d, "");
    desk_send(&d, "", "a@b.example", &op);
    mk_finish(d.engine, mk_str_z(""));
    desk_hear(&d, "250 ok\r\n");
    desk_hear(&d, "250 ok\r\n");
    desk_hear(&d, "354 ok\r\n");
    lend(&d, op, "x\r\n", true);
    text_clear(&d.wire);
    text_clear(&d.events);
    desk_hear(&d, "250 ok\r\n");
    desk_saw(&d, "REPLY end of data 250");
    desk_saw(&d, "DONE OK");
    desk_said(&d, "QUIT\r\n");
    assert_int_equal(desk_send(&d, "", "a@b.example", &op), MK_E_STATE);
    mk_in_eof(d.engine, MK_OK); /* after QUIT that is no fault */
    desk_run(&d);
    desk_quiet(&d);
    assert_true(d.is_over);
    desk_fini(&d);
}

static void test_units_of_a_pool(void **state)
{
    mk_op op = 0;
    mk_pool pool;
    void *other;
    desk d;

    (void)state;
    assert_int_equal(mk_pool_init(&pool, mk_alloc_libc(), 1024, 1), MK_OK);
    desk_init(&d, 4096);
    d.config.units = &pool;
    desk_ready(&d, "PIPELINING");
    assert_int_equal(pool.taken, 0); /* nothing queued: nothing on loan */
    other = mk_pool_take(&pool);
    assert_int_equal(desk_send(&d, "", "a@b.example", &op), MK_OK);
    desk_said(&d, "");
    assert_int_equal(mk_deadline(d.engine), d.rig.now_ms + 100);
    assert_int_equal(mk_want(d.engine), MK_WANT_READ);
    mk_pool_give(&pool, other);
    desk_wait(&d, 100);
    desk_said(&d, "MAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n");
    desk_hear(&d, "250 ok\r\n250 ok\r\n354 ok\r\n");
    other = mk_pool_take(&pool);
    lend(&d, op, "x\r\n", true); /* a body needs no unit, its dot does */
    desk_said(&d, "x\r\n");
    mk_pool_give(&pool, other);
    desk_wait(&d, 100);
    desk_said(&d, ".\r\n");
    desk_hear(&d, "250 ok\r\n");
    other = mk_pool_take(&pool); /* who gives up waits for no unit either */
    assert_int_equal(desk_send(&d, "", "a@b.example", &op), MK_OK);
    assert_int_equal(mk_cancel(d.engine, op), MK_OK);
    desk_run(&d);
    assert_int_equal(mk_deadline(d.engine), d.rig.now_ms + 300000);
    assert_int_equal(mk_smtp_client_command(d.engine, MK_SMTP_VERB_NOOP,
                                            mk_str_of(NULL, 0), &op),
                     MK_WAIT);
    desk_wait(&d, 100);
    assert_int_equal(mk_deadline(d.engine), d.rig.now_ms + 299900);
    mk_pool_give(&pool, other);
    desk_fini(&d);
    assert_int_equal(pool.taken, 0);
    mk_pool_fini(&pool);
}

static void test_settings(void **state)
{
    mk_smtp_client_config c;
    mk_engine *e = NULL;
    char mem[MK_SMTP_CLIENT_NEED + 8];
    char *block = mem + (8 - (uintptr_t)mem % 8);

    (void)state;
    assert_int_equal(mk_smtp_client_config_init(&c, 1), MK_E_ARG);
    assert_int_equal(mk_smtp_client_config_init(&c, sizeof c), MK_OK);
    assert_int_equal(mk_smtp_client_need(&c), 0); /* no host name */
    c.hostname = mk_str_z("[192.0.2.1]");
    assert_in_range(mk_smtp_client_need(&c), MK_SMTP_CLIENT_NEED - 64,
                    MK_SMTP_CLIENT_NEED);
    assert_int_equal(
        mk_smtp_client_open(&c, block, mk_smtp_client_need(&c) - 1, &e),
        MK_E_ROOM);
    assert_int_equal(
        mk_smtp_client_open(&c, block + 1, MK_SMTP_CLIENT_NEED, &e), MK_E_ARG);
    c.end_ms = 0;
    assert_int_equal(mk_smtp_client_open(&c, block, MK_SMTP_CLIENT_NEED, &e),
                     MK_E_ARG);
    c.end_ms = 1;
    c.reply_lines_max = 0;
    assert_int_equal(mk_smtp_client_open(&c, block, MK_SMTP_CLIENT_NEED, &e),
                     MK_E_ARG);
    c.reply_lines_max = 1;
    assert_int_equal(mk_smtp_client_open(&c, block, MK_SMTP_CLIENT_NEED, &e),
                     MK_OK);
    mk_close(e);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_message_one_by_one),
        cmocka_unit_test(test_a_group),
        cmocka_unit_test(test_a_group_larger_than_the_unit),
        cmocka_unit_test(test_all_recipients_refused),
        cmocka_unit_test(test_mail_refused),
        cmocka_unit_test(test_354_for_nobody),
        cmocka_unit_test(test_outcome_of_354_for_nobody),
        cmocka_unit_test(test_data_and_end_refused),
        cmocka_unit_test(test_helo_when_ehlo_is_refused),
        cmocka_unit_test(test_session_refused),
        cmocka_unit_test(test_421_ends_everything),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_small_commands),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_the_application_is_late),
        cmocka_unit_test(test_finish),
        cmocka_unit_test(test_units_of_a_pool),
        cmocka_unit_test(test_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

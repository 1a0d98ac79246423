/* SPDX-License-Identifier: MIT
 *
 * test_client_edges.c: the corners of the SMTP client: what a second message
 * must not inherit from the first, verbs called at the wrong moment, replies
 * that come slowly, and what is known although the session broke.
 */
#include "desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One message to a@b.example, taken by the server. */
static void deliver(desk *d, const char *body)
{
    mk_op op = 0;

    assert_int_equal(desk_send(d, "", "a@b.example", &op), MK_OK);
    desk_hear(d, "250 ok\r\n");
    desk_hear(d, "250 ok\r\n");
    desk_hear(d, "354 ok\r\n");
    assert_int_equal(mk_body(d->engine, op, mk_str_z(body), true), MK_OK);
    assert_int_equal(mk_body(d->engine, op, mk_str_z(body), true), MK_E_STALE);
    desk_run(d);
    desk_hear(d, "250 ok\r\n");
    assert_non_null(strstr(text_c(&d->events), "DONE OK"));
    text_clear(&d->events);
    text_clear(&d->wire);
}

static void test_a_second_message_begins_anew(void **state)
{
    mk_op op = 0;
    desk d;

    (void)state;
    desk_init(&d, 4096);
    desk_ready(&d, "");
    d.envelope.message_bytes = 8;
    deliver(&d, "123456\r\n");
    deliver(&d, "123456\r\n"); /* the bound holds for each */
    /* given up before a word of it: there is nothing to reset */
    assert_int_equal(mk_smtp_client_send(d.engine, &d.envelope, &op), MK_OK);
    assert_int_equal(mk_cancel(d.engine, op), MK_OK);
    desk_run(&d);
    desk_said(&d, "");
    desk_saw(&d, "DONE E_CANCELLED");
    deliver(&d, "x\r\n");
    desk_fini(&d);
}

static void test_replies_that_come_slowly(void **state)
{
    mk_op op = 0;
    desk d;

    (void)state;
    desk_init(&d, 4096);
    desk_ready(&d, "PIPELINING");
    desk_send(&d, "", "a@b.example c@d.example", &op);
    for (size_t i = 0; i < 3; i++) { /* each has its own 300 s */
        desk_wait(&d, 200000);
        desk_hear(&d, "250 ok\r\n");
    }
    assert_null(strstr(text_c(&d.events), "FAULT"));
    desk_wait(&d, 119999);
    assert_null(strstr(text_c(&d.events), "FAULT"));
    desk_wait(&d, 1);
    assert_non_null(strstr(text_c(&d.events), "FAULT E_TIMEOUT"));
    desk_fini(&d);
}

/* The dot counts as said when all of it is acknowledged. */
static void test_a_verdict_before_the_dot_is_out(void **state)
{
    mk_op op = 0;
    desk d;

    (void)state;
    desk_init(&d, 4096);
    desk_ready(&d, "");
    desk_send(&d, "", "a@b.example", &op);
    desk_hear(&d, "250 ok\r\n");
    desk_hear(&d, "250 ok\r\n");
    desk_hear(&d, "354 ok\r\n");
    d.is_slow = true;
    mk_body(d.engine, op, mk_str_z("x\r\n"), true);
    desk_run(&d);
    desk_ack(&d, sizeof "x\r\n.\r\n" - 2);
    text_clear(&d.events);
    desk_hear(&d, "250 queued\r\n");
    desk_saw(&d, "FAULT E_EARLY");
    assert_int_equal(d.retry, MK_RETRY_LATER);
    desk_saw(&d, "DONE E_EARLY accepted=0");
    assert_int_equal(mk_want(d.engine), MK_WANT_ABORT);
    desk_fini(&d);
}

/* The transport takes n octets, and the driver steps. */
static void take(desk *d, size_t n)
{
    desk_ack(d, n);
    desk_run(d);
}

/* A body under way, acknowledged by the test. */
static mk_op begin_body(desk *d)
{
    mk_op op = 0;

    desk_init(d, 4096);
    desk_ready(d, "");
    desk_send(d, "", "a@b.example", &op);
    desk_hear(d, "250 ok\r\n");
    desk_hear(d, "250 ok\r\n");
    desk_hear(d, "354 ok\r\n");
    text_clear(&d->events);
    d->is_slow = true;
    return op;
}

/* RFC 5321 4.5.3.2.5: a block is taken in its time, however its octets go. */
static void sec_113_a_body_taken_octet_by_octet(void **state)
{
    enum { BODY = 40000 };
    desk d;

    (void)state;
    mk_op op = begin_body(&d);
    char *octets = malloc(BODY);
    assert_non_null(octets);
    memset(octets, 'x', BODY);
    mk_body(d.engine, op, mk_str_of(octets, BODY), false);
    desk_run(&d);
    for (unsigned i = 0; i < 2; i++) { /* two blocks, each just in time */
        desk_wait(&d, d.config.block_ms - 1);
        take(&d, d.config.block_bytes);
    }
    for (unsigned i = 0; i < 18; i++) {
        assert_null(strstr(text_c(&d.events), "FAULT"));
        take(&d, 1);
        desk_wait(&d, d.config.block_ms / 18);
    }
    assert_non_null(strstr(text_c(&d.events), "FAULT E_TIMEOUT"));
    assert_int_equal(mk_want(d.engine), MK_WANT_ABORT);
    desk_fini(&d);
    free(octets);
}

/* Lending in pieces gives the server no more time, and the time that the
 * application takes for the next one is not the server's. */
static void sec_113_a_body_lent_in_pieces(void **state)
{
    desk d;

    (void)state;
    mk_op op = begin_body(&d);
    for (unsigned i = 0; i < 3; i++) {
        assert_null(strstr(text_c(&d.events), "FAULT"));
        mk_body(d.engine, op, mk_str_z("line\r\n"), false);
        desk_run(&d);
        desk_wait(&d, 50000);
        take(&d, 6);
        desk_wait(&d, 200000);
    }
    mk_body(d.engine, op, mk_str_z("line\r\n"), false);
    desk_run(&d);
    desk_wait(&d, 29999);
    assert_null(strstr(text_c(&d.events), "FAULT"));
    desk_wait(&d, 1);
    assert_non_null(strstr(text_c(&d.events), "FAULT E_TIMEOUT"));
    desk_fini(&d);
}

/* The reply to the dot has its whole time from when the dot was taken. */
static void sec_113_the_end_has_its_own_time(void **state)
{
    desk d;

    (void)state;
    mk_op op = begin_body(&d);
    mk_body(d.engine, op, mk_str_z("line\r\n"), true);
    desk_run(&d);
    desk_wait(&d, 100000);
    take(&d, 9);
    desk_wait(&d, d.config.end_ms - 1);
    assert_null(strstr(text_c(&d.events), "FAULT"));
    desk_wait(&d, 1);
    assert_non_null(strstr(text_c(&d.events), "FAULT E_TIMEOUT"));
    assert_int_equal(d.retry, MK_RETRY_UNKNOWN);
    desk_fini(&d);
}

static void test_a_lone_dot_delivers_nothing(void **state)
{
    mk_op op = 0;
    desk d;

    (void)state;
    desk_init(&d, 4096);
    desk_ready(&d, "PIPELINING");
    desk_send(&d, "", "a@b.example", &op);
    desk_hear(&d, "250 ok\r\n550 no\r\n354 ok\r\n");
    mk_in_eof(d.engine, MK_OK);
    desk_run(&d);
    assert_non_null(strstr(text_c(&d.events), "FAULT E_CUT retry=LATER"));
    desk_fini(&d);
}

/* All was refused, and the session breaks in RSET: the outcome is known. */
static void test_a_break_in_rset(void **state)
{
    mk_op op = 0;
    desk d;

    (void)state;
    desk_init(&d, 4096);
    desk_ready(&d, "");
    desk_send(&d, "", "a@b.example", &op);
    desk_hear(&d, "250 ok\r\n");
    desk_hear(&d, "550 no\r\n");
    text_clear(&d.events);
    mk_in_eof(d.engine, MK_OK);
    desk_run(&d);
    desk_saw(&d, "FAULT E_CUT");
    desk_saw(&d, "DONE E_REFUSED");
    desk_fini(&d);

    desk_init(&d, 4096); /* who refuses RSET gets QUIT and no more mail */
    desk_ready(&d, "");
    desk_send(&d, "", "a@b.example", &op);
    desk_hear(&d, "250 ok\r\n");
    desk_hear(&d, "550 no\r\n");
    text_clear(&d.events);
    text_clear(&d.wire);
    desk_hear(&d, "502 what\r\n");
    desk_saw(&d, "REPLY RSET 502");
    desk_saw(&d, "DONE E_REFUSED");
    desk_said(&d, "QUIT\r\n");
    desk_fini(&d);
}

static void test_a_small_command_is_cancelled(void **state)
{
    mk_op op = 0;
    desk d;

    (void)state;
    desk_init(&d, 4096);
    desk_ready(&d, "");
    mk_smtp_client_command(d.engine, MK_SMTP_VERB_NOOP, mk_str_z(""), &op);
    assert_int_equal(mk_cancel(d.engine, op), MK_OK);
    desk_run(&d);
    desk_quiet(&d); /* the reply must be waited for */
    desk_hear(&d, "250 ok\r\n");
    desk_saw(&d, "REPLY NOOP 250");
    desk_saw(&d, "DONE E_CANCELLED");
    deliver(&d, "x\r\n");
    desk_fini(&d);
}

/* What was lent goes back with DONE: nothing is told of it behind that, whether
 * the final dot has left or not. */
static void test_cancel_gives_all_back(void **state)
{
    static const struct {
        uint64_t unsent; /* octets kept back */
        unsigned want;
    } rows[] = {{0, MK_WANT_CLOSE}, {1, MK_WANT_ABORT}, {7, MK_WANT_ABORT}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        mk_str none = mk_str_of("", 0);
        mk_event ev;
        mk_op op = 0;
        desk d;

        desk_init(&d, 4096);
        desk_ready(&d, "PIPELINING");
        desk_send(&d, "", "a@b.example", &op);
        desk_hear(&d, "250 ok\r\n250 ok\r\n354 go\r\n");
        assert_int_equal(mk_body(d.engine, op, mk_str_z("x\r\n"), false),
                         MK_OK);
        assert_int_equal(mk_body(d.engine, op, mk_str_z("y\r\n"), true), MK_OK);
        assert_int_equal(mk_step(d.engine, 0, &none, &ev), MK_WAIT);
        assert_int_equal(mk_out_sent(d.engine, 9 - rows[i].unsent), MK_OK);
        assert_int_equal(mk_cancel(d.engine, op), MK_OK);
        assert_int_equal(mk_step(d.engine, 0, &none, &ev), MK_OK);
        assert_int_equal(ev.type, MK_EV_DONE);
        assert_int_equal(ev.err, MK_E_CANCELLED);
        assert_int_equal(mk_step(d.engine, 0, &none, &ev), MK_END);
        assert_int_equal(mk_want(d.engine), rows[i].want);
        desk_fini(&d);
    }
}

/* Between two events of one step: what is decided stays decided. */
static void test_verbs_between_events(void **state)
{
    static const char octets[] = "250 ok\r\n";
    mk_event ev;
    mk_op op = 0;
    mk_op other = 0;
    desk d;

    (void)state;
    desk_init(&d, 4096);
    desk_open(&d);
    assert_int_equal(desk_send(&d, "", "a@b.example", &op), MK_E_STATE);
    desk_hear(&d, "220 x\r\n");
    rig_push(&d.rig, octets, sizeof octets - 1);
    assert_int_equal(rig_step(&d.rig, &ev), MK_OK);
    assert_int_equal(ev.type, MK_EV_SMTP_REPLY);
    mk_smtp_envelope_init(&d.envelope, sizeof d.envelope);
    d.paths[0] = mk_str_z("a@b.example");
    d.envelope.forward_paths = d.paths;
    d.envelope.forward_count = 1;
    assert_int_equal(mk_smtp_client_send(d.engine, &d.envelope, &op),
                     MK_E_STATE);
    assert_int_equal(rig_step(&d.rig, &ev), MK_OK);
    assert_int_equal(ev.type, MK_EV_SMTP_READY);
    assert_int_equal(
        mk_smtp_client_command(d.engine, MK_SMTP_VERB_NOOP, mk_str_z(""), &op),
        MK_OK);
    desk_run(&d);
    rig_push(&d.rig, octets, sizeof octets - 1);
    assert_int_equal(rig_step(&d.rig, &ev), MK_OK);
    assert_int_equal(ev.type, MK_EV_SMTP_REPLY);
    assert_int_equal(mk_smtp_client_quit(d.engine, &other), MK_E_BUSY);
    assert_int_equal(mk_cancel(d.engine, op), MK_E_STALE);
    assert_int_equal(rig_step(&d.rig, &ev), MK_OK);
    assert_int_equal(ev.type, MK_EV_DONE);
    assert_int_equal(ev.err, MK_OK);
    mk_finish(d.engine, mk_str_z(""));
    assert_int_equal(mk_smtp_client_send(d.engine, &d.envelope, &op),
                     MK_E_STATE);
    desk_fini(&d);
}

static void test_extensions(void **state)
{
    mk_op op = 0;
    desk d;

    (void)state;
    desk_init(&d, 4096); /* not used when the settings say no */
    d.config.extensions = MK_SMTP_EXTENSION_8BITMIME;
    desk_ready(&d, "SIZE 5\nPIPELINING\n8BITMIME");
    d.envelope.message_bytes = 6;
    d.envelope.body = MK_SMTP_BODY_7BIT;
    assert_int_equal(desk_send(&d, "", "a@b.example", &op), MK_OK);
    desk_said(&d, "MAIL FROM:<> BODY=7BIT\r\n");
    desk_fini(&d);

    desk_init(&d, 4096); /* the first line names the server */
    desk_open(&d);
    desk_hear(&d, "220 x\r\n");
    desk_hear(&d, "250-SIZE 5\r\n250-SIZEX 6\r\n250 8BITMIMES\r\n");
    text_clear(&d.wire);
    text_clear(&d.events);
    d.envelope.message_bytes = 7;
    assert_int_equal(desk_send(&d, "", "a@b.example", &op), MK_OK);
    desk_said(&d, "MAIL FROM:<>\r\n");
    desk_fini(&d);

    static const char *const unlimited[] = {"SIZE", "SIZE 0", "size x",
                                            "SIZE 99999999999999999999"};
    for (size_t i = 0; i < sizeof unlimited / sizeof *unlimited; i++) {
        desk_init(&d, 4096);
        desk_ready(&d, unlimited[i]);
        d.envelope.message_bytes = UINT64_MAX;
        assert_int_equal(desk_send(&d, "", "a@b.example", &op), MK_OK);
        desk_said(&d, "MAIL FROM:<> SIZE=18446744073709551615\r\n");
        desk_fini(&d);
    }
}

static void test_keywords_of_a_refused_ehlo(void **state)
{
    mk_op op = 0;
    desk d;

    (void)state;
    desk_init(&d, 4096);
    desk_open(&d);
    desk_hear(&d, "220 x\r\n");
    desk_hear(&d, "502-no\r\n502-PIPELINING\r\n502 SIZE 5\r\n");
    desk_hear(&d, "250-x\r\n250-PIPELINING\r\n250 SIZE 5\r\n");
    text_clear(&d.wire);
    d.envelope.message_bytes = 7;
    assert_int_equal(desk_send(&d, "", "a@b.example", &op), MK_OK);
    desk_said(&d, "MAIL FROM:<>\r\n");
    desk_fini(&d);
}

/* An envelope is borrowed until DONE and not looked at behind it. */
static void test_an_envelope_is_given_back(void **state)
{
    mk_smtp_envelope *envelope = malloc(sizeof *envelope);
    mk_str recipient = mk_str_z("a@b.example");
    mk_op op = 0;
    desk d;

    (void)state;
    assert_non_null(envelope);
    mk_smtp_envelope_init(envelope, sizeof *envelope);
    envelope->forward_paths = &recipient;
    envelope->forward_count = 1;
    desk_init(&d, 4096);
    desk_ready(&d, "");
    assert_int_equal(mk_smtp_client_send(d.engine, envelope, &op), MK_OK);
    desk_run(&d);
    desk_hear(&d, "450 later\r\n");
    desk_saw(&d, "REPLY MAIL 450");
    desk_saw(&d, "DONE E_REFUSED");
    memset(envelope, 0xff, sizeof *envelope);
    free(envelope);
    assert_true(mk_deadline(d.engine) > d.rig.now_ms);
    desk_hear(&d, "421 4.4.2 idle\r\n");
    desk_saw(&d, "REPLY none 421 4.4.2 unasked");
    desk_fini(&d);
}

static void test_bad_settings(void **state)
{
    static uint64_t block[MK_SMTP_CLIENT_NEED / 8];
    mk_smtp_client_config c;
    mk_engine *e = NULL;
    mk_op op = 0;
    desk d;

    (void)state;
    mk_smtp_client_config_init(&c, sizeof c);
    c.hostname = mk_str_z("not a name");
    assert_int_equal(mk_smtp_client_open(&c, block, sizeof block, &e),
                     MK_E_ARG);
    c.hostname = mk_str_z("name.example");
    c.reply_max = c.reply_line_max - 1;
    assert_int_equal(mk_smtp_client_open(&c, block, sizeof block, &e),
                     MK_E_ARG);
    c.reply_max = c.reply_line_max;
    assert_int_equal(mk_smtp_client_open(&c, block, sizeof block, &e), MK_OK);
    assert_int_equal(mk_smtp_client_quit(e, NULL), MK_E_ARG);
    assert_int_equal(mk_smtp_client_quit(NULL, &op), MK_E_STATE);
    mk_close(e);

    desk_init(&d, 4096);
    desk_ready(&d, "");
    mk_smtp_envelope_init(&d.envelope, sizeof d.envelope);
    d.envelope.forward_paths = d.paths;
    d.envelope.forward_count = 1;
    d.paths[0] = mk_str_of(NULL, 5);
    assert_int_equal(mk_smtp_client_send(d.engine, &d.envelope, &op),
                     MK_E_SYNTAX);
    d.envelope.forward_paths = NULL;
    assert_int_equal(mk_smtp_client_send(d.engine, &d.envelope, &op), MK_E_ARG);
    assert_int_equal(mk_smtp_client_send(d.engine, NULL, &op), MK_E_ARG);
    desk_fini(&d);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_second_message_begins_anew),
        cmocka_unit_test(test_replies_that_come_slowly),
        cmocka_unit_test(test_a_verdict_before_the_dot_is_out),
        cmocka_unit_test(sec_113_a_body_taken_octet_by_octet),
        cmocka_unit_test(sec_113_a_body_lent_in_pieces),
        cmocka_unit_test(sec_113_the_end_has_its_own_time),
        cmocka_unit_test(test_a_lone_dot_delivers_nothing),
        cmocka_unit_test(test_a_break_in_rset),
        cmocka_unit_test(test_a_small_command_is_cancelled),
        cmocka_unit_test(test_cancel_gives_all_back),
        cmocka_unit_test(test_verbs_between_events),
        cmocka_unit_test(test_extensions),
        cmocka_unit_test(test_keywords_of_a_refused_ehlo),
        cmocka_unit_test(test_an_envelope_is_given_back),
        cmocka_unit_test(test_bad_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * test_server_stream.c: what the POP3 server is lent: spans and how they come
 * back (Law 7), rows and the room for them, messages of any size, and readers
 * that take their time (THREATS 113). RFC 1939 5, 7.
 */
#include "server_site.h"

#include <stdlib.h>
#include <string.h>

/* ---- spans --------------------------------------------------------------- */

static void law7_spans_come_back_as_they_were_lent(void **state)
{
    static const mk_str first = MK_STR_INIT("a: b\r\n");
    static const mk_str second = MK_STR_INIT("\r\n.x\r\n");
    static const mk_str third = MK_STR_INIT("y\r\n");
    site t;

    (void)state;
    site_open(&t);
    site_log_in(&t, 2);
    mk_op op = site_begin(&t, "RETR 1\r\n");
    assert_int_equal(mk_body(t.engine, op, first, false), MK_WAIT);
    assert_int_equal(mk_body(t.engine, op + 1, first, false), MK_E_STALE);
    assert_int_equal(site_step(&t), MK_OK);
    site_expect(&t, MK_EV_WANTED);
    assert_int_equal(t.ev.size, 2);
    assert_int_equal(mk_body(t.engine, op, first, false), MK_OK);
    assert_int_equal(mk_body(t.engine, op, second, false), MK_OK);
    assert_int_equal(mk_body(t.engine, op, third, true), MK_WAIT);
    assert_int_equal(site_step(&t), MK_WAIT);
    site_acknowledge(&t);
    assert_int_equal(site_step(&t), MK_OK);
    assert_ptr_equal(t.ev.data.ptr, first.ptr);
    assert_int_equal(site_step(&t), MK_OK);
    assert_ptr_equal(t.ev.data.ptr, second.ptr);
    assert_int_equal(t.ev.data.len, second.len);
    assert_int_equal(mk_body(t.engine, op, third, true), MK_OK);
    assert_int_equal(mk_body(t.engine, op, third, true), MK_E_STALE);
    assert_int_equal(site_step(&t), MK_WAIT);
    assert_string_equal(site_queued(&t), "y\r\n.\r\n");
    site_acknowledge(&t);
    assert_int_equal(site_step(&t), MK_OK);
    assert_ptr_equal(t.ev.data.ptr, third.ptr);
    assert_int_equal(t.ev.flags, MK_LAST);
    assert_int_equal(site_step(&t), MK_WAIT);
    assert_int_equal(mk_body(t.engine, op, third, true), MK_E_STALE);
    site_close(&t);
}

/* Of a TOP one at a time; the last goes out in part, and comes back whole. */
static void law7_so_do_those_of_a_top(void **state)
{
    static const mk_str first = MK_STR_INIT("a: b\r\n");
    static const mk_str second = MK_STR_INIT("\r\none\r\ntwo\r\nthree\r\n");
    site t;

    (void)state;
    site_open(&t);
    site_log_in(&t, 2);
    mk_op op = site_begin_body(&t, "TOP 2 1\r\n", 1);
    assert_int_equal(mk_body(t.engine, op, first, false), MK_OK);
    assert_int_equal(site_step(&t), MK_WAIT);
    site_acknowledge(&t);
    assert_int_equal(site_step(&t), MK_OK);
    assert_int_equal(t.ev.size, 1);
    assert_int_equal(t.ev.flags, 0);
    assert_int_equal(t.ev.data.len, first.len);
    assert_int_equal(mk_body(t.engine, op, second, false), MK_OK);
    assert_int_equal(mk_body(t.engine, op, first, false), MK_WAIT);
    assert_int_equal(site_step(&t), MK_WAIT);
    assert_string_equal(site_queued(&t), "\r\none\r\n.\r\n");
    site_acknowledge(&t);
    assert_int_equal(site_step(&t), MK_OK);
    site_expect(&t, MK_EV_WANTED);
    assert_int_equal(t.ev.flags, MK_LAST);
    assert_int_equal(t.ev.size, 0);
    assert_ptr_equal(t.ev.data.ptr, second.ptr);
    assert_int_equal(t.ev.data.len, second.len);
    assert_int_equal(mk_body(t.engine, op, first, false), MK_E_STALE);
    /* what a TOP was cut at is nothing to a RETR behind it */
    op = site_begin_body(&t, "RETR 2\r\n", 2);
    assert_int_equal(mk_body(t.engine, op, second, true), MK_OK);
    assert_int_equal(site_step(&t), MK_WAIT);
    assert_string_equal(site_queued(&t),
                        "+OK Message follows\r\n\r\none\r\ntwo\r\n"
                        "three\r\n.\r\n");
    site_close(&t);
}

/* RFC 1939 5, THREATS 113: 100 MiB, and all of it lies with who lent it. */
static void law6_a_message_of_any_size_holds_nothing(void **state)
{
    enum { PIECE = 1024 * 1024, PIECES = 100 };
    char *piece = malloc(PIECE);
    uint64_t sum = 0;
    site t;

    (void)state;
    assert_non_null(piece);
    memset(piece, 'x', PIECE);
    for (size_t i = 0; i + 64 <= PIECE; i += 64) {
        piece[i] = '.';
        memcpy(piece + i + 62, "\r\n", 2);
    }
    site_open(&t);
    site_log_in(&t, 1);
    mk_op op = site_begin_body(&t, "RETR 1\r\n", 2);
    sum = site_acknowledge(&t); /* the status line */
    for (unsigned i = 0; i < PIECES; i++) {
        assert_int_equal(
            mk_body(t.engine, op, mk_str_of(piece, PIECE), i + 1 == PIECES),
            MK_OK);
        while (site_step(&t) == MK_OK) {
            site_expect(&t, MK_EV_WANTED);
        }
        sum += site_acknowledge(&t);
        assert_true(t.units.taken <= 1);
    }
    assert_int_equal(site_step(&t), MK_OK);
    assert_int_equal(t.ev.flags, MK_LAST);
    assert_int_equal(sum, strlen("+OK Message follows\r\n") +
                              (uint64_t)PIECES * (PIECE + PIECE / 64) + 3);
    site_close(&t);
    free(piece);
}

/* ---- rows ---------------------------------------------------------------- */

static void rfc1939_5_rows_are_told_or_wait(void **state)
{
    static const mk_str none = {NULL, 0};
    static const mk_str some = MK_STR_INIT("x");
    site t;
    uint32_t told = 0;
    mk_err err;

    (void)state;
    site_open(&t);
    site_log_in(&t, 1000);
    mk_op op = site_begin(&t, "LIST\r\n");
    assert_int_equal(mk_pop3_server_size(t.engine, op, 1, 1), MK_WAIT);
    assert_int_equal(mk_body(t.engine, op, none, true), MK_WAIT);
    assert_int_equal(site_step(&t), MK_OK);
    site_expect(&t, MK_EV_WANTED);
    assert_int_equal(mk_pop3_server_size(t.engine, op, 0, 1), MK_E_ARG);
    assert_int_equal(mk_pop3_server_size(t.engine, op, 1001, 1), MK_E_ARG);
    assert_int_equal(mk_pop3_server_uid(t.engine, op, 1, some), MK_E_STALE);
    assert_int_equal(mk_pop3_server_size(t.engine, op + 1, 1, 1), MK_E_STALE);
    assert_int_equal(mk_pop3_server_maildrop(t.engine, op, 1, 1), MK_E_STALE);
    assert_int_equal(mk_body(t.engine, op, some, true), MK_E_ARG);
    assert_int_equal(mk_body(t.engine, op, none, false), MK_E_ARG);
    while ((err = mk_pop3_server_size(t.engine, op, told + 1, 1234567)) ==
           MK_OK) {
        told++;
    }
    assert_int_equal(err, MK_WAIT);
    assert_true(told > 50 && told < 100);
    size_t n = strlen(site_queued(&t));
    assert_int_equal(mk_pop3_server_size(t.engine, op, told + 1, 1), MK_WAIT);
    assert_int_equal(strlen(site_queued(&t)), n); /* nothing changed */
    assert_int_equal(site_step(&t), MK_WAIT);
    site_acknowledge(&t);
    assert_int_equal(site_step(&t), MK_OK);
    site_expect(&t, MK_EV_WANTED);
    assert_int_equal(mk_pop3_server_size(t.engine, op, told + 1, 1), MK_OK);
    assert_int_equal(mk_body(t.engine, op, none, true), MK_OK);
    assert_int_equal(mk_pop3_server_size(t.engine, op, 1, 1), MK_E_STALE);
    assert_int_equal(site_step(&t), MK_WAIT);
    site_acknowledge(&t);
    assert_int_equal(site_step(&t), MK_OK);
    assert_int_equal(t.ev.flags, MK_LAST);
    assert_int_equal(site_step(&t), MK_WAIT);
    site_close(&t);
}

/* ---- time ---------------------------------------------------------------- */

/* THREATS 113: octets taken one by one keep no message under way for ever. */
static void sec_113_a_reader_below_the_rate_is_cut(void **state)
{
    static char body[100000];
    site t;

    (void)state;
    site_open(&t);
    memset(body, 'x', sizeof body);
    site_log_in(&t, 1);
    mk_op op = site_begin_body(&t, "RETR 1\r\n", 2);
    assert_int_equal(mk_body(t.engine, op, mk_str_of(body, sizeof body), false),
                     MK_OK);
    unsigned seconds = 0;
    while (site_step(&t) == MK_WAIT) {
        assert_true(mk_deadline(t.engine) > t.now_ms);
        assert_int_equal(mk_out_sent(t.engine, 50), MK_OK);
        t.now_ms += 1000;
        seconds++;
        assert_true(seconds <= 60);
    }
    site_expect(&t, MK_EV_FAULT);
    assert_int_equal(t.ev.err, MK_E_TIMEOUT);
    assert_int_equal(seconds, 60);
    assert_int_equal(mk_want(t.engine), MK_WANT_ABORT);
    site_close(&t);
}

/* A slow line is none: 64 KiB in ten minutes are enough, for hours. */
static void sec_113_a_slow_reader_is_served(void **state)
{
    static char body[1000000];
    site t;

    (void)state;
    site_open(&t);
    memset(body, 'x', sizeof body);
    site_log_in(&t, 1);
    mk_op op = site_begin_body(&t, "RETR 1\r\n", 2);
    assert_int_equal(mk_body(t.engine, op, mk_str_of(body, sizeof body), true),
                     MK_OK);
    unsigned seconds = 0;
    while (site_step(&t) == MK_WAIT && seconds < 7000) {
        assert_int_equal(mk_out_sent(t.engine, 120), MK_OK);
        t.now_ms += 1000;
        seconds++;
    }
    assert_int_equal(seconds, 7000);
    site_close(&t);
}

/* A whole message in one span, as a mapped file is lent, and a driver that
 * steps only when it must: who reads fast enough is served to the end. */
static void sec_113_a_span_may_be_of_any_size(void **state)
{
    static char body[2000000];
    static const size_t rates[] = {200, 1000, 2500};

    (void)state;
    memset(body, 'x', sizeof body);
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        size_t left = sizeof body;
        site t;

        site_open(&t);
        site_log_in(&t, 1);
        mk_op op = site_begin_body(&t, "RETR 1\r\n", 2);
        assert_int_equal(
            mk_body(t.engine, op, mk_str_of(body, sizeof body), true), MK_OK);
        assert_int_equal(site_step(&t), MK_WAIT);
        for (; left > 0; left -= rates[i]) {
            t.now_ms += 1000;
            assert_int_equal(mk_out_sent(t.engine, rates[i]), MK_OK);
            if ((mk_want(t.engine) & MK_WANT_STEP) != 0 ||
                t.now_ms >= mk_deadline(t.engine)) {
                assert_int_equal(site_step(&t), MK_WAIT);
            }
        }
        site_acknowledge(&t);
        assert_int_equal(site_step(&t), MK_OK);
        site_expect(&t, MK_EV_WANTED);
        assert_int_equal(t.ev.flags, MK_LAST);
        site_close(&t);
    }
}

/* While the application lends nothing it is not the reader that is slow. */
static void sec_113_the_applications_time_is_its_own(void **state)
{
    static const mk_str line = MK_STR_INIT("a line of text\r\n");
    site t;

    (void)state;
    site_open(&t);
    site_log_in(&t, 1);
    mk_op op = site_begin_body(&t, "RETR 1\r\n", 2);
    for (unsigned i = 0; i < 10; i++) {
        site_acknowledge(&t);
        while (site_step(&t) == MK_OK) {
        }
        t.now_ms += 299999;
        assert_int_equal(site_step(&t), MK_WAIT);
        assert_int_equal(mk_body(t.engine, op, line, false), MK_OK);
        assert_int_equal(site_step(&t), MK_WAIT);
    }
    site_acknowledge(&t);
    while (site_step(&t) == MK_OK) {
    }
    assert_int_equal(mk_deadline(t.engine), t.now_ms + 300000);
    t.now_ms += 300000;
    assert_int_equal(site_step(&t), MK_OK);
    site_expect(&t, MK_EV_WITHDRAWN);
    assert_int_equal(mk_body(t.engine, op, line, false), MK_E_STALE);
    assert_int_equal(site_step(&t), MK_END);
    assert_int_equal(mk_want(t.engine), MK_WANT_ABORT);
    site_close(&t);
}

/* ---- the end ------------------------------------------------------------- */

/* What broke in the middle takes nothing more, and holds nothing. */
static void law6_what_ended_borrows_nothing(void **state)
{
    static const mk_str none = {NULL, 0};
    static const mk_str line = MK_STR_INIT("a line\r\n");
    static const char *const commands[] = {"RETR 1\r\n", "TOP 1 0\r\n",
                                           "LIST\r\n", "UIDL\r\n"};

    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        site t;

        site_open(&t);
        site_log_in(&t, 1);
        mk_op op = site_begin(&t, commands[i]);
        assert_int_equal(site_step(&t), MK_OK);
        site_expect(&t, MK_EV_WANTED);
        mk_in_eof(t.engine, MK_E_NET);
        assert_int_equal(site_step(&t), MK_OK);
        site_expect(&t, MK_EV_FAULT);
        assert_int_equal(site_step(&t), MK_END);
        site_acknowledge(&t);
        assert_int_equal(t.units.taken, 0);
        assert_int_equal(mk_body(t.engine, op, line, false), MK_E_STALE);
        assert_int_equal(mk_body(t.engine, op, none, true), MK_E_STALE);
        assert_int_equal(mk_pop3_server_size(t.engine, op, 1, 1), MK_E_STALE);
        assert_int_equal(mk_pop3_server_uid(t.engine, op, 1, mk_str_z("x")),
                         MK_E_STALE);
        assert_int_equal(mk_cancel(t.engine, op), MK_E_STALE);
        assert_int_equal(t.units.taken, 0);
        site_close(&t);
    }
}

/* Law 11: who said YES may find at once that it cannot be had after all. */
static void law11_cancel_before_it_begins(void **state)
{
    static const char *const commands[] = {"RETR 1\r\n", "TOP 1 0\r\n",
                                           "UIDL\r\n"};
    static const mk_str none = {NULL, 0};

    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        mk_str span;
        site t;

        site_open(&t);
        site_log_in(&t, 1);
        mk_op op = site_begin(&t, commands[i]);
        assert_int_equal(mk_cancel(t.engine, op + 1), MK_E_STALE);
        assert_int_equal(mk_cancel(t.engine, op), MK_OK);
        assert_int_equal(mk_cancel(t.engine, op), MK_E_STALE);
        assert_int_equal(mk_body(t.engine, op, none, true), MK_E_STALE);
        assert_int_equal(mk_pop3_server_uid(t.engine, op, 1, mk_str_z("x")),
                         MK_E_STALE);
        assert_int_equal(site_step(&t), MK_END);
        assert_int_equal(mk_out(t.engine, 0, &span, 1), 0);
        assert_int_equal(mk_want(t.engine), MK_WANT_ABORT);
        site_close(&t);
    }
}

/* Law 11: what is given up is not shown any more, and least of all its end; who
 * lent it may forget it. */
static void law11_what_broke_is_not_shown(void **state)
{
    enum { CANCEL, DIED, DEAF };
    static const mk_str line = MK_STR_INIT("a line\r\n");
    static const mk_err ends[] = {MK_END, MK_OK, MK_OK};

    (void)state;
    for (int how = CANCEL; how <= DEAF; how++) {
        mk_str span;
        site t;

        site_open(&t);
        site_log_in(&t, 1);
        mk_op op = site_begin_body(&t, "RETR 1\r\n", 2);
        assert_int_equal(mk_body(t.engine, op, line, true), MK_OK);
        assert_int_equal(site_step(&t), MK_WAIT);
        assert_string_equal(site_queued(&t),
                            "+OK Message follows\r\na line\r\n.\r\n");
        if (how == CANCEL) {
            assert_int_equal(mk_cancel(t.engine, op), MK_OK);
        } else if (how == DIED) {
            mk_in_eof(t.engine, MK_E_NET);
        } else {
            t.now_ms = mk_deadline(t.engine);
        }
        assert_int_equal(site_step(&t), ends[how]);
        assert_int_equal(mk_out(t.engine, 0, &span, 1), 0);
        assert_int_equal(mk_want(t.engine), MK_WANT_ABORT);
        assert_int_equal(site_step(&t), MK_END);
        assert_int_equal(t.units.taken, 0);
        site_close(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law7_spans_come_back_as_they_were_lent),
        cmocka_unit_test(law7_so_do_those_of_a_top),
        cmocka_unit_test(law6_a_message_of_any_size_holds_nothing),
        cmocka_unit_test(rfc1939_5_rows_are_told_or_wait),
        cmocka_unit_test(sec_113_a_reader_below_the_rate_is_cut),
        cmocka_unit_test(sec_113_a_slow_reader_is_served),
        cmocka_unit_test(sec_113_a_span_may_be_of_any_size),
        cmocka_unit_test(sec_113_the_applications_time_is_its_own),
        cmocka_unit_test(law6_what_ended_borrows_nothing),
        cmocka_unit_test(law11_what_broke_is_not_shown),
        cmocka_unit_test(law11_cancel_before_it_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

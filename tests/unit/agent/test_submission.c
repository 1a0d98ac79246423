/* SPDX-License-Identifier: MIT
 *
 * test_submission.c: what a message of submission lacks (RFC 6409 8): fields
 * that are added, and those that are not because they are there, whose message
 * it is done to, and a message without an author.
 */
#include "house.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static house h;

static uint32_t fixes;
static bool is_all;

static void tune(house *x, mk_inbound_config *c)
{
    (void)x;
    c->fixes = fixes;
    c->is_fixing_all = is_all;
}

static void open_fixing(uint32_t what, bool all, size_t message_memory)
{
    fixes = what;
    is_all = all;
    house_open(&h, &(house_plan){.tune = tune,
                                 .has_login = true,
                                 .is_offering = true,
                                 .message_memory = message_memory});
    house_greet(&h);
}

/* The file behind its Received: field. */
static const char *behind_trace(void)
{
    const char *file = house_file(&h, "mx.example", "ann");
    begins(file, "Return-Path: <sender@example.org>\nReceived: from ");
    const char *end = strstr(file, "+0000\n");
    assert_non_null(end);
    return end + 6;
}

#define DATE "Date: Sat, 21 Nov 2026 20:10:10 +0000\n"
#define ALL (MK_FIX_DATE | MK_FIX_MESSAGE_ID | MK_FIX_FROM)

static void what_is_missing_is_added(void **state)
{
    static const struct {
        uint32_t fixes;
        const char *message;
        bool date;
        bool id;
    } rows[] = {
        {ALL, "From: a@b.example\r\n\r\nx\r\n", true, true},
        {ALL, "From: a@b.example\r\nDate: x\r\n\r\nx\r\n", false, true},
        {ALL, "Message-ID: <x@y>\r\nFrom: a@b.example\r\n\r\nx\r\n", true,
         false},
        {ALL, "MESSAGE-id : <x@y>\r\ndate:\r\n x\r\nFROM: a@b\r\n\r\nx\r\n",
         false, false},
        {MK_FIX_DATE, "Subject: x\r\n\r\nx\r\n", true, false},
        {MK_FIX_MESSAGE_ID, "Subject: x\r\n\r\nx\r\n", false, true},
        {0, "Subject: x\r\n\r\nx\r\n", false, false},
        /* what stands in the body, a longer name, a folded line: no field */
        {ALL, "From: a@b\r\n\r\nDate: x\r\nMessage-ID: <x@y>\r\n", true, true},
        {ALL, "From: a@b\r\nDates: x\r\nMessage-ID-2: x\r\n\r\nx\r\n", true,
         true},
        {ALL, "From: a@b\r\n Date: x\r\n Message-ID: x\r\n\r\nx\r\n", true,
         true},
        {ALL, "From: a@b\r\nDat: x\r\nMessage-I: x\r\n\r\nx\r\n", true, true},
        /* no body, and no empty line */
        {ALL, "From: a@b.example\r\n", true, true},
        {ALL, "From: a@b.example\r\nno field\r\n", true, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_fixing(rows[i].fixes, true, 0);
        begins(house_send(&h, "ann@mx.example", rows[i].message), "250 2.0.0");
        const char *at = behind_trace();
        if (rows[i].date) {
            begins(at, DATE);
            at += strlen(DATE);
        }
        if (rows[i].id) {
            begins(at, "Message-ID: <");
            assert_memory_equal(at + 13 + 21, "@mx.example>\n", 13);
            at = strchr(at, '\n') + 1;
        }
        assert_int_equal(*at, rows[i].message[0]);
        house_close(&h);
    }
}

/* Its header is longer than what is kept in memory: the top is made anew. */
static void a_long_header_is_looked_at_to_its_end(void **state)
{
    (void)state;
    for (int has = 0; has < 2; has++) {
        open_fixing(ALL, true, 5000);
        h.conn.chunk = 512;
        house_says(&h, "MAIL FROM:<sender@example.org>\r\n");
        house_says(&h, "RCPT TO:<ann@mx.example>\r\nDATA\r\n");
        house_says(&h, "From: a@b.example\r\n");
        for (int i = 0; i < 300; i++) {
            fake_conn_say(&h.conn, "X-Field: some words of a long header\r\n");
            house_work(&h);
        }
        fake_conn_say(&h.conn, has != 0 ? "Date: mine\r\n" : "");
        fake_conn_say(&h.conn, "\r\nbody\r\n");
        house_work(&h);
        begins(house_says(&h, ".\r\n"), "250 2.0.0");
        begins(behind_trace(), has != 0 ? "Message-ID: <" : DATE);
        assert_non_null(strstr(behind_trace(), "\n\nbody\n"));
        house_close(&h);
    }
}

static void without_an_author_it_is_refused(void **state)
{
    static const char *const rows[] = {
        "Subject: x\r\n\r\nFrom: a@b.example\r\n",
        "Sender: a@b.example\r\nX-From: a@b\r\n\r\nx\r\n",
        "no field\r\nFrom: a@b.example\r\n",
        "",
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_fixing(ALL, true, 0);
        begins(house_send(&h, "ann@mx.example", rows[i]), "554 5.6.0");
        assert_int_equal(house_count(&h, "mx.example", "ann"), 0);
        assert_non_null(strstr(text_c(&h.log), "no From field"));
        house_close(&h);
    }
}

/* Of others nothing is mended but where the service says so. */
static void only_for_who_has_logged_in(void **state)
{
    (void)state;
    open_fixing(ALL, false, 0);
    begins(house_send(&h, "ann@mx.example", "Subject: x\r\n\r\nx\r\n"), "250");
    begins(behind_trace(), "Subject: x\n");
    house_close(&h);
    open_fixing(ALL, false, 0);
    /* "\0ann\0secret" */
    begins(house_says(&h, "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n"), "235");
    begins(house_send(&h, "ann@mx.example", "Subject: x\r\n\r\nx\r\n"),
           "554 5.6.0");
    begins(house_send(&h, "ann@mx.example", "From: a@b\r\n\r\nx\r\n"), "250");
    begins(behind_trace(), DATE);
    house_close(&h);
}

static void fault_f25_no_memory_for_fields(void **state)
{
    (void)state;
    open_fixing(ALL, true, 0);
    house_says(&h, "MAIL FROM:<sender@example.org>\r\n");
    house_says(&h, "RCPT TO:<ann@mx.example>\r\nDATA\r\n");
    h.a.fail_at = h.a.calls + 1;
    begins(house_says(&h, "From: a@b\r\n\r\nx\r\n.\r\n"), "452 4.3.0");
    begins(house_send(&h, "ann@mx.example", "From: a@b\r\n\r\nx\r\n"), "250");
    house_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_missing_is_added),
        cmocka_unit_test(a_long_header_is_looked_at_to_its_end),
        cmocka_unit_test(without_an_author_it_is_refused),
        cmocka_unit_test(only_for_who_has_logged_in),
        cmocka_unit_test(fault_f25_no_memory_for_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

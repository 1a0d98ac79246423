/* SPDX-License-Identifier: MIT
 *
 * test_client_hostile.c: what the SMTP client must withstand: hostile replies
 * (THREATS 14), CR and LF in what the application hands in (THREATS 16), and
 * bodies that would smuggle or swell (THREATS 4, 6). Every input is offered
 * whole, in pieces of seven octets, and octet by octet, with the same result.
 */
#include "desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const size_t chunks[] = {1, 7, 100000};
enum { CHUNKS = 3 };

typedef struct hostile {
    const char *octets;
    size_t repeat;
    const char *tail;
    mk_err why;
} hostile;

/* clang-format off */
static const hostile malformed[] = {
    {"25\r\n",                       1, "", MK_E_SYNTAX},
    {"\r\n",                         1, "", MK_E_SYNTAX},
    {"2x0 ok\r\n",                   1, "", MK_E_SYNTAX},
    {"550x\r\n",                     1, "", MK_E_SYNTAX},
    {"999999\r\n",                   1, "", MK_E_SYNTAX},
    {"600 ok\r\n",                   1, "", MK_E_SYNTAX},
    {"150 ok\r\n",                   1, "", MK_E_SYNTAX},
    {"550\tno\r\n",                  1, "", MK_E_SYNTAX},
    {" 550 no\r\n",                  1, "", MK_E_SYNTAX},
    {"+OK ready\r\n",                1, "", MK_E_SYNTAX},
    {"HTTP/1.1 400 Bad Request\r\n", 1, "", MK_E_SYNTAX},
    {"SSH-2.0-x\r\n",                1, "", MK_E_SYNTAX},
    {"250-a\r\n550 b\r\n",           1, "", MK_E_PROTOCOL},
    {"550-a\r\n250 b\r\n",           1, "", MK_E_PROTOCOL},
    {"250-\r\n25\r\n",               1, "", MK_E_SYNTAX},
    {"550 no\n",                     1, "", MK_E_BARE},
    {"550 n\ro\r\n",                 1, "", MK_E_BARE},
    {"550-no\n550 no\r\n",           1, "", MK_E_BARE},
    {"550-x\r\n",            129, "550 y\r\n", MK_E_LIMIT},
    {"550-x\r\n",        1000000, "550 y\r\n", MK_E_LIMIT},
    {"550 xxxxxxxxxxxxxxx",  200, "\r\n", MK_E_LINE},
    {"9",                 100000, "", MK_E_LINE},
};
/* clang-format on */

/* Says octets, repeat times, and the tail, until the session is over. */
static void say_all(desk *d, const hostile *row)
{
    for (size_t i = 0; i < row->repeat && !d->is_over; i++) {
        desk_hear(d, row->octets);
    }
    if (!d->is_over) {
        desk_hear(d, row->tail);
    }
}

static void play_reply(const hostile *row, size_t chunk)
{
    mk_op op = 0;
    char line[64];
    desk d;

    desk_init(&d, chunk);
    desk_ready(&d, "");
    assert_int_equal(desk_send(&d, "", "a@b.example", &op), MK_OK);
    desk_hear(&d, "250 ok\r\n");
    text_clear(&d.events);
    text_clear(&d.wire);
    desk_said(&d, "");
    say_all(&d, row);
    strncpy(line, "FAULT ", sizeof line - 1);
    strncat(line, mk_err_name(row->why), sizeof line - 10);
    /* a fault, no reply told, never "refused for good" */
    desk_saw(&d, line);
    assert_int_equal(d.retry, MK_RETRY_LATER);
    strncpy(line, "DONE ", sizeof line - 1);
    strncat(line, mk_err_name(row->why), sizeof line - 10);
    desk_saw(&d, line);
    desk_quiet(&d);
    desk_said(&d, "");
    assert_true(d.is_over);
    desk_fini(&d);
}

static void sec_014_a_malformed_reply_is_no_refusal(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        for (size_t k = 0; k < CHUNKS; k++) {
            play_reply(&malformed[i], chunks[k]);
        }
    }
}

static void sec_014_a_nul_in_a_reply(void **state)
{
    static const char octets[] = "550 n\0\r\n";
    mk_op op = 0;
    desk d;

    (void)state;
    desk_init(&d, 1);
    desk_ready(&d, "");
    desk_send(&d, "", "a@b.example", &op);
    rig_push(&d.rig, octets, sizeof octets - 1);
    desk_run(&d);
    desk_saw(&d, "FAULT E_BARE");
    assert_int_equal(d.retry, MK_RETRY_LATER);
    desk_fini(&d);
}

#define LINE_OF_64(code)                                                       \
    code "01234567890123456789012345678901234567890123456789abcdefgh\r\n"

static void sec_014_octets_of_a_reply_are_bounded(void **state)
{
    mk_op op = 0;
    desk d;

    (void)state;
    for (size_t k = 0; k < CHUNKS; k++) {
        desk_init(&d, chunks[k]);
        d.config.reply_max = 4096;
        d.config.reply_line_max = 2048;
        desk_ready(&d, "");
        desk_send(&d, "", "a@b.example", &op);
        for (size_t i = 0; i < 63; i++) {
            desk_hear(&d, LINE_OF_64("550-"));
            desk_quiet(&d);
        }
        desk_hear(&d, LINE_OF_64("550 ")); /* 4,096 in all: fits */
        desk_saw(&d, "REPLY MAIL 550 clipped");
        desk_fini(&d);

        desk_init(&d, chunks[k]);
        d.config.reply_max = 4096;
        desk_ready(&d, "");
        desk_send(&d, "", "a@b.example", &op);
        for (size_t i = 0; i < 65 && !d.is_over; i++) {
            desk_hear(&d, LINE_OF_64("550-"));
        }
        desk_saw(&d, "FAULT E_LIMIT");
        desk_fini(&d);
    }
}

/* A reply of a class that the verb cannot have is none. */
static void sec_014_a_reply_of_a_foreign_class(void **state)
{
    static const struct {
        const char *peer[5];
        mk_retry retry;
    } rows[] = {
        {{"354 go\r\n"}, MK_RETRY_LATER},
        {{"250 ok\r\n", "354 go\r\n"}, MK_RETRY_LATER},
        {{"250 ok\r\n", "250 ok\r\n", "250 queued\r\n"}, MK_RETRY_LATER},
        {{"250 ok\r\n", "250 ok\r\n", "354 go\r\n", "354 go\r\n"},
         MK_RETRY_UNKNOWN},
    };
    desk d;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mk_op op = 0;
        desk_init(&d, 1);
        desk_ready(&d, "");
        desk_send(&d, "", "a@b.example", &op);
        for (size_t k = 0; k < 5 && rows[i].peer[k] != NULL; k++) {
            desk_hear(&d, rows[i].peer[k]);
            if (k == 2 && d.wanted > 0) {
                mk_body(d.engine, op, mk_str_z("x\r\n"), true);
                desk_run(&d);
            }
        }
        assert_non_null(strstr(text_c(&d.events), "FAULT E_PROTOCOL"));
        assert_non_null(strstr(text_c(&d.events), "DONE E_PROTOCOL"));
        assert_int_equal(d.retry, rows[i].retry);
        assert_true(d.is_over);
        desk_fini(&d);
    }
}

/* Replies that come before their command, or without one, are never matched
 * with what is said later. */
static void sec_014_a_reply_that_was_not_asked_for(void **state)
{
    mk_op op = 0;
    desk d;

    (void)state;
    desk_init(&d, 100000); /* behind the greeting */
    desk_open(&d);
    desk_hear(&d, "220 hi\r\n250 ok\r\n250 ok\r\n");
    desk_saw(&d, "REPLY greeting 220");
    desk_saw(&d, "FAULT E_EARLY");
    assert_true(d.is_over);
    desk_fini(&d);

    desk_init(&d, 1); /* while idle */
    desk_ready(&d, "");
    desk_hear(&d, "550 go away\r\n");
    desk_saw(&d, "FAULT E_PROTOCOL");
    assert_int_equal(d.retry, MK_RETRY_LATER);
    desk_fini(&d);

    desk_init(&d, 1); /* begun while idle, ended behind the command */
    desk_ready(&d, "");
    desk_hear(&d, "25");
    desk_send(&d, "", "a@b.example", &op);
    desk_hear(&d, "0 ok\r\n");
    desk_saw(&d, "FAULT E_EARLY");
    desk_saw(&d, "DONE E_EARLY");
    desk_fini(&d);

    desk_init(&d, 1); /* in the body: an early verdict, not on what follows */
    desk_ready(&d, "");
    desk_send(&d, "", "a@b.example", &op);
    desk_hear(&d, "250 ok\r\n");
    desk_hear(&d, "250 ok\r\n");
    desk_hear(&d, "354 ok\r\n");
    text_clear(&d.events);
    text_clear(&d.wire);
    desk_hear(&d, "552 too big\r\n250 ok\r\n");
    desk_saw(&d, "REPLY end of data 552");
    desk_saw(&d, "FAULT E_REFUSED");
    assert_int_equal(d.retry, MK_RETRY_NEVER);
    assert_int_equal(mk_want(d.engine), MK_WANT_ABORT);
    desk_said(&d, "");
    desk_fini(&d);

    desk_init(&d, 1); /* before the command is acknowledged as sent */
    desk_ready(&d, "");
    d.is_slow = true;
    desk_send(&d, "", "a@b.example", &op);
    desk_ack(&d, sizeof "MAIL FROM:<>\r\n" - 2);
    desk_hear(&d, "550 no\r\n");
    desk_saw(&d, "FAULT E_EARLY");
    assert_int_equal(d.retry, MK_RETRY_LATER);
    desk_fini(&d);
}

static void sec_014_a_recipient_of_a_refused_mail(void **state)
{
    mk_op op = 0;
    desk d;

    (void)state;
    desk_init(&d, 1);
    desk_ready(&d, "PIPELINING");
    desk_send(&d, "", "a@b.example", &op);
    text_clear(&d.wire);
    desk_hear(&d, "550 no\r\n250 ok\r\n354 go\r\n");
    assert_non_null(strstr(text_c(&d.events), "FAULT E_PROTOCOL"));
    desk_said(&d, "");
    desk_fini(&d);
}

static void sec_014_a_cut_is_no_refusal(void **state)
{
    static const struct {
        const char *peer[5];
        const char *last; /* without an end */
        mk_err eof;
        mk_err why;
        mk_retry retry;
    } rows[] = {
        {{NULL}, "", MK_OK, MK_E_CUT, MK_RETRY_LATER},
        {{NULL}, "554 n", MK_OK, MK_E_CUT, MK_RETRY_LATER},
        {{"220 x\r\n", "250 x\r\n"}, "550", MK_E_NET, MK_E_NET, MK_RETRY_LATER},
        {{"220 x\r\n", "250 x\r\n"},
         "550-no\r\n",
         MK_OK,
         MK_E_CUT,
         MK_RETRY_LATER},
        {{"220 x\r\n", "250 x\r\n", "250 x\r\n", "250 x\r\n", "354 x\r\n"},
         "250 queued",
         MK_OK,
         MK_E_CUT,
         MK_RETRY_UNKNOWN},
    };
    desk d;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mk_op op = 0;
        desk_init(&d, 1);
        desk_open(&d);
        for (size_t k = 0; k < 5 && rows[i].peer[k] != NULL; k++) {
            desk_hear(&d, rows[i].peer[k]);
            if (k == 1) {
                desk_send(&d, "", "a@b.example", &op);
            }
        }
        if (d.wanted > 0) {
            mk_body(d.engine, op, mk_str_z("x\r\n"), true);
            desk_run(&d);
        }
        text_clear(&d.events);
        desk_hear(&d, rows[i].last);
        mk_in_eof(d.engine, rows[i].eof);
        mk_in_eof(d.engine, MK_E_TLS); /* the first one counts */
        desk_run(&d);
        text_drop(&d.events, 6);
        assert_memory_equal(text_c(&d.events), mk_err_name(rows[i].why),
                            strlen(mk_err_name(rows[i].why)));
        assert_int_equal(d.retry, rows[i].retry);
        assert_true(d.is_over);
        desk_fini(&d);
    }
}

/* ---- THREATS 16 ---------------------------------------------------------- */

static void sec_016_line_ends_in_an_envelope(void **state)
{
    static const struct {
        const char *sender;
        const char *recipient;
        size_t extra; /* octets behind the first NUL of the recipient */
        mk_err want;
    } rows[] = {
        {"", "a@b>\r\nRCPT TO:<x@y", 0, MK_E_CTL},
        {"", "a@b\r", 0, MK_E_CTL},
        {"", "a@b\nDATA", 0, MK_E_CTL},
        {"", "a@b\0c", 2, MK_E_CTL},
        {"a@b>\r\nRCPT TO:<x@y", "c@d", 0, MK_E_CTL},
        {"\n", "c@d", 0, MK_E_CTL},
        {"", "\"a\rb\"@c.example", 0, MK_E_CTL},
        {"", "a@b>", 0, MK_E_SYNTAX},
        {"", "a@b> SIZE=1", 0, MK_E_SYNTAX},
        {"", "<a@b>", 0, MK_E_SYNTAX},
        {"a b@c", "a@b", 0, MK_E_SYNTAX},
        {"", "a", 0, MK_E_SYNTAX},
        {"", "", 0, MK_E_SYNTAX},
        {"postmaster", "a@b", 0, MK_E_SYNTAX},
        {"", "\xfc@b", 0, MK_E_SYNTAX}, /* what is no UTF-8 */
        {"", "\xc3\xbc@b", 0, MK_E_UNSUPPORTED},
        {"\xc3\xbc@b", "a@b", 0, MK_E_UNSUPPORTED},
    };
    desk d;

    (void)state;
    desk_init(&d, 1);
    desk_ready(&d, "PIPELINING");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mk_op op = 77;
        mk_str good_and_bad[2];
        mk_smtp_envelope_init(&d.envelope, sizeof d.envelope);
        good_and_bad[0] = mk_str_z("good@b.example");
        good_and_bad[1] = mk_str_of(rows[i].recipient,
                                    strlen(rows[i].recipient) + rows[i].extra);
        d.envelope.reverse_path = mk_str_z(rows[i].sender);
        d.envelope.forward_paths = good_and_bad;
        d.envelope.forward_count = 2;
        assert_int_equal(mk_smtp_client_send(d.engine, &d.envelope, &op),
                         rows[i].want);
        assert_int_equal(op, 77);
        desk_run(&d);
        desk_said(&d, ""); /* not an octet */
        desk_quiet(&d);
    }
    desk_fini(&d);
}

/* What tests of servers may say still ends no path and no line. */
static void sec_016_odd_paths(void **state)
{
    static const struct {
        const char *path;
        size_t extra;
        mk_err want;
    } rows[] = {
        {"a@b@c", 0, MK_OK},
        {"@us.example:a@b.example", 0, MK_OK},
        {"a%b", 0, MK_OK},
        {"a@", 0, MK_OK},
        {"a@b.", 0, MK_OK},
        {"\"a>\"@b", 0, MK_OK}, /* a mailbox after all */
        {"a@b>", 0, MK_E_SYNTAX},
        {"a@b> NOTIFY=NEVER", 0, MK_E_SYNTAX},
        {"a<b", 0, MK_E_SYNTAX},
        {"a b", 0, MK_E_SYNTAX},
        {"a@b\xc3\xa9", 0, MK_E_UNSUPPORTED},
        {"a@b\x7f", 0, MK_E_SYNTAX},
        {"a@b@c\r\nDATA", 0, MK_E_CTL},
        {"a@b\0@c", 3, MK_E_CTL},
    };
    char longest[256];
    mk_op op;
    mk_str to;
    desk d;

    (void)state;
    desk_init(&d, 4096);
    desk_ready(&d, "");
    mk_smtp_envelope_init(&d.envelope, sizeof d.envelope);
    d.envelope.is_odd_path = true;
    d.envelope.forward_paths = &to;
    d.envelope.forward_count = 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        to = mk_str_of(rows[i].path, strlen(rows[i].path) + rows[i].extra);
        assert_int_equal(mk_smtp_client_send(d.engine, &d.envelope, &op),
                         rows[i].want);
        if (rows[i].want == MK_OK) {
            assert_int_equal(mk_cancel(d.engine, op), MK_OK);
        }
        desk_run(&d);
        desk_said(&d, "");
    }
    memset(longest, '%', sizeof longest);
    to = mk_str_of(longest, 255);
    assert_int_equal(mk_smtp_client_send(d.engine, &d.envelope, &op),
                     MK_E_LIMIT);
    to.len = 254;
    assert_int_equal(mk_smtp_client_send(d.engine, &d.envelope, &op), MK_OK);
    assert_int_equal(mk_cancel(d.engine, op), MK_OK);
    desk_run(&d);
    to = mk_str_z("u@v@us");
    d.envelope.reverse_path = mk_str_z("u");
    assert_int_equal(mk_smtp_client_send(d.engine, &d.envelope, &op), MK_OK);
    desk_run(&d);
    desk_hear(&d, "250 ok\r\n");
    desk_hear(&d, "550 no relaying\r\n");
    desk_said(&d, "MAIL FROM:<u>\r\nRCPT TO:<u@v@us>\r\nRSET\r\n");
    desk_fini(&d);
}

static void sec_016_line_ends_in_arguments(void **state)
{
    static const struct {
        const char *argument;
        mk_err want;
    } rows[] = {{"x\r\nQUIT", MK_E_CTL}, {"x\n", MK_E_CTL}, {"\r", MK_E_CTL}};
    static const char *const names[] = {"x\r\nMAIL FROM:<>", "x\n", "\r"};
    char argument[600];
    mk_op op = 77;
    desk d;

    (void)state;
    desk_init(&d, 1);
    desk_ready(&d, "");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(mk_smtp_client_command(d.engine, MK_SMTP_VERB_VRFY,
                                                mk_str_z(rows[i].argument),
                                                &op),
                         rows[i].want);
    }
    /* RFC 5321 4.5.3.1.4: 512 octets with the CRLF */
    memset(argument, 'a', sizeof argument);
    assert_int_equal(mk_smtp_client_command(d.engine, MK_SMTP_VERB_VRFY,
                                            mk_str_of(argument, 506), &op),
                     MK_E_LIMIT);
    desk_run(&d);
    desk_said(&d, "");
    assert_int_equal(op, 77);
    assert_int_equal(mk_smtp_client_command(d.engine, MK_SMTP_VERB_VRFY,
                                            mk_str_of(argument, 505), &op),
                     MK_OK);
    desk_run(&d);
    assert_int_equal(d.wire.len, 512);
    desk_fini(&d);

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        static uint64_t block[MK_SMTP_CLIENT_NEED / 8];
        desk_init(&d, 1);
        d.config.hostname = mk_str_z(names[i]);
        assert_int_equal(
            mk_smtp_client_open(&d.config, block, sizeof block, &d.engine),
            MK_E_CTL);
    }
}

static void sec_016_what_the_server_does_not_take(void **state)
{
    mk_op op = 0;
    desk d;

    (void)state;
    desk_init(&d, 1);
    desk_ready(&d, "SIZE 1000");
    d.envelope.message_bytes = 1001;
    assert_int_equal(desk_send(&d, "", "a@b", &op), MK_E_SIZE);
    d.envelope.message_bytes = 1000;
    d.envelope.body = MK_SMTP_BODY_8BITMIME;
    assert_int_equal(desk_send(&d, "", "a@b", &op), MK_E_UNSUPPORTED);
    d.envelope.body = MK_SMTP_BODY_7BIT;
    mk_smtp_envelope none;
    mk_smtp_envelope_init(&none, sizeof none);
    assert_int_equal(mk_smtp_client_send(d.engine, &none, &op), MK_E_COUNT);
    none.forward_paths = d.paths;
    none.forward_count = 100001;
    assert_int_equal(mk_smtp_client_send(d.engine, &none, &op), MK_E_COUNT);
    desk_run(&d);
    desk_said(&d, "");
    assert_int_equal(desk_send(&d, "", "a@b", &op), MK_OK);
    desk_said(&d, "MAIL FROM:<> SIZE=1000\r\n");
    desk_fini(&d);
}

/* ---- THREATS 4 and 6 ----------------------------------------------------- */

static mk_op open_body(desk *d, size_t chunk)
{
    mk_op op = 0;

    desk_init(d, chunk);
    desk_ready(d, "");
    assert_int_equal(desk_send(d, "", "a@b.example", &op), MK_OK);
    desk_hear(d, "250 ok\r\n");
    desk_hear(d, "250 ok\r\n");
    desk_hear(d, "354 ok\r\n");
    text_clear(&d->wire);
    text_clear(&d->events);
    return op;
}

static void sec_004_bare_octets_in_a_body(void **state)
{
    static const struct {
        const char *first; /* lent before, in order */
        const char *octets;
        size_t extra;
        bool last;
    } rows[] = {
        {NULL, "a\n.\r\nMAIL FROM:<x@y>\r\n", 0, true},
        {NULL, "a\r\n.\nMAIL FROM:<x@y>\r\n", 0, true},
        {NULL, "a\r.\r\n", 0, true},
        {NULL, "a\n", 0, false},
        {NULL, "\r", 0, true},
        {NULL, "a\r\n\0.\r\n", 4, true},
        {NULL, "a\r\r\n", 0, false},
        {"a\r", "b\r\n", 0, false},
        {"a\r", "", 0, true},
        {"a\r\n", "\n.\r\n", 0, true},
    };
    desk d;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mk_op op = open_body(&d, 1);
        if (rows[i].first != NULL) {
            assert_int_equal(
                mk_body(d.engine, op, mk_str_z(rows[i].first), false), MK_OK);
        }
        assert_int_equal(
            mk_body(d.engine, op,
                    mk_str_of(rows[i].octets,
                              strlen(rows[i].octets) + rows[i].extra),
                    rows[i].last),
            MK_E_BARE);
        desk_run(&d);
        desk_said(&d, rows[i].first != NULL ? rows[i].first : "");
        /* nothing changed: the message may be given up, without a dot */
        assert_int_equal(mk_cancel(d.engine, op), MK_OK);
        desk_run(&d);
        desk_said(&d, "");
        assert_int_equal(mk_want(d.engine), MK_WANT_ABORT);
        desk_fini(&d);
    }
}

static void sec_006_dots_swell_by_one_octet_each(void **state)
{
    enum { LINES = 20000 };
    static const char *const units[] = {"\r\n.", ".\r\n", ".."};
    desk d;

    (void)state;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        mk_op op = open_body(&d, 1);
        text body = {0};
        text plain = {0};
        for (size_t k = 0; k < LINES; k++) {
            text_z(&body, units[i]);
        }
        assert_int_equal(mk_body(d.engine, op, text_view(&body), true), MK_OK);
        desk_run(&d);
        assert_true(d.wire.len <= 2 * body.len + 5);
        /* take the stuffing off by the words of RFC 5321 4.5.2 */
        for (size_t k = 0; k < d.wire.len; k++) {
            bool bol = k == 0 || d.wire.ptr[k - 1] == '\n';
            if (bol && d.wire.ptr[k] == '.') {
                if (k + 3 == d.wire.len) {
                    break;
                }
                k++;
            }
            text_add(&plain, &d.wire.ptr[k], 1);
        }
        if (body.len < 2 || body.ptr[body.len - 1] != '\n') {
            text_z(&body, "\r\n"); /* the final CRLF was missing */
        }
        assert_int_equal(plain.len, body.len);
        assert_memory_equal(plain.ptr, body.ptr, body.len);
        text_free(&plain);
        desk_fini(&d);
        text_free(&body);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_014_a_malformed_reply_is_no_refusal),
        cmocka_unit_test(sec_014_a_nul_in_a_reply),
        cmocka_unit_test(sec_014_octets_of_a_reply_are_bounded),
        cmocka_unit_test(sec_014_a_reply_of_a_foreign_class),
        cmocka_unit_test(sec_014_a_reply_that_was_not_asked_for),
        cmocka_unit_test(sec_014_a_recipient_of_a_refused_mail),
        cmocka_unit_test(sec_014_a_cut_is_no_refusal),
        cmocka_unit_test(sec_016_line_ends_in_an_envelope),
        cmocka_unit_test(sec_016_odd_paths),
        cmocka_unit_test(sec_016_line_ends_in_arguments),
        cmocka_unit_test(sec_016_what_the_server_does_not_take),
        cmocka_unit_test(sec_004_bare_octets_in_a_body),
        cmocka_unit_test(sec_006_dots_swell_by_one_octet_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

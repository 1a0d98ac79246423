/* SPDX-License-Identifier: MIT
 *
 * test_bdat.c: chunks, beyond what a dialogue can show: numbers that are none
 * and numbers that are large (THREATS 8), a gibibyte in one chunk and as many
 * chunks as are let be, in the memory of an idle session; crumbs against the
 * clock; and what an application may say of a body between its chunks. RFC
 * 3030 2; Laws 5 and 6.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mailkit/smtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const mk_str none = {NULL, 0};

typedef struct site {
    mk_smtp_server_config config;
    char block[MK_SMTP_SERVER_NEED];
    mk_engine *engine;
    uint64_t now_ms;
    uint32_t later; /* the event that is put off: its type */
    mk_event last;  /* event */
    mk_op flow;     /* of the body */
    uint64_t body;  /* octets of it */
    uint64_t size;  /* told at its end */
    unsigned events;
    mk_err fault;
    mk_err end;       /* of the last step */
    char out[4096];   /* since it was last looked at */
    size_t out_bytes; /* its end alone is kept */
} site;

static void on_event(site *t, const mk_event *ev)
{
    t->last = *ev;
    t->events++;
    if (ev->type == MK_EV_BODY && (ev->flags & MK_LAST) == 0) {
        assert_true(t->flow == 0 || t->flow == ev->op);
        assert_true(ev->offset == t->body);
        t->flow = ev->op;
        t->body += ev->data.len;
    } else if (ev->type == MK_EV_BODY) {
        assert_true(t->flow == 0 || t->flow == ev->op);
        t->size = ev->size;
    } else if (ev->type == MK_EV_FAULT) {
        t->fault = ev->err;
    }
    if ((ev->flags & MK_ASK) != 0 && ev->type == t->later) {
        assert_int_equal(mk_later(t->engine, ev->op), MK_OK);
    } else if ((ev->flags & MK_ASK) != 0) {
        assert_int_equal(mk_reply(t->engine, ev->op, MK_ANSWER_YES, none, none),
                         MK_OK);
    }
}

static void drain(site *t)
{
    mk_str span;
    while (mk_out(t->engine, 0, &span, 1) == 1) {
        size_t room = sizeof t->out - 1 - t->out_bytes;
        size_t n = span.len < room ? span.len : room;
        memcpy(t->out + t->out_bytes, span.ptr, n);
        t->out_bytes += n;
        assert_int_equal(mk_out_sent(t->engine, span.len), MK_OK);
    }
    t->out[t->out_bytes] = '\0';
}

/* Offer octets until they are taken, or it is over, or an answer is due. */
static void feed(site *t, const char *octets, size_t n)
{
    mk_str view = mk_str_of(octets, n);
    mk_event ev;
    size_t before;
    do {
        before = view.len;
        while ((t->end = mk_step(t->engine, t->now_ms, &view, &ev)) == MK_OK) {
            on_event(t, &ev);
        }
        drain(t);
    } while (t->end == MK_WAIT && view.len > 0 && view.len < before);
}

static void say(site *t, const char *line)
{
    t->out_bytes = 0;
    feed(t, line, strlen(line));
}

static void expect(site *t, const char *out)
{
    assert_string_equal(t->out, out);
    t->out_bytes = 0;
}

static void site_init(site *t)
{
    memset(t, 0, sizeof *t);
    t->now_ms = 1000;
    assert_int_equal(mk_smtp_server_config_init(&t->config, sizeof t->config),
                     MK_OK);
    t->config.hostname = mk_str_z("mx.example");
    t->config.extensions = MK_SMTP_EXTENSION_DEFAULT |
                           MK_SMTP_EXTENSION_CHUNKING |
                           MK_SMTP_EXTENSION_BINARYMIME;
}

/* To where the first chunk may come. */
static void site_begin_in(site *t, void *block, size_t n, const char *mail)
{
    assert_int_equal(mk_smtp_server_open(&t->config, block, n, &t->engine),
                     MK_OK);
    say(t, "");
    say(t, "EHLO c.example\r\n");
    say(t, mail);
    say(t, "RCPT TO:<c@mx.example>\r\n");
    expect(t, "250 2.1.5 Recipient ok\r\n");
    t->events = 0;
}

static void site_begin(site *t, const char *mail)
{
    site_begin_in(t, t->block, sizeof t->block, mail);
}

static void site_open(site *t)
{
    site_init(t);
    site_begin(t, "MAIL FROM:<a@b.example>\r\n");
}

/* ---- numbers ---------------------------------------------------------------
 */

static void sec_008_what_is_no_number_ends_the_session(void **state)
{
    static const char *const rows[] = {
        "-1", "+5",  "0x10", "1e3",   "5x", "x5", "",       "LAST",
        " 5", "5.0", "5,5",  "\t5",   "'5", "~",  "5;LAST", "5LAST",
        "-0", "0b1", "٣",    "1_000", "--", "5-"};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        site t;
        char line[64];
        site_open(&t);
        (void)snprintf(line, sizeof line, "BDAT %s\r\nQUIT\r\n", rows[i]);
        say(&t, line);
        assert_int_equal(t.fault, MK_E_SYNTAX);
        assert_int_equal(t.events, 1);
        assert_int_equal(t.end, MK_END);
        expect(&t, "501 5.5.4 BDAT wants a number of octets\r\n");
        mk_close(t.engine);
    }
}

static void sec_008_what_is_beyond_64_bits_ends_the_session(void **state)
{
    static const char *const rows[] = {
        "18446744073709551616", "18446744073709551616 LAST",
        "99999999999999999999999999999999999999999999999999",
        "36893488147419103232 LAST"};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        site t;
        char line[80];
        site_open(&t);
        (void)snprintf(line, sizeof line, "BDAT %s\r\nQUIT\r\n", rows[i]);
        say(&t, line);
        assert_int_equal(t.fault, MK_E_SIZE);
        assert_int_equal(t.end, MK_END);
        expect(&t, "552 5.3.4 Message too big\r\n");
        mk_close(t.engine);
    }
}

static void sec_008_zeros_in_front_are_no_harm(void **state)
{
    site t;
    (void)state;
    site_open(&t);
    say(&t, "BDAT 0000000000000000000000000000003\r\na\r\nBDAT 00 last\r\n");
    expect(&t, "250 2.0.0 3 octets received\r\n250 2.0.0 Message accepted\r\n");
    assert_true(t.size == 3);
    mk_close(t.engine);
}

/* ---- volume ----------------------------------------------------------------
 */

enum { BLOCK = 1 << 20 };

static void a_gib(const char *mail, const char *line)
{
    uint64_t gib = UINT64_C(1) << 30;
    char *block = malloc(BLOCK);
    site t;
    assert_non_null(block);
    for (size_t i = 0; i < BLOCK; i++) {
        block[i] = line[i % strlen(line)];
    }
    site_init(&t);
    t.config.message_max = 2 * gib;
    t.config.text_line_max = UINT32_MAX;
    site_begin(&t, mail);
    say(&t, "BDAT 1073741824 LAST\r\n");
    for (uint64_t at = 0; at < gib; at += BLOCK) {
        feed(&t, block, BLOCK);
    }
    expect(&t, "250 2.0.0 Message accepted\r\n");
    assert_true(t.body == gib);
    assert_true(t.size == gib);
    mk_close(t.engine);
    free(block);
}

static void sec_111_a_gibibyte_of_text_in_one_chunk(void **state)
{
    (void)state;
    a_gib("MAIL FROM:<a@b.example>\r\n", "0123456789abcd\r\n");
}

static void sec_111_a_gibibyte_of_anything_in_one_chunk(void **state)
{
    (void)state;
    a_gib("MAIL FROM:<a@b.example> BODY=BINARYMIME\r\n", "\n.\n\r.\rx");
}

static void sec_008_chunks_of_one_octet_are_counted(void **state)
{
    site t;
    (void)state;
    site_open(&t);
    for (unsigned i = 0; i < 65536; i++) {
        say(&t, "BDAT 1\r\nx");
        expect(&t, "250 2.0.0 1 octets received\r\n");
        assert_int_equal(t.fault, MK_OK);
        if (i % 1000 == 999) {
            say(&t, "BDAT 2\r\n\r\n"); /* a line ends, and one more is used */
            t.out_bytes = 0;
            i++;
        }
    }
    say(&t, "BDAT 1 LAST\r\nx");
    assert_int_equal(t.fault, MK_E_COUNT);
    assert_int_equal(t.end, MK_END);
    expect(&t, "554 5.5.0 Too many chunks\r\n");
    mk_close(t.engine);
}

/* Each moves no end: a session of crumbs is over after a minute. */
static void sec_008_chunks_of_one_octet_are_timed(void **state)
{
    static const char *const rows[] = {"BDAT 1\r\nx", "BDAT 0\r\n"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        site t;
        unsigned seconds = 0;
        site_open(&t);
        while (t.fault == MK_OK && seconds < 1000) {
            say(&t, rows[i]);
            t.now_ms += 1000;
            seconds++;
        }
        assert_int_equal(t.fault, MK_E_TIMEOUT);
        assert_in_range(seconds, 60, 62);
        mk_close(t.engine);
    }
}

/* ---- between chunks --------------------------------------------------------
 */

static void what_is_refused_between_chunks_is_said_at_the_next(void **state)
{
    static const struct {
        const char *between, *reply;
        mk_answer answer;
    } rows[] = {
        {"", "452 4.3.1 Disk full\r\n", MK_ANSWER_LATER},
        {"NOOP\r\n", "250 2.0.0 Ok\r\n451 4.3.0 Try again later\r\n",
         MK_ANSWER_LATER},
        {"X\r\n",
         "500 5.5.2 Command not recognized\r\n554 5.7.1 Message refused\r\n",
         MK_ANSWER_NO},
        {"VRFY x\r\n",
         "252 2.0.0 Send some mail, it will be tried\r\n"
         "554 5.7.1 Message refused\r\n",
         MK_ANSWER_NO},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        site t;
        bool is_no = rows[i].answer == MK_ANSWER_NO;
        site_init(&t);
        t.config.asks = MK_SMTP_ASK_ALL;
        site_begin(&t, "MAIL FROM:<a@b.example>\r\n");
        say(&t, "BDAT 1\r\nx");
        expect(&t, "250 2.0.0 1 octets received\r\n");
        assert_int_equal(mk_reply(t.engine, t.flow, rows[i].answer,
                                  mk_str_z(is_no ? "554 5.7.1" : "452 4.3.1"),
                                  mk_str_z(is_no ? "Virus" : "Disk full")),
                         MK_OK);
        assert_int_equal(mk_reply(t.engine, t.flow, MK_ANSWER_YES, none, none),
                         MK_E_STALE);
        say(&t, rows[i].between);
        feed(&t, "BDAT 6\r\nQUIT\r\n", 14);
        expect(&t, rows[i].reply);
        assert_int_equal(t.last.type, MK_EV_SMTP_RESET);
        assert_int_equal(t.last.err, MK_E_REFUSED);
        assert_true(t.body == 1);
        say(&t, "RSET\r\nMAIL FROM:<a@b.example>\r\n");
        expect(&t, "250 2.0.0 Ok\r\n250 2.1.0 Sender ok\r\n");
        mk_close(t.engine);
    }
}

/* Lines, while the peer takes nothing of what is said; what is left of them.
 */
static mk_str say_deaf(site *t, mk_str view)
{
    mk_event ev;
    while ((t->end = mk_step(t->engine, t->now_ms, &view, &ev)) == MK_OK) {
        on_event(t, &ev);
    }
    return view;
}

/* The reply to EHLO may be longer than the room that was found for the
 * refusal: it waits for its own, and comes whole. */
static void what_is_refused_between_chunks_cuts_no_reply_short(void **state)
{
    static const char *const rows[] = {"EHLO d.example\r\n",
                                       "ehlo d.example\r\n",
                                       "EXPN staff\r\nEHLO d.example\r\n"};
    static const char solicit[] =
        "a.example:"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,"
        "b.example:"
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb,"
        "c.example:"
        "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc,"
        "d.example:"
        "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd,"
        "e.example:"
        "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee,"
        "f.example:"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff,"
        "g.example:"
        "gggggggggggggggggggggggggggggggggggggggggggggggggggggggggggg,"
        "h.example:"
        "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh";
    uint64_t block[8192 / sizeof(uint64_t)];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        site t;
        mk_str span;
        site_init(&t);
        t.config.extensions |= MK_SMTP_EXTENSION_NO_SOLICITING;
        t.config.solicit = mk_str_z(solicit);
        t.config.line_max = 3072;
        t.config.text_bytes = 1400;
        assert_true(mk_smtp_server_need(&t.config) <= sizeof block);
        site_begin_in(&t, block, sizeof block, "MAIL FROM:<a@b.example>\r\n");
        (void)say_deaf(&t, mk_str_z("BDAT 1\r\nx"));
        for (int n = 0; n < 50; n++) {
            (void)say_deaf(&t, mk_str_z("NOOP\r\n"));
        }
        assert_int_equal(mk_reply(t.engine, t.flow, MK_ANSWER_NO, none, none),
                         MK_OK);
        t.out_bytes = 0;
        mk_str left = say_deaf(&t, mk_str_z(rows[i]));
        while (t.end == MK_WAIT && mk_out(t.engine, 0, &span, 1) > 0) {
            drain(&t);
            left = say_deaf(&t, left);
        }
        assert_int_equal(left.len, 0);
        assert_non_null(strstr(t.out, "ffffffff,g.example:"));
        assert_non_null(strstr(t.out, "hhhhhhhh\r\n"));
        mk_close(t.engine);
    }
}

/* A 421 that something else is said in the place of closes nothing unsaid (RFC
 * 5321 3.8). */
static void a_last_word_that_was_not_said_is_none(void **state)
{
    static const struct {
        const char *line, *reply;
    } rows[] = {
        {"NOOP\r\n", "250 2.0.0 Ok\r\n"},
        {"RSET\r\n", "250 2.0.0 Ok\r\n"},
        {"DATA\r\n", "503 5.5.1 Bad sequence of commands\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        site t;
        site_open(&t);
        say(&t, "BDAT 1\r\nx");
        assert_int_equal(mk_reply(t.engine, t.flow, MK_ANSWER_LATER,
                                  mk_str_z("421 4.3.2"), none),
                         MK_OK);
        say(&t, rows[i].line);
        expect(&t, rows[i].reply);
        assert_int_equal(t.end, MK_WAIT);
        say(&t, "NOOP\r\n");
        expect(&t, "250 2.0.0 Ok\r\n");
        mk_close(t.engine);
    }
}

static void a_refusal_ends_with_its_transaction(void **state)
{
    site t;
    (void)state;
    site_open(&t);
    say(&t, "BDAT 1\r\nx");
    assert_int_equal(mk_reply(t.engine, t.flow, MK_ANSWER_NO, none, none),
                     MK_OK);
    say(&t, "RSET\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@mx.example>\r\n");
    t.flow = 0;
    t.body = 0;
    say(&t, "BDAT 1 LAST\r\ny");
    expect(&t, "250 2.0.0 Message accepted\r\n");
    assert_true(t.body == 1);
    mk_close(t.engine);
}

static void what_is_put_off_between_chunks_stops_the_peer(void **state)
{
    mk_str view = mk_str_z("NOOP\r\n");
    mk_event ev;
    site t;
    (void)state;
    site_open(&t);
    say(&t, "BDAT 1\r\nx");
    assert_int_equal(mk_later(t.engine, t.flow), MK_OK);
    assert_int_equal(mk_want(t.engine), 0);
    assert_int_equal(mk_step(t.engine, t.now_ms, &view, &ev), MK_WAIT);
    assert_int_equal(view.len, 6);
    assert_int_equal(mk_reply(t.engine, t.flow, MK_ANSWER_YES, none, none),
                     MK_OK);
    assert_int_equal(mk_want(t.engine), MK_WANT_STEP);
    t.out_bytes = 0;
    feed(&t, view.ptr, view.len);
    expect(&t, "250 2.0.0 Ok\r\n");
    mk_close(t.engine);
}

/* A number is never that of two things: who answers late is told so. */
static void a_late_answer_finds_nobody(void **state)
{
    site t;
    (void)state;
    site_init(&t);
    t.config.asks = MK_SMTP_ASK_ALL;
    t.later = MK_EV_SMTP_VRFY;
    site_begin(&t, "MAIL FROM:<a@b.example>\r\n");
    say(&t, "BDAT 1\r\nx");
    say(&t, "VRFY x\r\n");
    mk_op late = t.last.op;
    assert_true(late != t.flow);
    assert_int_equal(mk_reply(t.engine, t.flow, MK_ANSWER_NO, none, none),
                     MK_E_STALE); /* not now */
    t.now_ms += t.config.answer_ms;
    say(&t, "");
    assert_int_equal(t.last.type, MK_EV_WITHDRAWN);
    assert_int_equal(t.last.op, late);
    expect(&t, "451 4.3.0 Try again later\r\n");
    t.later = MK_EV_BODY;
    say(&t, "BDAT 1 LAST\r\nx");
    assert_int_equal(t.last.op, t.flow); /* also of the end */
    assert_int_equal(mk_reply(t.engine, late, MK_ANSWER_NO, none, none),
                     MK_E_STALE);
    assert_int_equal(mk_reply(t.engine, t.flow, MK_ANSWER_YES, none, none),
                     MK_OK);
    say(&t, "");
    expect(&t, "250 2.0.0 Message accepted\r\n");
    t.later = MK_EV_SMTP_MAIL;
    say(&t, "MAIL FROM:<a@b.example>\r\n");
    assert_true(t.last.op != late && t.last.op != t.flow);
    mk_close(t.engine);
}

static void the_end_of_the_service_is_told_between_chunks(void **state)
{
    site t;
    (void)state;
    site_open(&t);
    say(&t, "BDAT 2\r\nx");
    mk_finish(t.engine, none);
    assert_int_equal(mk_want(t.engine), MK_WANT_READ);
    say(&t, "x");
    expect(&t, "250 2.0.0 2 octets received\r\n"
               "421 4.3.2 Service shutting down\r\n");
    mk_close(t.engine);

    site_open(&t);
    say(&t, "BDAT 1\r\nx");
    mk_finish(t.engine, none);
    assert_int_equal(mk_want(t.engine), MK_WANT_STEP);
    say(&t, "");
    expect(&t, "421 4.3.2 Service shutting down\r\n");
    assert_int_equal(t.end, MK_END);
    mk_close(t.engine);
}

static void settings_that_do_not_fit_are_refused(void **state)
{
    site t;
    (void)state;
    site_init(&t);
    t.config.chunks_max = 0;
    assert_int_equal(mk_smtp_server_need(&t.config), 0);
    site_init(&t);
    t.config.extensions &= ~(uint32_t)MK_SMTP_EXTENSION_CHUNKING;
    assert_int_equal(mk_smtp_server_need(&t.config), 0); /* RFC 3030 3 */
    t.config.extensions &= ~(uint32_t)MK_SMTP_EXTENSION_BINARYMIME;
    assert_true(mk_smtp_server_need(&t.config) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_008_what_is_no_number_ends_the_session),
        cmocka_unit_test(sec_008_what_is_beyond_64_bits_ends_the_session),
        cmocka_unit_test(sec_008_zeros_in_front_are_no_harm),
        cmocka_unit_test(sec_111_a_gibibyte_of_text_in_one_chunk),
        cmocka_unit_test(sec_111_a_gibibyte_of_anything_in_one_chunk),
        cmocka_unit_test(sec_008_chunks_of_one_octet_are_counted),
        cmocka_unit_test(sec_008_chunks_of_one_octet_are_timed),
        cmocka_unit_test(what_is_refused_between_chunks_is_said_at_the_next),
        cmocka_unit_test(what_is_refused_between_chunks_cuts_no_reply_short),
        cmocka_unit_test(a_last_word_that_was_not_said_is_none),
        cmocka_unit_test(a_refusal_ends_with_its_transaction),
        cmocka_unit_test(what_is_put_off_between_chunks_stops_the_peer),
        cmocka_unit_test(a_late_answer_finds_nobody),
        cmocka_unit_test(the_end_of_the_service_is_told_between_chunks),
        cmocka_unit_test(settings_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

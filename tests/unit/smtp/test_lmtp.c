/* SPDX-License-Identifier: MIT
 *
 * test_lmtp.c: a reply for each of a thousand recipients from a unit that holds
 * a few, however slowly they are taken: as answers, and as one refusal again
 * and again; with a peer that says no more, and one that is gone. RFC 2033 4.2;
 * Law 6.
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

enum { RECIPIENTS = 1000, OUT = 1 << 20 };

static const mk_str none = {NULL, 0};

typedef struct site {
    mk_smtp_server_config config;
    mk_pool pool;
    uint64_t block[1024 / 8];
    mk_engine *engine;
    uint64_t now_ms;
    size_t sip;          /* octets that are taken at once */
    mk_answer answer;    /* for who is told of, but each tenth */
    bool is_body_spoilt; /* refuse at the first octet of the body */
    mk_op op;
    unsigned asked;
    bool is_last_seen;
    mk_err reset;
    mk_err fault;
    mk_err end;
    char *out;
    size_t out_bytes;
} site;

static char longest[401];

static void on_event(site *t, const mk_event *ev)
{
    mk_answer answer = MK_ANSWER_YES;
    t->op = ev->op;
    if (ev->type == MK_EV_BODY && (ev->flags & MK_LAST) != 0) {
        assert_int_equal(ev->flags & MK_ASK, 0);
        assert_int_equal(mk_later(t->engine, ev->op), MK_E_STALE);
        assert_int_equal(mk_reply(t->engine, ev->op, MK_ANSWER_NO, none, none),
                         MK_E_STALE);
        t->is_last_seen = true;
    } else if (ev->type == MK_EV_BODY && t->is_body_spoilt) {
        t->is_body_spoilt = false;
        assert_int_equal(mk_reply(t->engine, ev->op, MK_ANSWER_NO,
                                  mk_str_z("554 5.777.888"), mk_str_z(longest)),
                         MK_OK);
    } else if (ev->type == MK_EV_SMTP_DELIVERED) {
        assert_true(t->is_last_seen);
        assert_true((ev->flags & MK_ASK) != 0);
        assert_int_equal(ev->of.smtp->index, t->asked);
        assert_int_equal(ev->of.smtp->accepted, RECIPIENTS);
        answer = t->asked % 10 == 9 ? MK_ANSWER_NO : t->answer;
        t->asked++;
    } else if (ev->type == MK_EV_SMTP_RESET) {
        t->reset = ev->err;
    } else if (ev->type == MK_EV_FAULT) {
        t->fault = ev->err;
    }
    if ((ev->flags & MK_ASK) != 0) {
        assert_int_equal(mk_reply(t->engine, ev->op, answer, none, none),
                         MK_OK);
    }
}

/* As a driver does: step, then send a little, until nothing moves. */
static void feed(site *t, const char *octets)
{
    mk_str view = mk_str_z(octets);
    mk_event ev;
    mk_str span;
    for (;;) {
        while ((t->end = mk_step(t->engine, t->now_ms, &view, &ev)) == MK_OK) {
            on_event(t, &ev);
        }
        if (mk_out(t->engine, 0, &span, 1) == 0) {
            if (t->end == MK_WAIT && (mk_want(t->engine) & MK_WANT_STEP) != 0) {
                continue;
            }
            return;
        }
        if (t->sip == 0) {
            return;
        }
        size_t n = span.len < t->sip ? span.len : t->sip;
        assert_true(t->out_bytes + n < OUT);
        memcpy(t->out + t->out_bytes, span.ptr, n);
        t->out_bytes += n;
        t->out[t->out_bytes] = '\0';
        assert_int_equal(mk_out_sent(t->engine, n), MK_OK);
    }
}

static void say(site *t, const char *octets)
{
    t->out_bytes = 0;
    feed(t, octets);
}

static void site_open(site *t, size_t sip)
{
    memset(longest, 'x', sizeof longest - 1);
    memset(t, 0, sizeof *t);
    t->out = malloc(OUT);
    assert_non_null(t->out);
    t->sip = 65536;
    t->now_ms = 1000;
    assert_int_equal(mk_pool_init(&t->pool, mk_alloc_libc(), 1024, 1), MK_OK);
    assert_int_equal(mk_smtp_server_config_init(&t->config, sizeof t->config),
                     MK_OK);
    t->config.hostname = mk_str_z("mx.example");
    t->config.units = &t->pool;
    t->config.is_lmtp = true;
    t->config.extensions |= MK_SMTP_EXTENSION_CHUNKING;
    t->config.message_max = 1000;
    t->config.text_line_max = 1000;
    assert_true(mk_smtp_server_need(&t->config) <= sizeof t->block);
    assert_int_equal(
        mk_smtp_server_open(&t->config, t->block, sizeof t->block, &t->engine),
        MK_OK);
    say(t, "");
    say(t, "LHLO c.example\r\n");
    say(t, "MAIL FROM:<a@b.example>\r\n");
    for (unsigned i = 0; i < RECIPIENTS; i++) {
        say(t, "RCPT TO:<c@mx.example>\r\n");
        assert_string_equal(t->out, "250 2.1.5 Recipient ok\r\n");
    }
    t->sip = sip;
}

static void site_close(site *t)
{
    mk_close(t->engine);
    assert_int_equal(t->pool.taken, 0);
    mk_pool_fini(&t->pool);
    free(t->out);
}

/* So many replies, each of them this one, and nothing else before `behind`. */
static void expect(const site *t, const char *reply, size_t times,
                   const char *behind)
{
    size_t n = strlen(reply);
    size_t at = 0;
    for (size_t i = 0; i < times; i++, at += n) {
        assert_true(at + n <= t->out_bytes);
        assert_memory_equal(t->out + at, reply, n);
    }
    assert_string_equal(t->out + at, behind);
}

static const size_t sips[] = {1, 7, 100, 1024, 65536};

static void each_recipient_is_asked_as_room_comes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sips / sizeof sips[0]; i++) {
        static const char ok[] = "250 2.0.0 Message accepted\r\n";
        static const char no[] = "554 5.7.1 Message refused\r\n";
        site t;
        site_open(&t, sips[i]);
        say(&t, "DATA\r\n");
        say(&t, "x\r\n.\r\nNOOP\r\n");
        assert_int_equal(t.asked, RECIPIENTS);
        size_t at = 0;
        for (unsigned r = 0; r < RECIPIENTS; r++) {
            const char *want = r % 10 == 9 ? no : ok;
            assert_memory_equal(t.out + at, want, strlen(want));
            at += strlen(want);
        }
        assert_string_equal(t.out + at, "250 2.0.0 Ok\r\n");
        site_close(&t);
    }
}

static void a_refusal_is_said_to_each(void **state)
{
    static const struct {
        const char *body, *reply;
        mk_err why;
    } rows[] = {
        {"BDAT 1001 LAST\r\n", "552 5.3.4 Message too big\r\n", MK_E_SIZE},
        {"BDAT 3 LAST\r\na\nb", "550 5.5.2 Bare CR, LF or NUL in message\r\n",
         MK_E_BARE},
        {"BDAT 3 LATE\r\na\r\nBDAT 0 LAST\r\n",
         "503 5.5.1 Bad sequence of commands\r\n", MK_E_SYNTAX},
        {"BDAT 3 LAST\r\na\r\n", NULL, MK_E_REFUSED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t k = 0; k < sizeof sips / sizeof sips[0]; k++) {
            char own[512];
            char behind[1024];
            site t;
            site_open(&t, sips[k]);
            t.is_body_spoilt = rows[i].reply == NULL;
            (void)snprintf(own, sizeof own, "554 5.777.888 %s\r\n", longest);
            say(&t, rows[i].body);
            if (rows[i].why == MK_E_SIZE) {
                memset(behind, 'x', 1001);
                behind[1001] = '\0';
                say(&t, behind);
            }
            feed(&t, "NOOP\r\n");
            size_t skip = 0;
            if (rows[i].why == MK_E_SYNTAX) { /* of the chunk before: once */
                skip = (size_t)(strchr(t.out, '\n') - t.out) + 1;
                memmove(t.out, t.out + skip, t.out_bytes - skip + 1);
            }
            expect(&t, rows[i].reply != NULL ? rows[i].reply : own, RECIPIENTS,
                   "250 2.0.0 Ok\r\n");
            assert_int_equal(t.reset, rows[i].why);
            assert_int_equal(t.asked, 0);
            site_close(&t);
        }
    }
}

static void who_says_no_more_is_told_all(void **state)
{
    static const bool spoilt[] = {false, true};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        site t;
        site_open(&t, 0);
        t.is_body_spoilt = spoilt[i];
        t.sip = 65536;
        say(&t, "DATA\r\n");
        t.sip = 0;
        say(&t, "x\r\n.\r\n");
        assert_true(t.asked < RECIPIENTS); /* there is no room for more */
        mk_in_eof(t.engine, MK_OK);
        feed(&t, "");
        assert_int_equal(t.fault, MK_OK);
        t.sip = 100;
        feed(&t, "");
        size_t lines = 0;
        for (size_t k = 0; k < t.out_bytes; k++) {
            lines += t.out[k] == '\n';
        }
        assert_int_equal(lines, RECIPIENTS);
        assert_int_equal(t.asked, spoilt[i] ? 0 : RECIPIENTS);
        assert_int_equal(t.fault, MK_OK);
        assert_int_equal(t.end, MK_END);
        site_close(&t);
    }
}

/* Who is gone takes no reply; the rest is not asked about, and he will come
 * again for those (RFC 2033 4.2). */
static void who_is_gone_is_told_no_more(void **state)
{
    site t;
    (void)state;
    site_open(&t, 65536);
    say(&t, "DATA\r\n");
    t.sip = 0;
    say(&t, "x\r\n.\r\n");
    unsigned asked = t.asked;
    assert_true(asked > 0 && asked < RECIPIENTS);
    mk_in_eof(t.engine, MK_E_NET);
    feed(&t, "");
    assert_int_equal(t.asked, asked);
    assert_int_equal(t.fault, MK_E_NET);
    site_close(&t);
}

/* Nor is there time for ever. */
static void who_takes_nothing_is_left(void **state)
{
    static const bool spoilt[] = {false, true};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        site t;
        site_open(&t, 65536);
        t.is_body_spoilt = spoilt[i];
        say(&t, "DATA\r\n");
        t.sip = 0;
        say(&t, "x\r\n.\r\n");
        t.now_ms += t.config.command_ms - 1;
        feed(&t, "");
        assert_int_equal(t.fault, MK_OK);
        assert_int_equal(mk_deadline(t.engine), t.now_ms + 1);
        t.now_ms += 1;
        feed(&t, "");
        assert_int_equal(t.fault, MK_E_TIMEOUT);
        assert_true((mk_want(t.engine) & MK_WANT_ABORT) != 0);
        site_close(&t);
    }
}

/* A message that nobody took is no mail (THREATS 115). */
static void a_message_that_nobody_took_is_junk(void **state)
{
    (void)state;
    for (unsigned taken = 0; taken < 2; taken++) {
        site t;
        site_open(&t, 65536);
        t.config.junk_max = 1;
        t.answer = taken ? MK_ANSWER_YES : MK_ANSWER_LATER;
        say(&t, "DATA\r\n");
        say(&t, "x\r\n.\r\n");
        say(&t, "NOOP\r\n");
        assert_int_equal(t.fault, taken ? MK_OK : MK_E_LIMIT);
        site_close(&t);
    }
}

static void what_lmtp_must_offer(void **state)
{
    static const uint32_t musts[] = {MK_SMTP_EXTENSION_PIPELINING,
                                     MK_SMTP_EXTENSION_ENHANCEDSTATUSCODES};
    mk_smtp_server_config c;
    (void)state;
    assert_int_equal(mk_smtp_server_config_init(&c, sizeof c), MK_OK);
    c.hostname = mk_str_z("mx.example");
    c.is_lmtp = true;
    assert_true(mk_smtp_server_need(&c) > 0);
    for (size_t i = 0; i < 2; i++) {
        mk_engine *engine;
        uint64_t block[MK_SMTP_SERVER_NEED / 8];
        c.extensions = MK_SMTP_EXTENSION_DEFAULT & ~musts[i];
        c.is_lmtp = true;
        assert_int_equal(mk_smtp_server_open(&c, block, sizeof block, &engine),
                         MK_E_ARG);
        c.is_lmtp = false;
        assert_true(mk_smtp_server_need(&c) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_recipient_is_asked_as_room_comes),
        cmocka_unit_test(a_refusal_is_said_to_each),
        cmocka_unit_test(who_says_no_more_is_told_all),
        cmocka_unit_test(who_is_gone_is_told_no_more),
        cmocka_unit_test(who_takes_nothing_is_left),
        cmocka_unit_test(a_message_that_nobody_took_is_junk),
        cmocka_unit_test(what_lmtp_must_offer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

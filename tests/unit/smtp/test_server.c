/* SPDX-License-Identifier: MIT
 *
 * test_server.c: what no dialogue can show of the server machine, because the
 * runner steps after everything: what it wants and holds between two steps of
 * a driver that steps only when it must (engine.h: the loop), and the numbers
 * of body events. Laws 4, 5 and 6; RFC 5321 4.5.3.1.7; THREATS 114.
 */
#include "smtp/server_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NEED = 2048, NOW_MS = 1000 };

typedef struct site {
    mk_smtp_server_config config;
    mk_pool pool;
    uint64_t block[NEED / 8];
    mk_engine *engine;
    mk_event ev;
} site;

static void site_open(site *t)
{
    memset(t, 0, sizeof *t);
    assert_int_equal(mk_pool_init(&t->pool, mk_alloc_libc(), 1024, 1), MK_OK);
    assert_int_equal(mk_smtp_server_config_init(&t->config, sizeof t->config),
                     MK_OK);
    t->config.hostname = mk_str_z("mx.example");
    t->config.units = &t->pool;
    t->config.asks = 0;
}

static void site_start(site *t)
{
    assert_int_equal(
        mk_smtp_server_open(&t->config, t->block, sizeof t->block, &t->engine),
        MK_OK);
}

static void site_close(site *t)
{
    mk_close(t->engine);
    assert_int_equal(t->pool.taken, 0);
    mk_pool_fini(&t->pool);
}

/* Step once over octets that are consumed in full. */
static mk_err say_once(site *t, const char *octets)
{
    mk_str view = mk_str_z(octets);
    mk_err err = mk_step(t->engine, NOW_MS, &view, &t->ev);
    assert_int_equal(view.len, 0);
    return err;
}

/* Step until MK_WAIT, as a driver does before it writes. */
static void say(site *t, const char *octets)
{
    mk_str view = mk_str_z(octets);
    while (mk_step(t->engine, NOW_MS, &view, &t->ev) == MK_OK) {
    }
    assert_int_equal(view.len, 0);
}

/* The transport takes everything; no step follows. */
static void acknowledge(site *t)
{
    mk_str span;
    while (mk_out(t->engine, 0, &span, 1) == 1) {
        assert_int_equal(mk_out_sent(t->engine, span.len), MK_OK);
    }
}

/* A session that waits for its peer holds no unit, whichever reply it sent. */
static void sec_114_an_idle_session_holds_no_unit(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "EHLO client.example\r\n",
        "NOOP\r\n",
        "VRFY someone\r\n",
        "MAIL FROM:<a@b.example>\r\n",
    };
    site t;
    site_open(&t);
    site_start(&t);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        say(&t, lines[i]);
        assert_int_equal(t.pool.taken, 1);
        acknowledge(&t);
        assert_int_equal(t.pool.taken, 0);
    }
    site_close(&t);
}

static void begin_body(site *t)
{
    site_start(t);
    say(t, "");
    acknowledge(t);
    say(t, "EHLO client.example\r\n");
    acknowledge(t);
    say(t, "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@mx.example>\r\nDATA\r\n");
    acknowledge(t);
}

/* In a body, too: who waits for the rest of it must not keep others from
 * reading theirs (THREATS F25). */
static void fault_f25_a_body_holds_no_unit(void **state)
{
    static const char *const parts[] = {"x", "\r\n", ".", "\r\n.\r"};
    site t;

    (void)state;
    site_open(&t);
    begin_body(&t);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        mk_str view = mk_str_z(parts[i]);
        while (mk_step(t.engine, NOW_MS, &view, &t.ev) == MK_OK) {
        }
        assert_int_equal(t.pool.taken, 0);
    }
    site_close(&t);
}

/* Body octets that were put off: the answer asks for a step, for what the
 * driver still keeps; whatever the answer is. */
static void law5_the_answer_to_body_octets_wants_a_step(void **state)
{
    (void)state;
    static const mk_answer answers[] = {MK_ANSWER_YES, MK_ANSWER_LATER,
                                        MK_ANSWER_NO};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        site t;
        mk_str none = {NULL, 0};
        site_open(&t);
        begin_body(&t);
        assert_int_equal(say_once(&t, "x"), MK_OK);
        assert_int_equal(t.ev.type, MK_EV_BODY);
        assert_int_equal(mk_later(t.engine, t.ev.op), MK_OK);
        assert_int_equal(mk_want(t.engine), 0);
        assert_int_equal(mk_reply(t.engine, t.ev.op, answers[i], none, none),
                         MK_OK);
        assert_int_equal(mk_want(t.engine), MK_WANT_STEP);
        say(&t, "");
        assert_int_equal(mk_want(t.engine), MK_WANT_READ);
        assert_int_equal(mk_deadline(t.engine),
                         NOW_MS + t.config.rate_after_ms);
        site_close(&t);
    }
}

/* Who decides on a connection takes time, and the peer must be seen to talk
 * meanwhile; later, what comes early is input that waits. */
static void sec_011_early_talk_is_read_before_the_greeting(void **state)
{
    static const char *const late[] = {"EHLO client.example\r\n", "", "\r\n"};
    (void)state;
    for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
        site t;
        mk_str in = mk_str_z(NULL);
        site_open(&t);
        t.config.asks = MK_SMTP_ASK_CONNECT | MK_SMTP_ASK_HELO;
        site_start(&t);
        assert_int_equal(mk_step(t.engine, NOW_MS, &in, &t.ev), MK_OK);
        assert_int_equal(t.ev.type, MK_EV_SMTP_CONNECT);
        assert_int_equal(mk_later(t.engine, t.ev.op), MK_OK);
        assert_int_equal(mk_want(t.engine), MK_WANT_READ);
        mk_op op = t.ev.op;
        in = mk_str_z(late[i]);
        assert_int_equal(mk_step(t.engine, NOW_MS, &in, &t.ev), MK_WAIT);
        assert_int_equal(in.len, strlen(late[i]));
        /* nothing is consumed before the answer: who reads on has no room */
        assert_int_equal(mk_want(t.engine), in.len > 0 ? 0 : MK_WANT_READ);
        assert_int_equal(mk_reply(t.engine, op, MK_ANSWER_YES, mk_str_z(NULL),
                                  mk_str_z(NULL)),
                         MK_OK);
        if (in.len > 0) {
            assert_int_equal(mk_step(t.engine, NOW_MS, &in, &t.ev), MK_OK);
            assert_int_equal(t.ev.type, MK_EV_FAULT);
            assert_int_equal(t.ev.err, MK_E_EARLY);
            site_close(&t);
            continue;
        }
        assert_int_equal(mk_step(t.engine, NOW_MS, &in, &t.ev), MK_WAIT);
        acknowledge(&t);
        in = mk_str_z(late[0]);
        assert_int_equal(mk_step(t.engine, NOW_MS, &in, &t.ev), MK_OK);
        assert_int_equal(t.ev.type, MK_EV_SMTP_HELO);
        assert_int_equal(mk_later(t.engine, t.ev.op), MK_OK);
        assert_int_equal(mk_want(t.engine), 0);
        site_close(&t);
    }
}

/* A refusal of body octets is never lost, although the unit that its reply
 * would lie in went back to the pool meanwhile, or is somebody else's (THREATS
 * F25): then the reply is the default one. Law 5; RFC 5321 4.1.1.4. */
static void law5_a_body_is_refused_at_any_time(void **state)
{
    static const struct {
        bool is_held;
        bool is_lent; /* the only unit is another's when the answer comes */
        mk_answer answer;
        const char *reply;
    } rows[] = {
        {false, false, MK_ANSWER_NO, "550 5.7.1 Full of worms\r\n"},
        {false, true, MK_ANSWER_NO, "554 5.7.1 Message refused\r\n"},
        {true, true, MK_ANSWER_LATER, "451 4.3.0 Try again later\r\n"},
        {true, false, MK_ANSWER_LATER, "450 4.7.1 Full of worms\r\n"},
    };
    static const char *const codes[] = {"250", "450 4.7.1", "550 5.7.1"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        site t;
        mk_str text = mk_str_z("Full of worms");
        mk_str span;
        void *unit = NULL;
        (void)state;
        site_open(&t);
        begin_body(&t);
        assert_int_equal(say_once(&t, "worm\r\n"), MK_OK);
        mk_op op = t.ev.op;
        say(&t, ""); /* all is consumed: the unit is not needed */
        assert_int_equal(t.pool.taken, 0);
        unit = rows[i].is_lent ? mk_pool_take(&t.pool) : NULL;
        if (rows[i].is_held) {
            assert_int_equal(mk_later(t.engine, op), MK_OK);
            say(&t, "");
        }
        assert_int_equal(mk_reply(t.engine, op, rows[i].answer,
                                  mk_str_z(codes[rows[i].answer]), text),
                         MK_OK);
        assert_int_equal(
            mk_reply(t.engine, op, MK_ANSWER_NO, mk_str_z("550"), text),
            MK_E_STALE);
        assert_int_equal(mk_later(t.engine, op), MK_E_STALE);
        mk_pool_give(&t.pool, unit);
        assert_int_equal(say_once(&t, "more\r\n.\r\n"), MK_OK);
        assert_int_equal(t.ev.type, MK_EV_SMTP_RESET);
        assert_int_equal(t.ev.err, MK_E_REFUSED);
        assert_int_equal(mk_out(t.engine, 0, &span, 1), 1);
        assert_true(mk_str_is(span, mk_str_z(rows[i].reply)));
        acknowledge(&t);
        site_close(&t);
    }
}

/* Body octets that were put off while there is no unit: nobody reads, so it is
 * the application's time that runs, and when that is over they are refused. */
static void law5_a_held_body_needs_no_unit(void **state)
{
    static const uint64_t early_ms[] = {1, 1000, 299999};
    for (size_t i = 0; i < sizeof early_ms / sizeof early_ms[0]; i++) {
        site t;
        mk_str none = {NULL, 0};
        mk_str span;
        (void)state;
        site_open(&t);
        t.config.rate_after_ms = 100;
        t.config.command_ms = 200;
        begin_body(&t);
        assert_int_equal(say_once(&t, "worm\r\n"), MK_OK);
        mk_op op = t.ev.op;
        say(&t, "");
        void *unit = mk_pool_take(&t.pool);
        uint64_t due_ms = NOW_MS + t.config.answer_ms;
        assert_int_equal(mk_later(t.engine, op), MK_OK);
        assert_int_equal(mk_step(t.engine, due_ms - early_ms[i], &none, &t.ev),
                         MK_WAIT);
        assert_int_equal(mk_deadline(t.engine), due_ms);
        assert_int_equal(mk_want(t.engine), 0);
        assert_int_equal(mk_step(t.engine, due_ms, &none, &t.ev), MK_OK);
        assert_int_equal(t.ev.type, MK_EV_WITHDRAWN);
        assert_int_equal(t.ev.op, op);
        assert_int_equal(mk_reply(t.engine, op, MK_ANSWER_YES, none, none),
                         MK_E_STALE);
        mk_pool_give(&t.pool, unit);
        mk_str rest = mk_str_z(".\r\n");
        assert_int_equal(mk_step(t.engine, due_ms, &rest, &t.ev), MK_OK);
        assert_int_equal(t.ev.type, MK_EV_SMTP_RESET);
        assert_int_equal(t.ev.err, MK_E_REFUSED);
        assert_int_equal(mk_out(t.engine, 0, &span, 1), 1);
        assert_int_equal(span.ptr[0], '4');
        acknowledge(&t);
        site_close(&t);
    }
}

/* What ended waits for nothing more, in the middle of a body as elsewhere. */
static void law5_no_answer_is_late_enough(void **state)
{
    static const mk_err ends[] = {MK_E_CUT, MK_E_NET, MK_E_TLS};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        site t;
        mk_str none = {NULL, 0};
        (void)state;
        site_open(&t);
        begin_body(&t);
        assert_int_equal(say_once(&t, "worm\r\n"), MK_OK);
        mk_op op = t.ev.op;
        mk_in_eof(t.engine, ends[i]);
        assert_int_equal(say_once(&t, ""), MK_OK);
        assert_int_equal(t.ev.type, MK_EV_FAULT);
        assert_int_equal(mk_later(t.engine, op), MK_E_STALE);
        assert_int_equal(mk_reply(t.engine, op, MK_ANSWER_NO, none, none),
                         MK_E_STALE);
        assert_int_equal(mk_reply(t.engine, op, MK_ANSWER_YES, none, none),
                         MK_E_STALE);
        assert_int_equal(say_once(&t, ""), MK_END);
        assert_int_equal(mk_out(t.engine, 0, &none, 1), 0);
        site_close(&t);
    }
}

/* The running total of a body event counts what was told, and never the
 * octets beyond the limit that came with it. */
static void law4_a_body_event_counts_what_it_tells(void **state)
{
    (void)state;
    static const char *const bodies[] = {"0123456789", "0123456789a",
                                         "0123456789abcd"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        site t;
        site_open(&t);
        t.config.message_max = 10;
        begin_body(&t);
        assert_int_equal(say_once(&t, bodies[i]), MK_OK);
        assert_int_equal(t.ev.type, MK_EV_BODY);
        assert_int_equal(t.ev.offset, 0);
        assert_int_equal(t.ev.data.len, 10);
        assert_int_equal(t.ev.size, 10);
        site_close(&t);
    }
}

/* The peer died, or has said all, while a reply is still on its way: nobody
 * waits for an acknowledgement that may never come. */
static void sec_114_a_dead_peer_ends_under_guard(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        mk_err why;
        mk_err step;
    } rows[] = {
        {"", MK_E_NET, MK_OK},
        {"EHLO client.example\r\n", MK_E_CUT, MK_OK},
        {"NOOP\r\n", MK_OK, MK_END},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        site t;
        site_open(&t);
        site_start(&t);
        say(&t, "");
        if (rows[i].line[0] != '\0') {
            acknowledge(&t);
            say(&t, rows[i].line);
        }
        mk_in_eof(t.engine, rows[i].why);
        assert_int_equal(say_once(&t, ""), rows[i].step);
        if (rows[i].step == MK_OK) {
            assert_int_equal(t.ev.type, MK_EV_FAULT);
            assert_int_equal(t.ev.err, rows[i].why);
        }
        assert_int_equal(mk_want(t.engine), MK_WANT_WRITE | MK_WANT_CLOSE);
        site_close(&t);
    }
}

/* A setting of Law 10 that is neither of the two is no setting. */
static void sec_001_an_unknown_setting_is_refused(void **state)
{
    (void)state;
    static const int values[] = {2, 255, -1};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        site t;
        site_open(&t);
        t.config.bare = (mk_smtp_bare)values[i];
        assert_int_equal(mk_smtp_server_need(&t.config), 0);
        assert_int_equal(
            mk_smtp_server_open(&t.config, t.block, sizeof t.block, &t.engine),
            MK_E_ARG);
        mk_pool_fini(&t.pool);
    }
}

/* Replies that begin with three digits, among all that is queued. */
static unsigned replies(site *t, const char *code)
{
    unsigned n = 0;
    mk_str span;
    while (mk_out(t->engine, 0, &span, 1) == 1) {
        for (size_t i = 0; i + 3 <= span.len; i++) {
            bool starts = i == 0 || span.ptr[i - 1] == '\n';
            n += starts && memcmp(span.ptr + i, code, 3) == 0;
        }
        assert_int_equal(mk_out_sent(t->engine, span.len), MK_OK);
    }
    return n;
}

/* RFC 5321 4.5.3.1.10: too many recipients are told 452, one by one, and a
 * thousand of them cost nothing: a list is a list. Who goes on for ever makes
 * errors, and is told 421. */
static void sec_115_recipients_beyond_the_limit(void **state)
{
    site t;
    unsigned taken = 0, deferred = 0, closed = 0;
    (void)state;
    site_open(&t);
    t.config.recipients_max = 100;
    t.config.errors_soft = UINT32_MAX; /* the clock stands */
    site_start(&t);
    say(&t, "");
    acknowledge(&t);
    say(&t, "EHLO a.example\r\n");
    acknowledge(&t);
    say(&t, "MAIL FROM:<>\r\n");
    acknowledge(&t);
    for (unsigned i = 0; i < 1300 && closed == 0; i++) {
        say(&t, "RCPT TO:<c@d.example>\r\n");
        mk_str span;
        assert_int_equal(mk_out(t.engine, 0, &span, 1), 1);
        taken += span.ptr[0] == '2';
        deferred += span.ptr[0] == '4' && span.ptr[1] == '5';
        closed += replies(&t, "421");
    }
    assert_int_equal(taken, 100);
    assert_int_equal(deferred, 1000 + t.config.errors_max);
    assert_int_equal(closed, 1);
    assert_int_equal(mk_want(t.engine), MK_WANT_CLOSE);
    site_close(&t);
}

/* Whoever idled longer than a hurried service allows is overdue at once. */
static void sec_114_hurry_moves_the_deadline(void **state)
{
    site t;
    mk_str view = {NULL, 0};
    (void)state;
    site_open(&t);
    site_start(&t);
    say(&t, "");
    acknowledge(&t);
    say(&t, "EHLO a.example\r\n");
    acknowledge(&t);
    uint64_t usual = NOW_MS + t.config.command_ms;
    uint64_t short_of_room = NOW_MS + t.config.hurry_command_ms;
    assert_int_equal(mk_deadline(t.engine), usual);
    assert_int_equal(mk_step(t.engine, short_of_room, &view, &t.ev), MK_WAIT);
    mk_hurry(t.engine, true);
    assert_int_equal(mk_deadline(t.engine), short_of_room);
    mk_hurry(t.engine, false);
    assert_int_equal(mk_deadline(t.engine), usual);
    assert_int_equal(mk_step(t.engine, short_of_room, &view, &t.ev), MK_WAIT);
    mk_hurry(t.engine, true);
    assert_int_equal(mk_step(t.engine, short_of_room, &view, &t.ev), MK_OK);
    assert_int_equal(t.ev.type, MK_EV_FAULT);
    assert_int_equal(t.ev.err, MK_E_TIMEOUT);
    site_close(&t);
}

/* While there is no unit to read a body with, its rate is not looked at. */
static void sec_113_an_empty_pool_is_not_the_peers(void **state)
{
    site t;
    mk_str view = mk_str_z("x");
    (void)state;
    site_open(&t);
    begin_body(&t);
    void *unit = mk_pool_take(&t.pool);
    assert_non_null(unit);
    assert_int_equal(mk_step(t.engine, NOW_MS, &view, &t.ev), MK_WAIT);
    assert_int_equal(mk_step(t.engine, NOW_MS + 50000, &view, &t.ev), MK_WAIT);
    assert_int_equal(view.len, 1);
    mk_pool_give(&t.pool, unit);
    assert_int_equal(mk_step(t.engine, NOW_MS + 50000, &view, &t.ev), MK_OK);
    assert_int_equal(mk_step(t.engine, NOW_MS + 50000, &view, &t.ev), MK_WAIT);
    assert_int_equal(mk_deadline(t.engine),
                     NOW_MS + 50000 + t.config.rate_after_ms);
    site_close(&t);
}

/* The last word of an application goes out at once, whatever was before. */
static void sec_115_a_last_word_is_not_delayed(void **state)
{
    site t;
    (void)state;
    site_open(&t);
    t.config.asks = MK_SMTP_ASK_RCPT;
    t.config.errors_soft = 1;
    site_start(&t);
    say(&t, "");
    acknowledge(&t);
    say(&t, "EHLO a.example\r\n");
    acknowledge(&t);
    say(&t, "MAIL FROM:<>\r\n");
    acknowledge(&t);
    ((smtp_server *)(void *)t.engine)->turned_away = UINT32_MAX;
    assert_int_equal(say_once(&t, "RCPT TO:<c@d.example>\r\n"), MK_OK);
    assert_int_equal(mk_reply(t.engine, t.ev.op, MK_ANSWER_LATER,
                              mk_str_z("421 4.7.0"), mk_str_z("Enough")),
                     MK_OK);
    say(&t, "");
    assert_int_equal(mk_want(t.engine), MK_WANT_WRITE | MK_WANT_CLOSE);
    assert_int_equal(replies(&t, "421"), 1);
    site_close(&t);
}

/* The settings of patience are finite, and never "none". */
static void sec_113_settings_are_looked_at(void **state)
{
    static const size_t times[] = {
        offsetof(mk_smtp_server_config, command_ms),
        offsetof(mk_smtp_server_config, answer_ms),
        offsetof(mk_smtp_server_config, delay_ms),
        offsetof(mk_smtp_server_config, rate_after_ms),
        offsetof(mk_smtp_server_config, hurry_command_ms),
    };
    static const size_t counts[] = {
        offsetof(mk_smtp_server_config, errors_max),
        offsetof(mk_smtp_server_config, errors_soft),
        offsetof(mk_smtp_server_config, junk_max),
        offsetof(mk_smtp_server_config, rate_min),
        offsetof(mk_smtp_server_config, hurry_errors_max),
        offsetof(mk_smtp_server_config, hurry_junk_max),
    };
    static const uint64_t bad[] = {0, UINT64_C(1) << 32, MK_NEVER};
    static const uint32_t none = 0;
    site t;
    (void)state;
    site_open(&t);
    assert_int_not_equal(mk_smtp_server_need(&t.config), 0);
    for (size_t i = 0; i < 3 * (sizeof times / sizeof times[0]); i++) {
        mk_smtp_server_config c = t.config;
        memcpy((char *)&c + times[i / 3], &bad[i % 3], sizeof bad[0]);
        assert_int_equal(mk_smtp_server_need(&c), 0);
    }
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        mk_smtp_server_config c = t.config;
        memcpy((char *)&c + counts[i], &none, sizeof none);
        assert_int_equal(mk_smtp_server_need(&c), 0);
    }
    t.config.rate_min = 1024 * 1024 + 1;
    assert_int_equal(mk_smtp_server_need(&t.config), 0);
    mk_pool_fini(&t.pool);
}

/* The op of a body means nothing before an event carried it; and no op is 0,
 * however many there were. */
static void numbers_of_questions(void **state)
{
    site t;
    (void)state;
    site_open(&t);
    site_start(&t);
    say(&t, "");
    acknowledge(&t);
    say(&t, "HELO a.example\r\n");
    acknowledge(&t);
    say(&t, "MAIL FROM:<a@b.example>\r\n");
    acknowledge(&t);
    say(&t, "RCPT TO:<c@d.example>\r\n");
    acknowledge(&t);
    assert_int_equal(say_once(&t, "DATA\r\n"), MK_OK);
    mk_op body = t.ev.op + 1;
    say(&t, "");
    mk_str none = {NULL, 0};
    assert_int_equal(mk_reply(t.engine, body, MK_ANSWER_NO, none, none),
                     MK_E_STALE);
    acknowledge(&t);
    assert_int_equal(say_once(&t, "x\r\n"), MK_OK);
    assert_int_equal(t.ev.op, body);
    assert_int_equal(mk_reply(t.engine, body, MK_ANSWER_NO, none, none), MK_OK);
    site_close(&t);
}

static void sec_111_numbers_wrap_past_none(void **state)
{
    site t;
    (void)state;
    site_open(&t);
    site_start(&t);
    ((mk_serve *)(void *)t.engine)->op = UINT32_MAX;
    assert_int_equal(say_once(&t, ""), MK_OK);
    assert_int_equal(t.ev.op, 1);
    site_close(&t);
}

/* RFC 5321 4.2, RFC 3463 2; the first digit is the answer's. */
static void codes_have_a_form(void **state)
{
    static const struct {
        mk_answer answer;
        const char *code;
        bool want;
    } rows[] = {
        {MK_ANSWER_YES, "250", true},
        {MK_ANSWER_YES, "250 2.1.5", true},
        {MK_ANSWER_YES, "252", true},
        {MK_ANSWER_YES, "550", false},
        {MK_ANSWER_YES, "354", false},
        {MK_ANSWER_LATER, "451 4.3.0", true},
        {MK_ANSWER_LATER, "250", false},
        {MK_ANSWER_LATER, "451 5.3.0", false},
        {MK_ANSWER_NO, "550 5.1.1", true},
        {MK_ANSWER_NO, "554 5.999.999", true},
        {MK_ANSWER_NO, "554 5.1000.1", false},
        {MK_ANSWER_NO, "554 5.01.1", false},
        {MK_ANSWER_NO, "554 5.0.0", true},
        {MK_ANSWER_NO, "554 5.0", false},
        {MK_ANSWER_NO, "554 5.0.", false},
        {MK_ANSWER_NO, "554 5..0", false},
        {MK_ANSWER_NO, "554 5.0.0 ", false},
        {MK_ANSWER_NO, "554 5.0.0x", false},
        {MK_ANSWER_NO, "554 ", false},
        {MK_ANSWER_NO, "554-5.0.0", false},
        {MK_ANSWER_NO, "5500", false},
        {MK_ANSWER_NO, "55", false},
        {MK_ANSWER_NO, "560", false},
        {MK_ANSWER_NO, "55a", false},
        {MK_ANSWER_NO, "IN-USE", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(mk_smtp_server_kind.ops.is_code(mk_str_z(rows[i].code),
                                                         rows[i].answer),
                         rows[i].want);
    }
}

static void the_block_is_aligned(void **state)
{
    site t;
    (void)state;
    site_open(&t);
    assert_int_equal(mk_smtp_server_open(&t.config, (char *)t.block + 1,
                                         sizeof t.block - 1, &t.engine),
                     MK_E_ARG);
    mk_pool_fini(&t.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_114_an_idle_session_holds_no_unit),
        cmocka_unit_test(sec_114_a_dead_peer_ends_under_guard),
        cmocka_unit_test(sec_001_an_unknown_setting_is_refused),
        cmocka_unit_test(fault_f25_a_body_holds_no_unit),
        cmocka_unit_test(law5_the_answer_to_body_octets_wants_a_step),
        cmocka_unit_test(sec_011_early_talk_is_read_before_the_greeting),
        cmocka_unit_test(law5_a_body_is_refused_at_any_time),
        cmocka_unit_test(law5_a_held_body_needs_no_unit),
        cmocka_unit_test(law5_no_answer_is_late_enough),
        cmocka_unit_test(law4_a_body_event_counts_what_it_tells),
        cmocka_unit_test(sec_115_recipients_beyond_the_limit),
        cmocka_unit_test(sec_114_hurry_moves_the_deadline),
        cmocka_unit_test(sec_113_an_empty_pool_is_not_the_peers),
        cmocka_unit_test(sec_115_a_last_word_is_not_delayed),
        cmocka_unit_test(sec_113_settings_are_looked_at),
        cmocka_unit_test(numbers_of_questions),
        cmocka_unit_test(sec_111_numbers_wrap_past_none),
        cmocka_unit_test(codes_have_a_form),
        cmocka_unit_test(the_block_is_aligned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

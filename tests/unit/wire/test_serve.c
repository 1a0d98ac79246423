/* SPDX-License-Identifier: MIT
 *
 * test_serve.c: what servers share (wire/serve.h) under a protocol of six
 * words, for what SMTP does not use of it: replies of words, streams of lent
 * spans and of rows and their times (RFC 1939 3, THREATS 113), logins by name
 * and password, an exchange that is kept. The rest is tested through SMTP.
 */
#include "wire/serve.h"

#include "text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* ---- the protocol -------------------------------------------------------- */

enum { EV_ASK = 0x900, EV_LOGIN = 0x901 };
enum { GIVE = 1, RAW, SHOUT, QUIT, OPEN };
enum { PEER_MS = 1000, ANSWER_MS = 5000, IDLE_MS = 9000 };

typedef struct server {
    mk_serve base;
    mk_serve_stream stream;
    mk_fault fault;
    bool greeted;
    bool keeps;  /* the exchange, for a question behind the login */
    text heard;  /* what the exchange heard */
    mk_err why;  /* what becomes of it */
    bool closed; /* and that it was closed */
    char unit[256];
    /* the application and its peer */
    mk_event ev;
    uint64_t now_ms;
    text in;
    text wire;
} server;

static server *of(const mk_serve *s)
{
    return (server *)(uintptr_t)s;
}

static void limits(const mk_serve *s, mk_serve_limits *out)
{
    memset(out, 0, sizeof *out);
    out->peer_ms = s->known ? IDLE_MS : PEER_MS;
    out->answer_ms = ANSWER_MS;
    out->delay_ms = out->auth_delay_ms = 100;
    out->rate_after_ms = 2000;
    out->rate_min = 1000;
    out->errors_soft = out->errors_max = 10;
    out->auth_failures_max = 2;
}

static mk_err turn(mk_serve *s, mk_str *io_in, mk_event *ev)
{
    if (!of(s)->greeted) {
        of(s)->greeted = true;
        s->at_rest = true;
        return mk_serve_say(s, "+hello");
    }
    return s->streaming ? mk_serve_stream_next(s, ev)
                        : mk_serve_read(s, io_in, ev);
}

static mk_err line(mk_serve *s, mk_str word, mk_event *ev)
{
    static const char *const words[] = {"", "GIVE", "RAW", "SHOUT", "QUIT"};
    memset(ev, 0, sizeof *ev);
    ev->type = EV_ASK;
    for (uint8_t i = GIVE; i <= QUIT; i++) {
        if (mk_str_is(word, mk_str_z(words[i]))) {
            return mk_serve_ask(s, ev, i,
                                SERVE_ASK | (i == QUIT ? SERVE_LASTING : 0));
        }
    }
    if (mk_str_is(word, mk_str_z("LOGIN"))) {
        /* "\0ann\0secret" */
        return mk_serve_auth(s, mk_str_z("PLAIN"), mk_str_z("AGFubgBzZWNyZXQ="),
                             ev);
    }
    return mk_serve_say(s, "-what");
}

static bool fixed(const mk_serve *s, const char *reply, mk_str own, mk_buf *out,
                  mk_fault *fault)
{
    (void)s;
    if (fault != NULL) {
        fault->text = mk_str_z(reply);
    }
    (void)mk_buf_add(out, own.len > 0 ? own : mk_str_z(reply));
    (void)mk_buf_add_z(out, "\r\n");
    return reply[0] == '-';
}

static mk_err compose(mk_serve *s, mk_answer answer, mk_str code, mk_str own,
                      mk_buf *out)
{
    (void)own;
    if (answer == MK_ANSWER_YES && code.len > 0) {
        return MK_E_ARG;
    }
    (void)mk_buf_add_z(out, answer == MK_ANSWER_YES ? "+OK" : "-ERR");
    (void)mk_buf_add_z(out, code.len > 0 ? " " : "");
    (void)mk_buf_add(out, code);
    (void)mk_buf_add_z(out, "\r\n");
    s->last_word = s->subject == QUIT;
    return MK_OK;
}

static mk_err apply(mk_serve *s, mk_event *ev)
{
    (void)ev;
    mk_serve_let_go(s, s->answer == MK_ANSWER_NO);
    if (s->subject == OPEN) {
        s->known = s->answer == MK_ANSWER_YES;
        mk_serve_login_close(s);
    }
    if (s->answer == MK_ANSWER_YES && s->subject <= RAW) {
        s->guard = false;
        mk_serve_stream_begin(s, s->subject == GIVE ? OUTQ_STORED : OUTQ_RAW,
                              s->subject == GIVE ? ".\r\n" : ")\r\n");
    }
    return MK_E_AGAIN;
}

static bool is_code(mk_str code, mk_answer answer)
{
    (void)answer;
    return mk_str_is(code, mk_str_z("IN-USE"));
}

/* ---- an exchange that hears and says what it is told ----------------------
 */

static mk_sasl_mechanism find(mk_str name)
{
    return mk_str_is(name, mk_str_z("PLAIN")) ? MK_SASL_PLAIN : MK_SASL_NONE;
}

static mk_err open_sasl(const struct mk_sasl_server_config *c,
                        mk_sasl_mechanism mechanism, const mk_tls_info *tls,
                        void *mem, size_t n, mk_sasl **out_sasl)
{
    (void)c;
    (void)tls;
    (void)n;
    assert_int_equal(mechanism, MK_SASL_PLAIN);
    *out_sasl = mem;
    return MK_OK;
}

static void hear(mk_sasl *x, mk_str base64)
{
    text_str(&((server *)(void *)x)->heard, base64);
}

static mk_err heard(mk_sasl *x)
{
    (void)x;
    return MK_OK;
}

static mk_sasl_state next_state(mk_sasl *x)
{
    return ((server *)(void *)x)->why == MK_OK ? MK_SASL_DONE : MK_SASL_FAILED;
}

static mk_err why(const mk_sasl *x)
{
    return ((const server *)(const void *)x)->why;
}

static void close_sasl(mk_sasl *x)
{
    ((server *)(void *)x)->closed = true;
}

static const mk_sasl_server_ops sasl_ops = {.find = find,
                                            .open = open_sasl,
                                            .next_state = next_state,
                                            .hear = hear,
                                            .heard = heard,
                                            .why = why,
                                            .close = close_sasl};

static void login(const mk_serve *s, mk_serve_room *out)
{
    memset(out, 0, sizeof *out);
    out->ops = &sasl_ops;
    out->mem = of(s);
}

static void logged(mk_serve *s, mk_err result, mk_event *ev)
{
    ev->type = EV_LOGIN;
    if (result == MK_OK && of(s)->keeps) {
        s->login = SERVE_LOGIN_KEPT;
        (void)mk_serve_ask(s, ev, OPEN, SERVE_ASK);
    } else if (result == MK_OK) {
        s->known = true;
        (void)mk_serve_say(s, "+in");
    }
}

static const mk_serve_words words = {.foreign = "-foreign",
                                     .early = "-early",
                                     .finish = "-bye",
                                     .wrong = "-wrong",
                                     .unsure = "-unsure",
                                     .failures = "-too many"};

static const mk_serve_kind kind = {
    .ops = {MK_SERVE_STREAM_OPS, .is_code = is_code},
    .words = &words,
    .reply_room = 64,
    .fault = offsetof(server, fault),
    .limits = limits,
    .turn = turn,
    .line = line,
    .fixed = fixed,
    .compose = compose,
    .apply = apply,
    .login = login,
    .logged = logged,
};

/* ---- the site ------------------------------------------------------------ */

static mk_engine *engine(server *t)
{
    return &t->base.head;
}

static mk_err step(server *t)
{
    mk_str view = text_view(&t->in);
    size_t n = view.len;
    mk_err err = mk_step(engine(t), t->now_ms, &view, &t->ev);
    text_drop(&t->in, n - view.len);
    return err;
}

/* Up to n octets are taken, and kept. */
static size_t take(server *t, size_t n)
{
    mk_str span;
    size_t taken = 0;
    while (taken < n && mk_out(engine(t), 0, &span, 1) > 0) {
        span.len = span.len < n - taken ? span.len : n - taken;
        text_str(&t->wire, span);
        assert_int_equal(mk_out_sent(engine(t), span.len), MK_OK);
        taken += span.len;
    }
    return taken;
}

static void said(server *t, const char *want)
{
    (void)take(t, SIZE_MAX);
    assert_string_equal(text_c(&t->wire), want);
    text_clear(&t->wire);
}

static void site_open(server *t)
{
    memset(t, 0, sizeof *t);
    t->now_ms = 100;
    mk_serve_init(&t->base, &kind, NULL, t->unit, sizeof t->unit, &t->stream);
    mk_framer_init(&t->base.framer, 512, 512, 512);
    text_z(&t->in, "");
    text_z(&t->wire, "");
    text_z(&t->heard, "");
    assert_int_equal(step(t), MK_WAIT);
    said(t, "+hello\r\n");
}

static void site_close(server *t)
{
    mk_serve_close(&t->base);
    text_free(&t->in);
    text_free(&t->wire);
    text_free(&t->heard);
}

static void expect(server *t, uint32_t type)
{
    assert_int_equal(step(t), MK_OK);
    assert_int_equal(t->ev.type, type);
}

/* The word is asked about and granted; a stream begins. */
static mk_op begin(server *t, const char *word)
{
    mk_str none = {NULL, 0};
    text_z(&t->in, word);
    expect(t, EV_ASK);
    mk_op op = t->ev.op;
    assert_int_equal(mk_reply(engine(t), op, MK_ANSWER_YES, none, none), MK_OK);
    expect(t, MK_EV_WANTED);
    assert_int_equal(t->ev.op, op);
    assert_int_equal(t->ev.size, 2);
    assert_int_equal(mk_want(engine(t)) & MK_WANT_READ, 0);
    return op;
}

static void lend(server *t, mk_op op, const char *octets, bool last)
{
    assert_int_equal(mk_body(engine(t), op, mk_str_z(octets), last), MK_OK);
    assert_true(mk_want(engine(t)) & MK_WANT_STEP);
}

static void wanted(server *t, const char *given, size_t size, uint32_t flags)
{
    expect(t, MK_EV_WANTED);
    assert_true(mk_str_is(t->ev.data, mk_str_z(given)));
    assert_int_equal(t->ev.size, size);
    assert_int_equal(t->ev.flags, flags);
}

/* ---- streams ------------------------------------------------------------- */

static void spans_go_out_and_come_back(void **state)
{
    server t;
    (void)state;
    for (size_t by = 1; by < 40; by += 3) {
        site_open(&t);
        mk_op op = begin(&t, "GIVE\r\nSHOUT\r\n");
        lend(&t, op, "a\rb\r\n", false);
        lend(&t, op, ".c", false);
        assert_int_equal(mk_body(engine(&t), op, mk_str_z("x"), true), MK_WAIT);
        assert_int_equal(step(&t), MK_WAIT);
        assert_int_equal(mk_want(engine(&t)), MK_WANT_WRITE);
        while (t.wire.len < 10) {
            assert_int_equal(take(&t, 1), 1);
        }
        wanted(&t, "a\rb\r\n", 1, 0);
        lend(&t, op, "\r\nd", true);
        assert_int_equal(mk_body(engine(&t), op, mk_str_z("x"), true),
                         MK_E_STALE);
        assert_int_equal(mk_body(engine(&t), op + 1, mk_str_z("x"), true),
                         MK_E_STALE);
        bool is_back = false;
        mk_err err;
        while ((err = step(&t)) == MK_WAIT || (t.ev.flags & MK_LAST) == 0) {
            is_back = is_back || err == MK_OK;
            assert_true(t.base.streaming);
            assert_true(err == MK_OK || take(&t, by) > 0);
        }
        assert_int_equal(err, MK_OK);
        assert_true(is_back);
        assert_true(mk_outq_is_empty(&t.base.out));
        said(&t, "+OK\r\na\rb\r\n..c\r\nd\r\n.\r\n");
        expect(&t, EV_ASK); /* only now the next command is read */
        assert_int_equal(t.base.subject, SHOUT);
        site_close(&t);
    }
}

static void a_raw_stream_is_not_touched(void **state)
{
    server t;
    (void)state;
    site_open(&t);
    mk_op op = begin(&t, "RAW\r\n");
    lend(&t, op, ".\n\r.", true);
    assert_int_equal(step(&t), MK_WAIT);
    said(&t, "+OK\r\n.\n\r.)\r\n");
    wanted(&t, ".\n\r.", 0, MK_LAST);
    assert_int_equal(step(&t), MK_WAIT);
    assert_int_equal(mk_want(engine(&t)), MK_WANT_READ);
    site_close(&t);
}

static void an_empty_stream_has_an_end(void **state)
{
    server t;
    (void)state;
    site_open(&t);
    lend(&t, begin(&t, "GIVE\r\n"), "", true);
    assert_int_equal(step(&t), MK_WAIT);
    said(&t, "+OK\r\n.\r\n");
    wanted(&t, "", 0, MK_LAST);
    site_close(&t);
}

/* However small the unit: what does not fit is asked for again. */
static void rows_are_wanted_until_all_are_there(void **state)
{
    server t;
    text want = {0};
    size_t waits = 0;
    (void)state;
    site_open(&t);
    text_z(&want, "+OK\r\n");
    mk_op op = begin(&t, "GIVE\r\n");
    for (unsigned i = 0; i < 700;) {
        mk_str row =
            mk_str_sub(mk_str_z("0123456789\r\n"), 10 - i % 11, SIZE_MAX);
        mk_err err = mk_serve_stream_row(&t.base, op, row);
        if (err == MK_OK) {
            text_str(&want, row);
            i++;
            continue;
        }
        assert_int_equal(err, MK_WAIT);
        waits++;
        assert_int_equal(step(&t), MK_WAIT);
        assert_true(take(&t, 1) == 1);
        assert_int_equal(step(&t), MK_WAIT); /* not at each octet */
        (void)take(&t, SIZE_MAX);
        wanted(&t, "", 2, 0);
    }
    assert_true(waits > 10);
    assert_int_equal(mk_serve_stream_row(&t.base, op + 1, mk_str_z("x")),
                     MK_E_STALE);
    lend(&t, op, "", true);
    assert_int_equal(mk_serve_stream_row(&t.base, op, mk_str_z("x")),
                     MK_E_STALE);
    assert_int_equal(step(&t), MK_WAIT);
    text_z(&want, ".\r\n");
    said(&t, text_c(&want));
    wanted(&t, "", 0, MK_LAST);
    text_free(&want);
    site_close(&t);
}

/* What breaks off gets no end (Law 11). */
static void a_stream_given_up_ends_the_session(void **state)
{
    server t;
    (void)state;
    site_open(&t);
    mk_op op = begin(&t, "GIVE\r\n");
    lend(&t, op, "half", false);
    assert_int_equal(mk_cancel(engine(&t), op + 1), MK_E_STALE);
    assert_int_equal(mk_cancel(engine(&t), op), MK_OK);
    assert_int_equal(mk_cancel(engine(&t), op), MK_E_STALE);
    assert_int_equal(mk_body(engine(&t), op, mk_str_z("x"), true), MK_E_STALE);
    assert_true(mk_want(engine(&t)) & MK_WANT_STEP);
    assert_int_equal(step(&t), MK_END);
    assert_int_equal(mk_want(engine(&t)), MK_WANT_ABORT);
    assert_int_equal(mk_cancel(engine(&t), op), MK_E_STALE);
    site_close(&t);
}

/* ---- times --------------------------------------------------------------- */

static void the_application_has_its_time(void **state)
{
    server t;
    (void)state;
    site_open(&t);
    mk_op op = begin(&t, "GIVE\r\n");
    said(&t, "+OK\r\n");
    assert_int_equal(step(&t), MK_WAIT);
    assert_int_equal(mk_deadline(engine(&t)), 100 + ANSWER_MS);
    t.now_ms += ANSWER_MS - 1;
    assert_int_equal(step(&t), MK_WAIT);
    lend(&t, op, "late\r\n", false); /* not the peer's time */
    assert_int_equal(step(&t), MK_WAIT);
    assert_int_equal(mk_deadline(engine(&t)), t.now_ms + PEER_MS);
    (void)take(&t, SIZE_MAX);
    wanted(&t, "late\r\n", 2, 0);
    assert_int_equal(step(&t), MK_WAIT);
    t.now_ms += ANSWER_MS;
    expect(&t, MK_EV_WITHDRAWN);
    assert_int_equal(t.ev.op, op);
    assert_int_equal(t.ev.err, MK_E_TIMEOUT);
    assert_int_equal(mk_want(engine(&t)), MK_WANT_ABORT);
    assert_int_equal(step(&t), MK_END);
    site_close(&t);
}

static const char *long_text(void)
{
    static char octets[200001];
    memset(octets, 'x', sizeof octets - 1);
    return octets;
}

/* Blocks may come slowly one by one, and all of it be slower than one block's
 * time; less than a block by the block's time ends it. */
static void sec_113_a_block_has_its_time(void **state)
{
    server t;
    (void)state;
    site_open(&t);
    lend(&t, begin(&t, "GIVE\r\n"), long_text(), true);
    assert_int_equal(step(&t), MK_WAIT);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(take(&t, 65536), 65536);
        t.now_ms += PEER_MS - 1;
        assert_int_equal(step(&t), MK_WAIT);
    }
    assert_int_equal(take(&t, 100), 100);
    t.now_ms += PEER_MS;
    expect(&t, MK_EV_FAULT);
    assert_int_equal(t.ev.err, MK_E_TIMEOUT);
    assert_int_equal(mk_want(engine(&t)), MK_WANT_ABORT);
    assert_int_equal(step(&t), MK_END);
    site_close(&t);
}

/* A window of few octets, for hours: the least rate ends it first. */
static void sec_113_a_stream_has_a_least_rate(void **state)
{
    server t;
    mk_err err = MK_WAIT;
    (void)state;
    site_open(&t);
    t.base.known = true; /* a long time for each block */
    uint64_t began_ms = t.now_ms;
    lend(&t, begin(&t, "GIVE\r\n"), long_text(), true);
    while (err == MK_WAIT) {
        assert_true(t.now_ms <= began_ms + 3000);
        (void)take(&t, 50);
        t.now_ms += 100;
        err = step(&t);
    }
    assert_int_equal(t.ev.type, MK_EV_FAULT);
    assert_int_equal(t.ev.err, MK_E_TIMEOUT);
    assert_true(t.now_ms >= began_ms + 2000);
    site_close(&t);
}

/* ---- the end on the way -------------------------------------------------- */

static void a_peer_that_closed_its_half_gets_the_rest(void **state)
{
    server t;
    (void)state;
    site_open(&t);
    mk_op op = begin(&t, "GIVE\r\n");
    mk_in_eof(engine(&t), MK_OK);
    lend(&t, op, "all\r\n", true);
    assert_int_equal(step(&t), MK_WAIT);
    said(&t, "+OK\r\nall\r\n.\r\n");
    wanted(&t, "all\r\n", 0, MK_LAST);
    assert_int_equal(step(&t), MK_END);
    assert_int_equal(mk_want(engine(&t)), MK_WANT_CLOSE);
    site_close(&t);
}

static void a_peer_that_died_ends_it(void **state)
{
    server t;
    (void)state;
    site_open(&t);
    mk_op op = begin(&t, "GIVE\r\n");
    lend(&t, op, "all\r\n", false);
    mk_in_eof(engine(&t), MK_E_NET);
    expect(&t, MK_EV_FAULT);
    assert_int_equal(t.ev.err, MK_E_NET);
    assert_int_equal(mk_want(engine(&t)), MK_WANT_ABORT);
    site_close(&t);
}

static void finish_waits_for_the_end_of_a_stream(void **state)
{
    server t;
    (void)state;
    site_open(&t);
    mk_op op = begin(&t, "GIVE\r\nSHOUT\r\n");
    mk_finish(engine(&t), mk_str_z("-later"));
    lend(&t, op, "all\r\n", true);
    assert_int_equal(step(&t), MK_WAIT);
    said(&t, "+OK\r\nall\r\n.\r\n");
    wanted(&t, "all\r\n", 0, MK_LAST);
    assert_int_equal(step(&t), MK_END);
    said(&t, "-later\r\n");
    site_close(&t);
}

/* ---- questions ----------------------------------------------------------- */

static void codes_are_words(void **state)
{
    server t;
    mk_str none = {NULL, 0};
    mk_str in_use = mk_str_z("IN-USE");
    (void)state;
    site_open(&t);
    text_z(&t.in, "GIVE\r\n");
    expect(&t, EV_ASK);
    mk_op op = t.ev.op;
    assert_int_equal(
        mk_reply(engine(&t), op, MK_ANSWER_NO, mk_str_z("550"), none),
        MK_E_ARG);
    assert_int_equal(mk_reply(engine(&t), op, MK_ANSWER_YES, in_use, none),
                     MK_E_ARG); /* compose does not take it */
    assert_int_equal(mk_reply(engine(&t), op, MK_ANSWER_NO, in_use, none),
                     MK_OK);
    assert_int_equal(step(&t), MK_WAIT);
    said(&t, "-ERR IN-USE\r\n");
    site_close(&t);
}

/* A peer that hangs up takes back what it asked, but not its last word. */
static void a_lasting_question_outlives_its_peer(void **state)
{
    static const struct {
        const char *word;
        bool is_lasting;
    } rows[] = {{"GIVE\r\n", false}, {"QUIT\r\n", true}};
    mk_str none = {NULL, 0};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        server t;
        site_open(&t);
        text_z(&t.in, rows[i].word);
        expect(&t, EV_ASK);
        mk_op op = t.ev.op;
        assert_int_equal(mk_later(engine(&t), op), MK_OK);
        mk_in_eof(engine(&t), MK_E_NET);
        mk_err err = step(&t);
        assert_int_equal(err, rows[i].is_lasting ? MK_WAIT : MK_OK);
        assert_int_equal(mk_reply(engine(&t), op, MK_ANSWER_YES, none, none),
                         rows[i].is_lasting ? MK_OK : MK_E_STALE);
        site_close(&t);
    }
}

/* ---- logins -------------------------------------------------------------- */

static void a_name_and_a_password_are_plain(void **state)
{
    server t;
    (void)state;
    site_open(&t);
    text_z(&t.in, "LOGIN\r\n");
    expect(&t, EV_LOGIN);
    assert_int_equal(t.ev.err, MK_OK);
    assert_string_equal(text_c(&t.heard), "AGFubgBzZWNyZXQ=");
    assert_false(t.closed);
    assert_int_equal(step(&t), MK_WAIT);
    assert_true(t.closed);
    said(&t, "+in\r\n");
    assert_int_equal(step(&t), MK_WAIT);
    assert_int_equal(mk_deadline(engine(&t)), 100 + IDLE_MS);
    site_close(&t);
}

/* What was learnt of a login lives until the question behind it is settled. */
static void an_exchange_may_be_kept(void **state)
{
    mk_str none = {NULL, 0};
    server t;
    (void)state;
    site_open(&t);
    t.keeps = true;
    text_z(&t.in, "LOGIN\r\n");
    expect(&t, EV_LOGIN);
    mk_op op = t.ev.op;
    assert_true(t.ev.flags & MK_ASK);
    assert_int_equal(mk_later(engine(&t), op), MK_OK);
    assert_int_equal(step(&t), MK_WAIT);
    assert_false(t.closed);
    assert_int_equal(
        mk_reply(engine(&t), op, MK_ANSWER_NO, mk_str_z("IN-USE"), none),
        MK_OK);
    assert_int_equal(step(&t), MK_WAIT);
    assert_true(t.closed);
    assert_false(t.base.known);
    assert_int_equal(t.base.failures, 0);
    said(&t, "-ERR IN-USE\r\n");
    site_close(&t);
}

static void logins_that_fail_end_the_session(void **state)
{
    server t;
    (void)state;
    site_open(&t);
    t.why = MK_E_AUTH;
    text_z(&t.in, "LOGIN\r\nLOGIN\r\n");
    expect(&t, EV_LOGIN);
    assert_int_equal(t.ev.err, MK_E_AUTH);
    assert_int_equal(step(&t), MK_WAIT);
    assert_true(t.closed);
    assert_int_equal(mk_deadline(engine(&t)), 200);
    t.now_ms = 200;
    assert_int_equal(step(&t), MK_OK); /* said, but not taken: too soon */
    assert_int_equal(t.ev.err, MK_E_EARLY);
    said(&t, "-wrong\r\n-early\r\n");
    site_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_go_out_and_come_back),
        cmocka_unit_test(a_raw_stream_is_not_touched),
        cmocka_unit_test(an_empty_stream_has_an_end),
        cmocka_unit_test(rows_are_wanted_until_all_are_there),
        cmocka_unit_test(a_stream_given_up_ends_the_session),
        cmocka_unit_test(the_application_has_its_time),
        cmocka_unit_test(sec_113_a_block_has_its_time),
        cmocka_unit_test(sec_113_a_stream_has_a_least_rate),
        cmocka_unit_test(a_peer_that_closed_its_half_gets_the_rest),
        cmocka_unit_test(a_peer_that_died_ends_it),
        cmocka_unit_test(finish_waits_for_the_end_of_a_stream),
        cmocka_unit_test(codes_are_words),
        cmocka_unit_test(a_lasting_question_outlives_its_peer),
        cmocka_unit_test(a_name_and_a_password_are_plain),
        cmocka_unit_test(an_exchange_may_be_kept),
        cmocka_unit_test(logins_that_fail_end_the_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

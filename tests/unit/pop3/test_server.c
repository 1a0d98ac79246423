/* SPDX-License-Identifier: MIT
 *
 * test_server.c: what no dialogue can show of the POP3 server: its settings,
 * the memory that it promises (Law 6), what it holds and wants between the
 * steps of a driver that steps only when it must, spans and how they come back
 * (Law 7), secrets that do not stay, readers that take their time (THREATS
 * 113). RFC 1939, RFC 2449 3.
 */
#include "pop3/server_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BLOCK = 768, UNIT = 1024, ROOM = 4096, NOW_MS = 1000 };

typedef struct site {
    mk_pop3_server_config config;
    mk_sasl_server_config sasl;
    mk_random random;
    mk_pool units;
    mk_pool rooms;
    uint64_t unit[UNIT / 8];
    uint64_t room[ROOM / 8];
    uint64_t block[BLOCK / 8];
    mk_engine *engine;
    mk_event ev;
    uint64_t now_ms;
    mk_err random_err;
} site;

static mk_err fill(void *self, void *out, size_t n)
{
    site *t = self;
    memset(out, 0x5a, n);
    return t->random_err;
}

static void site_open(site *t)
{
    memset(t, 0, sizeof *t);
    t->now_ms = NOW_MS;
    t->random.self = t;
    t->random.fill = fill;
    assert_int_equal(mk_pool_init_mem(&t->units, t->unit, sizeof t->unit, UNIT),
                     MK_OK);
    assert_int_equal(mk_pool_init_mem(&t->rooms, t->room, sizeof t->room, ROOM),
                     MK_OK);
    assert_int_equal(mk_pop3_server_config_init(&t->config, sizeof t->config),
                     MK_OK);
    assert_int_equal(mk_sasl_server_config_init(&t->sasl, sizeof t->sasl),
                     MK_OK);
    t->sasl.mechanisms = MK_SASL_PLAIN | MK_SASL_LOGIN;
    t->sasl.is_clear_allowed = true;
    t->config.hostname = mk_str_z("mx.example");
    t->config.units = &t->units;
    t->config.sasl = &t->sasl;
    t->config.sasl_units = &t->rooms;
}

static void site_start(site *t)
{
    assert_int_equal(
        mk_pop3_server_open(&t->config, t->block, sizeof t->block, &t->engine),
        MK_OK);
}

static void site_close(site *t)
{
    mk_close(t->engine);
    assert_int_equal(t->units.taken, 0);
    assert_int_equal(t->rooms.taken, 0);
}

static pop3_server *server_of(site *t)
{
    return (pop3_server *)(void *)t->engine;
}

/* Step until there is an event or nothing to do; all input is consumed. */
static mk_err say(site *t, const char *octets)
{
    mk_str view = mk_str_z(octets);
    mk_err err = mk_step(t->engine, t->now_ms, &view, &t->ev);
    assert_int_equal(view.len, 0);
    return err;
}

static mk_err step(site *t)
{
    return say(t, "");
}

static size_t acknowledge(site *t)
{
    mk_str span;
    size_t sum = 0;
    while (mk_out(t->engine, 0, &span, 1) == 1) {
        sum += span.len;
        assert_int_equal(mk_out_sent(t->engine, span.len), MK_OK);
    }
    return sum;
}

/* All that is queued, as one string. */
static const char *queued(site *t)
{
    static char text[2048];
    mk_buf b;
    mk_str span;
    mk_buf_init(&b, text, sizeof text - 1);
    while (mk_out(t->engine, b.len, &span, 1) == 1) {
        assert_int_equal(mk_buf_add(&b, span), MK_OK);
    }
    text[b.len] = '\0';
    return text;
}

static void expect(site *t, uint32_t type)
{
    assert_int_equal(t->ev.type, type);
}

static void log_in(site *t, uint32_t count)
{
    site_start(t);
    assert_int_equal(step(t), MK_OK); /* CONNECT */
    assert_int_equal(step(t), MK_WAIT);
    acknowledge(t);
    assert_int_equal(say(t, "USER ann\r\n"), MK_WAIT);
    acknowledge(t);
    assert_int_equal(say(t, "PASS hunter2hunter2\r\n"), MK_OK);
    expect(t, MK_EV_SASL);
    assert_int_equal(mk_sasl_answer(t->engine, t->ev.op, MK_ANSWER_YES, NULL),
                     MK_OK);
    assert_int_equal(step(t), MK_OK);
    expect(t, MK_EV_POP3_AUTH);
    assert_int_equal(step(t), MK_OK);
    expect(t, MK_EV_POP3_OPEN);
    assert_int_equal(mk_pop3_server_maildrop(t->engine, t->ev.op, count, 1),
                     MK_OK);
    assert_int_equal(step(t), MK_WAIT);
    acknowledge(t);
}

/* A question that is answered YES, up to its first MK_EV_WANTED. */
static mk_op begin(site *t, const char *command)
{
    static const mk_str none = {NULL, 0};
    assert_int_equal(say(t, command), MK_OK);
    mk_op op = t->ev.op;
    assert_int_equal(mk_reply(t->engine, op, MK_ANSWER_YES, none, none), MK_OK);
    assert_true((mk_want(t->engine) & MK_WANT_STEP) != 0);
    return op;
}

static mk_op begin_body(site *t, const char *command, uint64_t spans)
{
    mk_op op = begin(t, command);
    assert_int_equal(step(t), MK_OK);
    expect(t, MK_EV_WANTED);
    assert_int_equal(t->ev.op, op);
    assert_int_equal(t->ev.size, spans);
    assert_null(t->ev.data.ptr);
    return op;
}

/* ---- settings and memory ------------------------------------------------- */

static void law6_no_limit_may_be_zero(void **state)
{
    static const struct {
        size_t at;
        size_t width;
    } limits[] = {
    /* clang-format off */
#define L(f) {offsetof(mk_pop3_server_config, f), sizeof(((mk_pop3_server_config *)0)->f)}
        L(size), L(hostname), L(line_max), L(discard_max), L(errors_max),
        L(errors_soft), L(delay_ms), L(junk_max), L(login_ms), L(idle_ms),
        L(answer_ms), L(rate_min), L(rate_after_ms), L(hurry_login_ms),
        L(hurry_idle_ms), L(hurry_errors_max), L(sasl), L(auth_failures_max),
        L(auth_delay_ms),
#undef L
        /* clang-format on */
    };
    site t;

    (void)state;
    site_open(&t);
    assert_true(mk_pop3_server_need(&t.config) > 0);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        mk_pop3_server_config c = t.config;
        memset((char *)&c + limits[i].at, 0, limits[i].width);
        assert_int_equal(mk_pop3_server_need(&c), 0);
        assert_int_equal(
            mk_pop3_server_open(&c, t.block, sizeof t.block, &t.engine),
            MK_E_ARG);
    }
    assert_int_equal(mk_pop3_server_need(NULL), 0);
    assert_int_equal(mk_pop3_server_config_init(&t.config, 1), MK_E_ARG);
    assert_int_equal(mk_pop3_server_config_init(NULL, sizeof t.config),
                     MK_E_ARG);
}

static void refused(site *t)
{
    assert_int_equal(mk_pop3_server_need(&t->config), 0);
    site_open(t);
}

static void law6_settings_out_of_range(void **state)
{
    static char big[4096];
    site t;
    mk_pool small;
    uint64_t mem[64];

    (void)state;
    site_open(&t);
    t.config.line_max = 254;
    refused(&t);
    t.config.capabilities = MK_POP3_CAPABILITY_ALL + 1;
    refused(&t);
    t.config.hostname = mk_str_of(big, 256);
    refused(&t);
    t.config.banner = mk_str_of(big, SERVER_BANNER_MAX + 1);
    refused(&t);
    t.config.tls = (mk_tls_policy)4;
    refused(&t);
    t.config.rate_min = 1024 * 1024 + 1;
    refused(&t);
    t.config.idle_ms = UINT64_C(1) << 32;
    refused(&t);
    t.config.units = NULL;
    t.config.text_bytes = 1023;
    refused(&t);
    t.config.units = NULL;
    t.config.text_bytes = 65536;
    refused(&t);
    assert_int_equal(mk_pool_init_mem(&small, mem, sizeof mem, 512), MK_OK);
    t.config.units = &small;
    refused(&t);
    t.config.sasl_units = &small;
    refused(&t);
    t.config.capabilities |= MK_POP3_CAPABILITY_APOP; /* no crypto, no random */
    refused(&t);
    t.sasl.ops = NULL;
    refused(&t);
}

static void law6_memory_is_promised(void **state)
{
    site t;
    mk_engine *e;

    (void)state;
    site_open(&t);
    size_t pooled = mk_pop3_server_need(&t.config);
    t.config.units = NULL;
    size_t need = mk_pop3_server_need(&t.config);
    assert_int_equal(need, pooled + 1024);
    assert_true(need <= MK_POP3_SERVER_NEED);
    assert_true(pooled <= 512);
    void *mem = malloc(need);
    assert_non_null(mem);
    assert_int_equal(mk_pop3_server_open(&t.config, mem, need - 1, &e),
                     MK_E_ROOM);
    assert_int_equal(mk_pop3_server_open(&t.config, mem, need, &e), MK_OK);
    mk_close(e);
    assert_int_equal(
        mk_pop3_server_open(&t.config, (char *)mem + 1, need - 1, &e),
        MK_E_ARG);
    assert_int_equal(mk_pop3_server_open(&t.config, NULL, need, &e), MK_E_ARG);
    assert_int_equal(mk_pop3_server_open(&t.config, mem, need, NULL), MK_E_ARG);
    assert_int_equal(mk_pop3_server_open(NULL, mem, need, &e), MK_E_ARG);
    free(mem);
    t.config.sasl_units = NULL;
    need = mk_pop3_server_need(&t.config);
    assert_int_equal(need, pooled + 1024 + mk_sasl_need(MK_SASL_MESSAGE_MAX));
}

static void law10_names_hold_no_line_ends(void **state)
{
    static const mk_crypto crypto;
    static const char *const ids[] = {"mx.\xc3\xa4", "a<b", "a>b", "a@b",
                                      "a b"};
    site t;

    (void)state;
    site_open(&t);
    t.config.hostname = mk_str_z("mx\r\n.");
    assert_int_equal(
        mk_pop3_server_open(&t.config, t.block, sizeof t.block, &t.engine),
        MK_E_CTL);
    site_open(&t);
    t.config.banner = mk_str_z("a\nb");
    assert_int_equal(
        mk_pop3_server_open(&t.config, t.block, sizeof t.block, &t.engine),
        MK_E_CTL);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        site_open(&t);
        t.config.hostname = mk_str_z(ids[i]);
        site_start(&t);
        site_close(&t);
        t.sasl.crypto = &crypto;
        t.sasl.random = &t.random;
        t.config.capabilities |= MK_POP3_CAPABILITY_APOP;
        assert_int_equal(
            mk_pop3_server_open(&t.config, t.block, sizeof t.block, &t.engine),
            MK_E_CTL);
    }
    t.config.hostname = mk_str_z("mx.example");
    t.random_err = MK_E_ENTROPY;
    assert_int_equal(
        mk_pop3_server_open(&t.config, t.block, sizeof t.block, &t.engine),
        MK_E_ENTROPY);
}

/* RFC 2449 3, 5: with the longest of all settings. */
static void rfc2449_5_the_longest_capa_fits(void **state)
{
    static char banner[SERVER_BANNER_MAX];
    site t;

    (void)state;
    site_open(&t);
    memset(banner, 'b', sizeof banner);
    t.config.banner = mk_str_of(banner, sizeof banner);
    t.config.login_delay_s = UINT32_MAX;
    t.config.expire_days = UINT32_MAX - 1;
    t.config.tls = MK_TLS_POLICY_MAY;
    t.sasl.mechanisms = MK_SASL_ALL;
    site_start(&t);
    assert_int_equal(step(&t), MK_OK);
    assert_int_equal(step(&t), MK_WAIT);
    acknowledge(&t);
    assert_int_equal(say(&t, "CAPA\r\n"), MK_WAIT);
    const char *text = queued(&t);
    size_t n = strlen(text);
    assert_true(n > 450 && n <= SERVER_REPLY_ROOM - 50); /* -PLUS, EXTERNAL */
    assert_string_equal(text + n - 5, "\r\n.\r\n");
    site_close(&t);
}

/* An illegal move of the state is a defect of ours: the session is cut. */
static void rfc1939_3_no_state_is_reached_by_accident(void **state)
{
    static const bool legal[5][5] = {
        {false, true, false, false, false},  {false, false, true, false, false},
        {false, true, false, true, false},   {false, false, false, false, true},
        {false, false, false, false, false},
    };

    (void)state;
    for (unsigned from = 0; from < 5; from++) {
        for (unsigned to = 0; to < 5; to++) {
            site t;
            site_open(&t);
            site_start(&t);
            server_of(&t)->state = (uint8_t)from;
            mk_pop3_server_move(server_of(&t), (server_state)to);
            assert_int_equal(mk_want(t.engine) & MK_WANT_ABORT,
                             legal[from][to] ? 0 : MK_WANT_ABORT);
            assert_int_equal(server_of(&t)->state, legal[from][to] ? to : from);
            site_close(&t);
        }
    }
}

/* ---- units --------------------------------------------------------------- */

static void sec_114_an_idle_session_holds_no_unit(void **state)
{
    static const char *const lines[] = {"NOOP\r\n", "LANG\r\n", "CAPA\r\n",
                                        "RETR 9\r\n", "BLA\r\n"};
    site t;

    (void)state;
    site_open(&t);
    log_in(&t, 2);
    assert_int_equal(t.units.taken, 0);
    assert_int_equal(t.rooms.taken, 0);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_int_equal(say(&t, lines[i]), MK_WAIT);
        assert_int_equal(t.units.taken, 1);
        acknowledge(&t);
        assert_int_equal(t.units.taken, 0);
    }
    site_close(&t);
}

static bool holds(const void *mem, size_t n, const char *secret)
{
    size_t len = strlen(secret);
    const char *octets = mem;
    for (size_t i = 0; i + len <= n; i++) {
        if (memcmp(octets + i, secret, len) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_kept(const site *t, const char *secret)
{
    return holds(t->block, sizeof t->block, secret) ||
           holds(t->unit, sizeof t->unit, secret) ||
           holds(t->room, sizeof t->room, secret);
}

/* No part of a password that is long enough to be one stays, nor the three
 * octets that a line of PLAIN leaves over. */
static void sec_050_no_password_stays(void **state)
{
    static const char *const parts[] = {"hunter2hunter2", "hunt", "ter2",
                                        "aHVudGVy"};
    static const mk_answer answers[] = {MK_ANSWER_YES, MK_ANSWER_LATER,
                                        MK_ANSWER_NO};

    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        site t;
        site_open(&t);
        site_start(&t);
        assert_int_equal(step(&t), MK_OK);
        assert_int_equal(step(&t), MK_WAIT);
        acknowledge(&t);
        assert_int_equal(say(&t, "USER bobby\r\nPASS hunter2hunter2\r\n"),
                         MK_OK);
        expect(&t, MK_EV_SASL);
        assert_true(is_kept(&t, parts[0])); /* the question shows it */
        assert_int_equal(mk_sasl_answer(t.engine, t.ev.op, answers[i], NULL),
                         MK_OK);
        assert_int_equal(step(&t), MK_OK);
        expect(&t, MK_EV_POP3_AUTH);
        for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
            assert_false(is_kept(&t, parts[p]));
        }
        assert_int_equal(server_of(&t)->plain[0] | server_of(&t)->plain[1] |
                             server_of(&t)->plain[2],
                         0);
        site_close(&t);
        assert_false(is_kept(&t, "bobby"));
    }
}

/* A name waits for its password; it goes with whatever else comes. */
static void sec_044_a_name_is_dropped_with_its_room(void **state)
{
    static const char *const lines[] = {"CAPA\r\n", "QUIT\r\n", "BLA\r\n",
                                        "PASS\r\n", "STAT\r\n"};

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        site t;
        site_open(&t);
        site_start(&t);
        assert_int_equal(step(&t), MK_OK);
        assert_int_equal(step(&t), MK_WAIT);
        acknowledge(&t);
        assert_int_equal(say(&t, "USER bobby\r\n"), MK_WAIT);
        assert_int_equal(t.rooms.taken, 1);
        (void)say(&t, lines[i]);
        assert_int_equal(t.rooms.taken, 0);
        assert_false(holds(t.room, sizeof t.room, "bobby"));
        site_close(&t);
    }
}

/* ---- spans --------------------------------------------------------------- */

static void law7_spans_come_back_as_they_were_lent(void **state)
{
    static const mk_str first = MK_STR_INIT("a: b\r\n");
    static const mk_str second = MK_STR_INIT("\r\n.x\r\n");
    static const mk_str third = MK_STR_INIT("y\r\n");
    site t;

    (void)state;
    site_open(&t);
    log_in(&t, 2);
    mk_op op = begin(&t, "RETR 1\r\n");
    assert_int_equal(mk_body(t.engine, op, first, false), MK_WAIT);
    assert_int_equal(mk_body(t.engine, op + 1, first, false), MK_E_STALE);
    assert_int_equal(step(&t), MK_OK);
    expect(&t, MK_EV_WANTED);
    assert_int_equal(t.ev.size, 2);
    assert_int_equal(mk_body(t.engine, op, first, false), MK_OK);
    assert_int_equal(mk_body(t.engine, op, second, false), MK_OK);
    assert_int_equal(mk_body(t.engine, op, third, true), MK_WAIT);
    assert_int_equal(step(&t), MK_WAIT);
    acknowledge(&t);
    assert_int_equal(step(&t), MK_OK);
    assert_ptr_equal(t.ev.data.ptr, first.ptr);
    assert_int_equal(step(&t), MK_OK);
    assert_ptr_equal(t.ev.data.ptr, second.ptr);
    assert_int_equal(t.ev.data.len, second.len);
    assert_int_equal(mk_body(t.engine, op, third, true), MK_OK);
    assert_int_equal(mk_body(t.engine, op, third, true), MK_E_STALE);
    assert_int_equal(step(&t), MK_WAIT);
    assert_string_equal(queued(&t), "y\r\n.\r\n");
    acknowledge(&t);
    assert_int_equal(step(&t), MK_OK);
    assert_ptr_equal(t.ev.data.ptr, third.ptr);
    assert_int_equal(t.ev.flags, MK_LAST);
    assert_int_equal(step(&t), MK_WAIT);
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
    log_in(&t, 2);
    mk_op op = begin_body(&t, "TOP 2 1\r\n", 1);
    assert_int_equal(mk_body(t.engine, op, first, false), MK_OK);
    assert_int_equal(step(&t), MK_WAIT);
    acknowledge(&t);
    assert_int_equal(step(&t), MK_OK);
    assert_int_equal(t.ev.size, 1);
    assert_int_equal(t.ev.flags, 0);
    assert_int_equal(t.ev.data.len, first.len);
    assert_int_equal(mk_body(t.engine, op, second, false), MK_OK);
    assert_int_equal(mk_body(t.engine, op, first, false), MK_WAIT);
    assert_int_equal(step(&t), MK_WAIT);
    assert_string_equal(queued(&t), "\r\none\r\n.\r\n");
    acknowledge(&t);
    assert_int_equal(step(&t), MK_OK);
    expect(&t, MK_EV_WANTED);
    assert_int_equal(t.ev.flags, MK_LAST);
    assert_int_equal(t.ev.size, 0);
    assert_ptr_equal(t.ev.data.ptr, second.ptr);
    assert_int_equal(t.ev.data.len, second.len);
    assert_int_equal(mk_body(t.engine, op, first, false), MK_E_STALE);
    /* what a TOP was cut at is nothing to a RETR behind it */
    op = begin_body(&t, "RETR 2\r\n", 2);
    assert_int_equal(mk_body(t.engine, op, second, true), MK_OK);
    assert_int_equal(step(&t), MK_WAIT);
    assert_string_equal(queued(&t), "+OK Message follows\r\n\r\none\r\ntwo\r\n"
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
    log_in(&t, 1);
    mk_op op = begin_body(&t, "RETR 1\r\n", 2);
    sum = acknowledge(&t); /* the status line */
    for (unsigned i = 0; i < PIECES; i++) {
        assert_int_equal(
            mk_body(t.engine, op, mk_str_of(piece, PIECE), i + 1 == PIECES),
            MK_OK);
        while (step(&t) == MK_OK) {
            expect(&t, MK_EV_WANTED);
        }
        sum += acknowledge(&t);
        assert_true(t.units.taken <= 1);
    }
    assert_int_equal(step(&t), MK_OK);
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
    log_in(&t, 1000);
    mk_op op = begin(&t, "LIST\r\n");
    assert_int_equal(mk_pop3_server_size(t.engine, op, 1, 1), MK_WAIT);
    assert_int_equal(mk_body(t.engine, op, none, true), MK_WAIT);
    assert_int_equal(step(&t), MK_OK);
    expect(&t, MK_EV_WANTED);
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
    size_t n = strlen(queued(&t));
    assert_int_equal(mk_pop3_server_size(t.engine, op, told + 1, 1), MK_WAIT);
    assert_int_equal(strlen(queued(&t)), n); /* nothing changed */
    assert_int_equal(step(&t), MK_WAIT);
    acknowledge(&t);
    assert_int_equal(step(&t), MK_OK);
    expect(&t, MK_EV_WANTED);
    assert_int_equal(mk_pop3_server_size(t.engine, op, told + 1, 1), MK_OK);
    assert_int_equal(mk_body(t.engine, op, none, true), MK_OK);
    assert_int_equal(mk_pop3_server_size(t.engine, op, 1, 1), MK_E_STALE);
    assert_int_equal(step(&t), MK_WAIT);
    acknowledge(&t);
    assert_int_equal(step(&t), MK_OK);
    assert_int_equal(t.ev.flags, MK_LAST);
    assert_int_equal(step(&t), MK_WAIT);
    site_close(&t);
}

/* ---- answers ------------------------------------------------------------- */

static void law5_answers_know_their_question(void **state)
{
    static const mk_str none = {NULL, 0};
    site t;

    (void)state;
    site_open(&t);
    log_in(&t, 2);
    server_of(&t)->serve.op = UINT32_MAX; /* numbers begin anew, not with 0 */
    assert_int_equal(say(&t, "STAT\r\n"), MK_OK);
    assert_int_equal(t.ev.op, 1);
    assert_int_equal(mk_pop3_server_maildrop(t.engine, UINT32_MAX, 1, 1),
                     MK_E_STALE);
    assert_int_equal(mk_pop3_server_maildrop(t.engine, 0, 1, 1), MK_E_STALE);
    assert_int_equal(mk_pop3_server_maildrop(t.engine, 1, 2, 1), MK_OK);
    assert_int_equal(mk_pop3_server_maildrop(t.engine, 1, 2, 1), MK_E_STALE);
    assert_int_equal(mk_reply(t.engine, 1, MK_ANSWER_NO, none, none),
                     MK_E_STALE);
    assert_int_equal(step(&t), MK_WAIT);
    assert_string_equal(queued(&t), "+OK 2 1\r\n");
    assert_int_equal(mk_cancel(t.engine, 1), MK_E_STALE);
    assert_int_equal(mk_pop3_server_maildrop(NULL, 1, 2, 1), MK_E_ARG);
    assert_int_equal(mk_pop3_server_size(NULL, 1, 2, 1), MK_E_ARG);
    assert_int_equal(mk_pop3_server_uid(NULL, 1, 2, mk_str_z("x")), MK_E_ARG);
    site_close(&t);
}

static void look(void *self, bool outgoing, mk_str octets)
{
    (void)self;
    (void)outgoing;
    (void)octets;
}

/* The calls of the protocol go through whatever lies over the engine. */
static void the_verbs_reach_the_heart(void **state)
{
    uint64_t mem[MK_TAP_NEED / 8];
    mk_engine *outer;
    site t;

    (void)state;
    site_open(&t);
    log_in(&t, 2);
    assert_int_equal(mk_tap_over(t.engine, look, NULL, mem, sizeof mem, &outer),
                     MK_OK);
    t.engine = outer;
    assert_int_equal(say(&t, "LIST 2\r\n"), MK_OK);
    assert_int_equal(mk_pop3_server_size(outer, t.ev.op, 2, 7), MK_OK);
    assert_int_equal(step(&t), MK_WAIT);
    assert_string_equal(queued(&t), "+OK 2 7\r\n");
    site_close(&t);
}

/* resp-code = "[" resp-level *("/" resp-level) "]" (RFC 2449 3). */
static void rfc2449_3_codes(void **state)
{
    static const struct {
        const char *code;
        mk_err err;
    } rows[] = {
        {"", MK_OK},
        {"IN-USE", MK_OK},
        {"SYS/TEMP", MK_OK},
        {"X-A/b/c", MK_OK},
        {"/", MK_E_ARG},
        {"A/", MK_E_ARG},
        {"/A", MK_E_ARG},
        {"A//B", MK_E_ARG},
        {"A B", MK_E_ARG},
        {"[A]", MK_E_ARG},
        {"A]", MK_E_ARG},
        {"\xc3\xa4", MK_E_ARG},
        {"A\rB", MK_E_CTL},
        {"550 5.1", MK_E_ARG},
        {"1234567890123456789012345678901234567890123456789012345678901234",
         MK_OK},
        {"12345678901234567890123456789012345678901234567890123456789012345",
         MK_E_ARG},
    };
    static const mk_str none = {NULL, 0};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        site t;
        site_open(&t);
        log_in(&t, 2);
        assert_int_equal(say(&t, "DELE 1\r\n"), MK_OK);
        assert_int_equal(mk_reply(t.engine, t.ev.op, MK_ANSWER_NO,
                                  mk_str_z(rows[i].code), none),
                         rows[i].err);
        site_close(&t);
    }
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
    log_in(&t, 1);
    mk_op op = begin_body(&t, "RETR 1\r\n", 2);
    assert_int_equal(mk_body(t.engine, op, mk_str_of(body, sizeof body), false),
                     MK_OK);
    unsigned seconds = 0;
    while (step(&t) == MK_WAIT) {
        assert_true(mk_deadline(t.engine) > t.now_ms);
        assert_int_equal(mk_out_sent(t.engine, 50), MK_OK);
        t.now_ms += 1000;
        seconds++;
        assert_true(seconds <= 60);
    }
    expect(&t, MK_EV_FAULT);
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
    log_in(&t, 1);
    mk_op op = begin_body(&t, "RETR 1\r\n", 2);
    assert_int_equal(mk_body(t.engine, op, mk_str_of(body, sizeof body), true),
                     MK_OK);
    unsigned seconds = 0;
    while (step(&t) == MK_WAIT && seconds < 7000) {
        assert_int_equal(mk_out_sent(t.engine, 120), MK_OK);
        t.now_ms += 1000;
        seconds++;
    }
    assert_int_equal(seconds, 7000);
    site_close(&t);
}

/* While the application lends nothing it is not the reader that is slow. */
static void sec_113_the_applications_time_is_its_own(void **state)
{
    static const mk_str line = MK_STR_INIT("a line of text\r\n");
    site t;

    (void)state;
    site_open(&t);
    log_in(&t, 1);
    mk_op op = begin_body(&t, "RETR 1\r\n", 2);
    for (unsigned i = 0; i < 10; i++) {
        acknowledge(&t);
        while (step(&t) == MK_OK) {
        }
        t.now_ms += 299999;
        assert_int_equal(step(&t), MK_WAIT);
        assert_int_equal(mk_body(t.engine, op, line, false), MK_OK);
        assert_int_equal(step(&t), MK_WAIT);
    }
    acknowledge(&t);
    while (step(&t) == MK_OK) {
    }
    assert_int_equal(mk_deadline(t.engine), t.now_ms + 300000);
    t.now_ms += 300000;
    assert_int_equal(step(&t), MK_OK);
    expect(&t, MK_EV_WITHDRAWN);
    assert_int_equal(mk_body(t.engine, op, line, false), MK_E_STALE);
    assert_int_equal(step(&t), MK_END);
    assert_int_equal(mk_want(t.engine), MK_WANT_ABORT);
    site_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law6_no_limit_may_be_zero),
        cmocka_unit_test(law6_settings_out_of_range),
        cmocka_unit_test(law6_memory_is_promised),
        cmocka_unit_test(law10_names_hold_no_line_ends),
        cmocka_unit_test(rfc2449_5_the_longest_capa_fits),
        cmocka_unit_test(rfc1939_3_no_state_is_reached_by_accident),
        cmocka_unit_test(sec_114_an_idle_session_holds_no_unit),
        cmocka_unit_test(sec_050_no_password_stays),
        cmocka_unit_test(sec_044_a_name_is_dropped_with_its_room),
        cmocka_unit_test(law7_spans_come_back_as_they_were_lent),
        cmocka_unit_test(law7_so_do_those_of_a_top),
        cmocka_unit_test(law6_a_message_of_any_size_holds_nothing),
        cmocka_unit_test(rfc1939_5_rows_are_told_or_wait),
        cmocka_unit_test(law5_answers_know_their_question),
        cmocka_unit_test(the_verbs_reach_the_heart),
        cmocka_unit_test(rfc2449_3_codes),
        cmocka_unit_test(sec_113_a_reader_below_the_rate_is_cut),
        cmocka_unit_test(sec_113_a_slow_reader_is_served),
        cmocka_unit_test(sec_113_the_applications_time_is_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

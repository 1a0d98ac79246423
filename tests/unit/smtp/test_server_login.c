/* SPDX-License-Identifier: MIT
 *
 * test_server_login.c: what no dialogue can show of the server's border to TLS
 * and of its logins: calls out of turn, settings that contradict, what is
 * wanted between two steps, whose memory a login lies in, and that nothing
 * of it stays there. Laws 5, 6 and 9; THREATS 28, 44, 51, 114.
 */
#include "smtp/server_internal.h"

#include <mailkit/sasl.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PLAIN "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n" /* NUL ann NUL secret */

typedef struct site {
    mk_smtp_server_config config;
    mk_sasl_server_config sasl;
    mk_tls_info tls;
    mk_pool units;
    mk_pool rooms;
    char *block;
    mk_engine *engine;
    mk_event ev;
    uint64_t now_ms;
} site;

static void site_init(site *t)
{
    memset(t, 0, sizeof *t);
    t->now_ms = 1000;
    assert_int_equal(mk_smtp_server_config_init(&t->config, sizeof t->config),
                     MK_OK);
    assert_int_equal(mk_sasl_server_config_init(&t->sasl, sizeof t->sasl),
                     MK_OK);
    t->tls.size = sizeof t->tls;
    t->tls.verify = MK_E_CERT_NONE;
    t->sasl.mechanisms = MK_SASL_PLAIN | MK_SASL_LOGIN;
    t->sasl.is_clear_allowed = true;
    t->config.hostname = mk_str_z("mx.example");
    t->config.asks = 0;
    t->config.tls = MK_TLS_POLICY_MAY;
    t->config.sasl = &t->sasl;
}

/* The block has exactly the size that is asked for. */
static void site_open(site *t)
{
    size_t need = mk_smtp_server_need(&t->config);

    assert_true(need > 0);
    t->block = malloc(need);
    assert_non_null(t->block);
    assert_int_equal(
        mk_smtp_server_open(&t->config, t->block, need - 1, &t->engine),
        MK_E_ROOM);
    assert_int_equal(
        mk_smtp_server_open(&t->config, t->block, need, &t->engine), MK_OK);
}

static void site_pools(site *t)
{
    assert_int_equal(mk_pool_init(&t->units, mk_alloc_libc(), 1024, 1), MK_OK);
    assert_int_equal(
        mk_pool_init(&t->rooms, mk_alloc_libc(), mk_sasl_need(1024), 1), MK_OK);
    t->config.units = &t->units;
    t->config.sasl_units = &t->rooms;
}

static void site_close(site *t)
{
    mk_close(t->engine);
    free(t->block);
    if (t->config.units != NULL) {
        assert_int_equal(t->units.taken, 0);
        assert_int_equal(t->rooms.taken, 0);
        mk_pool_fini(&t->units);
        mk_pool_fini(&t->rooms);
    }
}

static mk_err step(site *t, const char *octets)
{
    mk_str view = mk_str_z(octets);
    mk_err err = mk_step(t->engine, t->now_ms, &view, &t->ev);

    assert_int_equal(view.len, 0);
    return err;
}

static void expect(site *t, const char *octets, uint32_t type)
{
    assert_int_equal(step(t, octets), MK_OK);
    assert_int_equal(t->ev.type, type);
}

/* Everything that is queued begins with this, and is taken. */
static void hear(site *t, const char *reply)
{
    mk_str span;

    assert_int_equal(mk_out(t->engine, 0, &span, 1), 1);
    assert_true(span.len >= strlen(reply) &&
                memcmp(span.ptr, reply, strlen(reply)) == 0);
    assert_int_equal(mk_out_sent(t->engine, span.len), MK_OK);
}

static void greet(site *t)
{
    expect(t, "", MK_EV_SMTP_CONNECT);
    assert_int_equal(step(t, ""), MK_WAIT);
    hear(t, "220 ");
    expect(t, "EHLO c.example\r\n", MK_EV_SMTP_HELO);
    assert_int_equal(step(t, ""), MK_WAIT);
    hear(t, "250-");
}

static void starttls(site *t)
{
    assert_int_equal(step(t, "STARTTLS\r\n"), MK_WAIT);
    hear(t, "220 ");
    expect(t, "", MK_EV_TLS_WANTED);
}

/* ---- the border ---------------------------------------------------------- */

/* Law 9: nothing is wanted of the peer between the line and TLS. */
static void sec_028_nothing_is_read_at_the_border(void **state)
{
    site t;
    (void)state;
    site_init(&t);
    site_open(&t);
    greet(&t);
    assert_int_equal(mk_want(t.engine), MK_WANT_READ);
    assert_int_equal(step(&t, "STARTTLS\r\n"), MK_WAIT);
    assert_int_equal(mk_want(t.engine), MK_WANT_WRITE);
    hear(&t, "220 ");
    assert_int_equal(mk_want(t.engine), MK_WANT_STEP);
    expect(&t, "", MK_EV_TLS_WANTED);
    assert_int_equal(step(&t, ""), MK_WAIT);
    assert_int_equal(mk_want(t.engine), 0);
    assert_int_equal(mk_tls_begin(t.engine, 0), MK_OK);
    assert_int_equal(step(&t, ""), MK_WAIT);
    assert_int_equal(mk_want(t.engine), 0);
    assert_int_equal(mk_tls_done(t.engine, MK_OK, &t.tls), MK_OK);
    assert_int_equal(mk_want(t.engine), MK_WANT_STEP);
    expect(&t, "", MK_EV_SMTP_TLS);
    assert_ptr_equal(t.ev.of.smtp->tls, &t.tls);
    assert_int_equal(step(&t, ""), MK_WAIT);
    assert_int_equal(mk_want(t.engine), MK_WANT_READ);
    site_close(&t);
}

static void calls_out_of_turn(void **state)
{
    site t;
    (void)state;
    site_init(&t);
    site_open(&t);
    assert_int_equal(mk_tls_begin(t.engine, 0), MK_E_STATE);
    greet(&t);
    assert_int_equal(mk_tls_begin(t.engine, 0), MK_E_STATE);
    assert_int_equal(mk_tls_done(t.engine, MK_OK, &t.tls), MK_E_STATE);
    assert_int_equal(mk_tls_done(t.engine, MK_E_TLS, NULL), MK_E_STATE);
    starttls(&t);
    assert_int_equal(mk_tls_done(t.engine, MK_OK, &t.tls), MK_E_STATE);
    assert_int_equal(mk_tls_begin(t.engine, 0), MK_OK);
    assert_int_equal(mk_tls_begin(t.engine, 0), MK_E_STATE);
    assert_int_equal(mk_tls_done(t.engine, MK_OK, NULL), MK_E_ARG);
    assert_int_equal(mk_tls_done(t.engine, MK_OK, &t.tls), MK_OK);
    assert_int_equal(mk_tls_done(t.engine, MK_OK, &t.tls), MK_E_STATE);
    expect(&t, "", MK_EV_SMTP_TLS);
    assert_int_equal(mk_tls_begin(t.engine, 0), MK_E_STATE);
    assert_int_equal(mk_tls_done(t.engine, MK_OK, &t.tls), MK_E_STATE);
    site_close(&t);
}

/* TLS from the first octet is told once, before the first step. */
static void implicit_tls_comes_once(void **state)
{
    site t;
    (void)state;
    site_init(&t);
    site_open(&t);
    assert_int_equal(mk_tls_done(t.engine, MK_OK, &t.tls), MK_OK);
    assert_int_equal(mk_tls_done(t.engine, MK_E_TLS, NULL), MK_E_STATE);
    expect(&t, "", MK_EV_SMTP_TLS);
    assert_int_equal(t.ev.of.smtp->accepted, 0);
    expect(&t, "", MK_EV_SMTP_CONNECT);
    assert_ptr_equal(t.ev.of.smtp->tls, &t.tls);
    site_close(&t);
}

/* The unit goes back to the pool while TLS is made. */
static void sec_114_a_handshake_holds_no_unit(void **state)
{
    site t;
    (void)state;
    site_init(&t);
    site_pools(&t);
    site_open(&t);
    greet(&t);
    assert_int_equal(step(&t, "STARTTLS\r\n"), MK_WAIT);
    assert_int_equal(t.units.taken, 1);
    hear(&t, "220 ");
    assert_int_equal(t.units.taken, 0);
    expect(&t, "", MK_EV_TLS_WANTED);
    assert_int_equal(t.units.taken, 0);
    site_close(&t);
}

/* A handshake that ends is what the deadline was kept for. */
static void the_clock_runs_anew_behind_tls(void **state)
{
    site t;
    (void)state;
    site_init(&t);
    site_open(&t);
    greet(&t);
    starttls(&t);
    assert_int_equal(mk_tls_begin(t.engine, 0), MK_OK);
    t.now_ms += t.config.command_ms - 1;
    assert_int_equal(mk_tls_done(t.engine, MK_OK, &t.tls), MK_OK);
    expect(&t, "", MK_EV_SMTP_TLS);
    assert_int_equal(mk_deadline(t.engine), t.now_ms + t.config.command_ms);
    site_close(&t);
}

/* Who hangs up instead of a handshake is seen to at once. */
static void sec_114_an_end_at_the_border_wants_a_step(void **state)
{
    site t;
    (void)state;
    site_init(&t);
    site_open(&t);
    greet(&t);
    starttls(&t);
    assert_int_equal(mk_tls_begin(t.engine, 0), MK_OK);
    mk_in_eof(t.engine, MK_E_NET);
    assert_int_equal(mk_want(t.engine), MK_WANT_STEP);
    expect(&t, "", MK_EV_FAULT);
    assert_int_equal(t.ev.err, MK_E_NET);
    assert_int_equal(mk_tls_done(t.engine, MK_OK, &t.tls), MK_E_STATE);
    site_close(&t);
}

/* ---- logins -------------------------------------------------------------- */

static void answers_out_of_turn(void **state)
{
    mk_str none = {NULL, 0};
    site t;
    (void)state;
    site_init(&t);
    site_open(&t);
    greet(&t);
    expect(&t, PLAIN, MK_EV_SASL);
    mk_op op = t.ev.op;
    assert_int_equal(t.ev.flags, MK_ASK);
    assert_int_equal(mk_reply(t.engine, op, MK_ANSWER_YES, none, none),
                     MK_E_STALE);
    assert_int_equal(mk_sasl_answer(t.engine, op + 1, MK_ANSWER_YES, NULL),
                     MK_E_STALE);
    assert_int_equal(mk_sasl_answer(t.engine, op, (mk_answer)3, NULL),
                     MK_E_ARG);
    assert_int_equal(mk_later(t.engine, op), MK_OK);
    assert_int_equal(step(&t, ""), MK_WAIT);
    assert_int_equal(mk_want(t.engine), 0);
    assert_int_equal(mk_sasl_answer(t.engine, op, MK_ANSWER_YES, NULL), MK_OK);
    assert_int_equal(mk_want(t.engine), MK_WANT_STEP);
    assert_int_equal(mk_sasl_answer(t.engine, op, MK_ANSWER_NO, NULL),
                     MK_E_STALE);
    expect(&t, "", MK_EV_SMTP_AUTH);
    assert_int_equal(t.ev.err, MK_OK);
    assert_true(mk_str_is(t.ev.of.smtp->argument, mk_str_z("ann")));
    hear(&t, "235 ");
    /* a later question of another kind is not answered by it */
    assert_int_equal(mk_sasl_answer(t.engine, op, MK_ANSWER_YES, NULL),
                     MK_E_STALE);
    site_close(&t);
}

/* The time for the answer to a challenge runs from the challenge, which waits
 * for the replies before it to be taken. */
static void the_clock_of_a_challenge(void **state)
{
    site t;
    (void)state;
    site_init(&t);
    site_open(&t);
    greet(&t);
    assert_int_equal(step(&t, "NOOP\r\nAUTH LOGIN\r\n"), MK_WAIT);
    t.now_ms += 50000;
    hear(&t, "250 ");
    assert_int_equal(step(&t, ""), MK_WAIT);
    assert_int_equal(mk_deadline(t.engine), t.now_ms + t.config.command_ms);
    hear(&t, "334 ");
    t.now_ms += 50000;
    expect(&t, "*\r\n", MK_EV_SMTP_AUTH); /* and so does the next command's */
    assert_int_equal(mk_deadline(t.engine), t.now_ms + t.config.command_ms);
    site_close(&t);
}

/* Between challenge and answer no unit is held; at the end of the session
 * the room is not either, before anybody closes it. */
static void sec_114_a_login_that_waits(void **state)
{
    site t;
    (void)state;
    site_init(&t);
    site_pools(&t);
    site_open(&t);
    greet(&t);
    assert_int_equal(step(&t, "AUTH LOGIN\r\n"), MK_WAIT);
    hear(&t, "334 ");
    assert_int_equal(step(&t, "YW"), MK_WAIT);
    assert_int_equal(t.units.taken, 0);
    assert_int_equal(t.rooms.taken, 1);
    mk_in_eof(t.engine, MK_OK);
    expect(&t, "", MK_EV_FAULT);
    assert_int_equal(t.rooms.taken, 0);
    site_close(&t);
}

/* A question about something else is not a login's. */
static void a_login_answers_logins_only(void **state)
{
    site t;
    (void)state;
    site_init(&t);
    t.config.asks = MK_SMTP_ASK_MAIL;
    site_open(&t);
    greet(&t);
    expect(&t, "MAIL FROM:<a@b.example>\r\n", MK_EV_SMTP_MAIL);
    assert_int_equal(mk_sasl_answer(t.engine, t.ev.op, MK_ANSWER_YES, NULL),
                     MK_E_STALE);
    site_close(&t);
}

/* THREATS 44: a session that ends within a login leaves nothing behind, and
 * the room comes back, at each of its steps. */
static void sec_044_closed_at_each_step(void **state)
{
    static const char *const lines[] = {"AUTH LOGIN\r\n", "YW5u\r\n",
                                        "c2VjcmV0\r\n", ""};
    (void)state;
    for (size_t last = 0; last < sizeof lines / sizeof lines[0]; last++) {
        site t;
        site_init(&t);
        site_pools(&t);
        site_open(&t);
        greet(&t);
        for (size_t i = 0; i <= last; i++) {
            mk_str span;
            (void)step(&t, lines[i]);
            assert_int_equal(t.rooms.taken, 1);
            if (mk_out(t.engine, 0, &span, 1) == 1) {
                assert_int_equal(mk_out_sent(t.engine, span.len), MK_OK);
            }
        }
        site_close(&t);
    }
}

static bool holds(const char *mem, size_t n, const char *word)
{
    for (size_t i = 0; i + strlen(word) <= n; i++) {
        if (memcmp(mem + i, word, strlen(word)) == 0) {
            return true;
        }
    }
    return false;
}

/* Neither the block nor what lay in it shows the password when all is over. */
static void sec_044_nothing_is_left_in_the_block(void **state)
{
    site t;
    (void)state;
    site_init(&t);
    site_open(&t);
    size_t need = mk_smtp_server_need(&t.config);
    greet(&t);
    expect(&t, PLAIN, MK_EV_SASL);
    assert_true(holds(t.block, need, "secret"));
    assert_int_equal(mk_sasl_answer(t.engine, t.ev.op, MK_ANSWER_YES, NULL),
                     MK_OK);
    expect(&t, "", MK_EV_SMTP_AUTH);
    assert_false(holds(t.block, need, "secret"));
    assert_int_equal(step(&t, ""), MK_WAIT);
    assert_false(holds(t.block, need, "ann"));
    site_close(&t);
}

/* A login is lent a room, an idle session none. */
static void sec_114_an_idle_session_holds_no_room(void **state)
{
    site t;
    (void)state;
    site_init(&t);
    site_pools(&t);
    site_open(&t);
    greet(&t);
    assert_int_equal(t.rooms.taken, 0);
    expect(&t, PLAIN, MK_EV_SASL);
    assert_int_equal(t.rooms.taken, 1);
    assert_int_equal(mk_sasl_answer(t.engine, t.ev.op, MK_ANSWER_NO, NULL),
                     MK_OK);
    expect(&t, "", MK_EV_SMTP_AUTH);
    assert_int_equal(t.ev.err, MK_E_AUTH);
    assert_int_equal(step(&t, ""), MK_WAIT);
    assert_int_equal(t.rooms.taken, 0); /* the reply still waits */
    assert_int_equal(t.units.taken, 1);
    site_close(&t);
}

/* One pattern of failures, one bound on them: a thousand tries end at the
 * third, and took the time that they should. */
static void sec_051_a_thousand_tries(void **state)
{
    site t;
    (void)state;
    site_init(&t);
    site_open(&t);
    greet(&t);
    uint64_t began_ms = t.now_ms;
    unsigned tries = 0;
    bool is_over = false;
    while (tries < 1000 && !is_over) {
        tries++;
        expect(&t, PLAIN, MK_EV_SASL);
        assert_int_equal(mk_sasl_answer(t.engine, t.ev.op, MK_ANSWER_NO, NULL),
                         MK_OK);
        expect(&t, "", MK_EV_SMTP_AUTH);
        assert_int_equal(step(&t, ""), MK_WAIT);
        t.now_ms = mk_deadline(t.engine);
        is_over = step(&t, "") == MK_OK;
        hear(&t, is_over ? "421 4.7.0 " : "535 5.7.8 ");
    }
    assert_int_equal(tries, 3);
    assert_int_equal(t.ev.type, MK_EV_FAULT);
    assert_int_equal(t.now_ms - began_ms, 2000 + 4000 + 6000);
    assert_int_equal(step(&t, ""), MK_END);
    site_close(&t);
}

/* ---- settings ------------------------------------------------------------ */

static void settings_are_looked_at(void **state)
{
    static mk_sasl_server_config without;
    site t;
    mk_pool small;
    (void)state;
    memset(&without, 0, sizeof without);
    assert_int_equal(mk_pool_init(&small, mk_alloc_libc(), 1024, 1), MK_OK);
    for (int i = 0; i < 8; i++) {
        site_init(&t);
        switch (i) {
        case 0:
            t.config.tls = (mk_tls_policy)(MK_TLS_POLICY_MUST + 1);
            break;
        case 1:
            t.config.auth_failures_max = 0;
            break;
        case 2:
            t.config.auth_delay_ms = 0;
            break;
        case 3:
            t.config.auth_delay_ms = UINT64_MAX;
            break;
        case 4:
            t.config.sasl_units = &small;
            break;
        case 5:
            t.config.sasl = &without;
            break;
        case 6:
            t.config.sasl = NULL;
            t.config.is_auth_needed = true;
            break;
        default:
            break;
        }
        assert_int_equal(mk_smtp_server_need(&t.config) > 0, i == 7);
    }
    mk_pool_fini(&small);
}

/* Law 6: what a login needs is part of the promise, or of a pool. */
static void the_need_tells_of_logins(void **state)
{
    site t;
    (void)state;
    site_init(&t);
    size_t with = mk_smtp_server_need(&t.config);
    t.config.sasl = NULL;
    size_t none = mk_smtp_server_need(&t.config);
    assert_true(none <= MK_SMTP_SERVER_NEED);
    assert_true(with >= none + mk_sasl_need(MK_SASL_MESSAGE_MAX));
    assert_true(with < none + mk_sasl_need(MK_SASL_MESSAGE_MAX) + 64);
    site_init(&t);
    site_pools(&t);
    assert_true(mk_smtp_server_need(&t.config) <= 384);
    mk_pool_fini(&t.units);
    mk_pool_fini(&t.rooms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_028_nothing_is_read_at_the_border),
        cmocka_unit_test(calls_out_of_turn),
        cmocka_unit_test(implicit_tls_comes_once),
        cmocka_unit_test(sec_114_a_handshake_holds_no_unit),
        cmocka_unit_test(the_clock_runs_anew_behind_tls),
        cmocka_unit_test(sec_114_an_end_at_the_border_wants_a_step),
        cmocka_unit_test(the_clock_of_a_challenge),
        cmocka_unit_test(sec_114_a_login_that_waits),
        cmocka_unit_test(answers_out_of_turn),
        cmocka_unit_test(a_login_answers_logins_only),
        cmocka_unit_test(sec_044_closed_at_each_step),
        cmocka_unit_test(sec_044_nothing_is_left_in_the_block),
        cmocka_unit_test(sec_114_an_idle_session_holds_no_room),
        cmocka_unit_test(sec_051_a_thousand_tries),
        cmocka_unit_test(settings_are_looked_at),
        cmocka_unit_test(the_need_tells_of_logins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

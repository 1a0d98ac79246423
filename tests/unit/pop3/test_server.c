/* SPDX-License-Identifier: MIT
 *
 * test_server.c: what no dialogue can show of the POP3 server: its settings,
 * the memory that it promises (Law 6), what it holds and wants between the
 * steps of a driver that steps only when it must, secrets that do not stay,
 * answers and their questions (Law 5). RFC 1939, RFC 2449 3.
 */
#include "server_site.h"

#include <stdlib.h>
#include <string.h>

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
    assert_int_equal(site_step(&t), MK_OK);
    assert_int_equal(site_step(&t), MK_WAIT);
    site_acknowledge(&t);
    assert_int_equal(site_say(&t, "CAPA\r\n"), MK_WAIT);
    const char *text = site_queued(&t);
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
            site_server(&t)->state = (uint8_t)from;
            mk_pop3_server_move(site_server(&t), (server_state)to);
            assert_int_equal(mk_want(t.engine) & MK_WANT_ABORT,
                             legal[from][to] ? 0 : MK_WANT_ABORT);
            assert_int_equal(site_server(&t)->state,
                             legal[from][to] ? to : from);
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
    site_log_in(&t, 2);
    assert_int_equal(t.units.taken, 0);
    assert_int_equal(t.rooms.taken, 0);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_int_equal(site_say(&t, lines[i]), MK_WAIT);
        assert_int_equal(t.units.taken, 1);
        site_acknowledge(&t);
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
        assert_int_equal(site_step(&t), MK_OK);
        assert_int_equal(site_step(&t), MK_WAIT);
        site_acknowledge(&t);
        assert_int_equal(site_say(&t, "USER bobby\r\nPASS hunter2hunter2\r\n"),
                         MK_OK);
        site_expect(&t, MK_EV_SASL);
        assert_true(is_kept(&t, parts[0])); /* the question shows it */
        assert_int_equal(mk_sasl_answer(t.engine, t.ev.op, answers[i], NULL),
                         MK_OK);
        assert_int_equal(site_step(&t), MK_OK);
        site_expect(&t, MK_EV_POP3_AUTH);
        for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
            assert_false(is_kept(&t, parts[p]));
        }
        assert_int_equal(site_server(&t)->plain[0] | site_server(&t)->plain[1] |
                             site_server(&t)->plain[2],
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
        assert_int_equal(site_step(&t), MK_OK);
        assert_int_equal(site_step(&t), MK_WAIT);
        site_acknowledge(&t);
        assert_int_equal(site_say(&t, "USER bobby\r\n"), MK_WAIT);
        assert_int_equal(t.rooms.taken, 1);
        (void)site_say(&t, lines[i]);
        assert_int_equal(t.rooms.taken, 0);
        assert_false(holds(t.room, sizeof t.room, "bobby"));
        site_close(&t);
    }
}

/* ---- answers ------------------------------------------------------------- */

static void law5_answers_know_their_question(void **state)
{
    static const mk_str none = {NULL, 0};
    site t;

    (void)state;
    site_open(&t);
    site_log_in(&t, 2);
    site_server(&t)->serve.last_op =
        UINT32_MAX; /* numbers begin anew, not with 0 */
    assert_int_equal(site_say(&t, "STAT\r\n"), MK_OK);
    assert_int_equal(t.ev.op, 1);
    assert_int_equal(mk_pop3_server_maildrop(t.engine, UINT32_MAX, 1, 1),
                     MK_E_STALE);
    assert_int_equal(mk_pop3_server_maildrop(t.engine, 0, 1, 1), MK_E_STALE);
    assert_int_equal(mk_pop3_server_maildrop(t.engine, 1, 2, 1), MK_OK);
    assert_int_equal(mk_pop3_server_maildrop(t.engine, 1, 2, 1), MK_E_STALE);
    assert_int_equal(mk_reply(t.engine, 1, MK_ANSWER_NO, none, none),
                     MK_E_STALE);
    assert_int_equal(site_step(&t), MK_WAIT);
    assert_string_equal(site_queued(&t), "+OK 2 1\r\n");
    assert_int_equal(mk_cancel(t.engine, 1), MK_E_STALE);
    assert_int_equal(mk_pop3_server_maildrop(NULL, 1, 2, 1), MK_E_ARG);
    assert_int_equal(mk_pop3_server_size(NULL, 1, 2, 1), MK_E_ARG);
    assert_int_equal(mk_pop3_server_uid(NULL, 1, 2, mk_str_z("x")), MK_E_ARG);
    site_close(&t);
}

static mk_err no_hash(mk_hash_context *c, mk_hash hash)
{
    (void)c;
    (void)hash;
    return MK_E_CRYPTO;
}

/* Only a password will do for APOP: stored keys, or an empty one, would let in
 * whoever has seen the greeting (THREATS 40). */
static void sec_040_apop_wants_a_password(void **state)
{
    static const mk_crypto crypto = {.hash_init = no_hash};
    static char big[MK_SASL_NAME_MAX + 1];
    mk_sasl_keys keys;
    site t;

    (void)state;
    site_open(&t);
    t.sasl.crypto = &crypto;
    t.sasl.random = &t.random;
    t.config.capabilities |= MK_POP3_CAPABILITY_APOP;
    site_start(&t);
    assert_int_equal(site_step(&t), MK_OK);
    assert_int_equal(site_step(&t), MK_WAIT);
    assert_string_equal(site_queued(&t),
                        "+OK POP3 mailkit <5a5a5a5a5a5a5a5a@mx.example>\r\n");
    site_acknowledge(&t);
    assert_int_equal(
        site_say(&t, "APOP ann 0123456789abcdef0123456789abcdef\r\n"), MK_OK);
    site_expect(&t, MK_EV_SASL);
    assert_int_equal(t.ev.of.sasl->kind, MK_SASL_ASK_KEYS);
    assert_int_equal(t.ev.of.sasl->hash, MK_HASH_MD5);
    assert_int_equal(t.ev.of.sasl->mechanism, MK_SASL_NONE);
    mk_op op = t.ev.op;
    memset(&keys, 0, sizeof keys);
    keys.stored_key = keys.server_key = mk_str_of(big, 20);
    keys.salt = mk_str_of(big, 16);
    keys.iterations = 4096;
    assert_int_equal(mk_sasl_answer(t.engine, op, MK_ANSWER_YES, &keys),
                     MK_E_ARG);
    assert_int_equal(mk_sasl_answer(t.engine, op, MK_ANSWER_YES, NULL),
                     MK_E_ARG);
    keys.password = mk_str_of(big, sizeof big);
    assert_int_equal(mk_sasl_answer(t.engine, op, MK_ANSWER_YES, &keys),
                     MK_E_ARG);
    keys.password = mk_str_z("secret");
    assert_int_equal(mk_sasl_answer(t.engine, op, MK_ANSWER_YES, &keys), MK_OK);
    assert_int_equal(mk_sasl_answer(t.engine, op, MK_ANSWER_YES, &keys),
                     MK_E_STALE);
    assert_int_equal(site_step(&t), MK_OK);
    site_expect(&t, MK_EV_POP3_AUTH);
    assert_int_equal(t.ev.err, MK_E_CRYPTO); /* it could not be told */
    assert_int_equal(t.ev.of.pop3->argument.len, 0);
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
    site_log_in(&t, 2);
    assert_int_equal(mk_tap_over(t.engine, look, NULL, mem, sizeof mem, &outer),
                     MK_OK);
    t.engine = outer;
    assert_int_equal(site_say(&t, "LIST 2\r\n"), MK_OK);
    assert_int_equal(mk_pop3_server_size(outer, t.ev.op, 2, 7), MK_OK);
    assert_int_equal(site_step(&t), MK_WAIT);
    assert_string_equal(site_queued(&t), "+OK 2 7\r\n");
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
        site_log_in(&t, 2);
        assert_int_equal(site_say(&t, "DELE 1\r\n"), MK_OK);
        assert_int_equal(mk_reply(t.engine, t.ev.op, MK_ANSWER_NO,
                                  mk_str_z(rows[i].code), none),
                         rows[i].err);
        site_close(&t);
    }
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
        cmocka_unit_test(law5_answers_know_their_question),
        cmocka_unit_test(sec_040_apop_wants_a_password),
        cmocka_unit_test(the_verbs_reach_the_heart),
        cmocka_unit_test(rfc2449_3_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

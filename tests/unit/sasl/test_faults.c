/* SPDX-License-Identifier: MIT
 *
 * test_faults.c: exchanges that are given up, cut, played again, or whose
 * hashes and randomness fail, at every step and in both roles (THREATS 44,
 * 49). Whatever happens: no success at both ends, no context left open, all
 * memory wiped.
 */
#include "rig.h"

#include "../crypto/failing.h"

static const mk_sasl_mechanism all[] = ALL_MECHANISMS;

static void assert_wiped(rig *r)
{
    size_t i;

    mk_sasl_close(r->client);
    mk_sasl_close(r->server);
    r->client = NULL;
    r->server = NULL;
    for (i = 0; i < mk_sasl_need(1024); i++) {
        assert_int_equal(((char *)r->memory[0])[i], 0);
        assert_int_equal(((char *)r->memory[1])[i], 0);
    }
}

/* ---- given up ------------------------------------------------------------ */

static void assert_dead(mk_sasl *s)
{
    assert_int_equal(mk_sasl_next(s), MK_SASL_FAILED);
    assert_int_equal(mk_sasl_take(s, Z("x")), MK_E_STATE);
    assert_int_equal(mk_sasl_resolve(s, MK_ANSWER_YES, NULL), MK_E_STATE);
    assert_int_equal(mk_sasl_message(s).len, 0);
    assert_null(mk_sasl_question(s));
    mk_sasl_fail(s, MK_E_SYNTAX);
    assert_int_equal(mk_sasl_why(s), MK_E_CANCELLED);
}

/* The end that gives up is the one that would speak next. */
static void give_up(rig *r, mk_sasl_mechanism m, unsigned steps)
{
    unsigned i, works = 0;

    assert_int_equal(rig_open_server(r, m), MK_OK);
    assert_int_equal(rig_open_client(r, m), MK_OK);
    for (i = 0; i < steps; i++) {
        mk_sasl_state c = rig_move(r->client, &works);
        mk_sasl_state s = rig_move(r->server, &works);

        if (s == MK_SASL_ASK) {
            assert_int_equal(rig_answer(r), MK_OK);
        } else if (c == MK_SASL_SEND && s == MK_SASL_TAKE) {
            assert_int_equal(
                mk_sasl_take(r->server, mk_sasl_message(r->client)), MK_OK);
        } else if (s == MK_SASL_SEND && c == MK_SASL_TAKE) {
            assert_int_equal(
                mk_sasl_take(r->client, mk_sasl_message(r->server)), MK_OK);
        }
    }
    mk_sasl_fail(r->client, MK_E_CANCELLED);
    mk_sasl_fail(r->server, MK_OK); /* no reason is "cancelled" */
    assert_dead(r->client);
    assert_dead(r->server);
}

static void sec_044_given_up_at_each_step(void **state)
{
    size_t i;
    unsigned steps, keys;

    (void)state;
    for (i = 0; i < COUNT(all); i++) {
        for (steps = 0; steps < 9; steps++) {
            for (keys = 0; keys < 2; keys++) {
                rig *r = rig_new();

                r->server_config.asks_keys = keys == 1;
                give_up(r, all[i], steps);
                assert_wiped(r);
                /* and another one in the same memory */
                give_up(r, all[(i + 1) % COUNT(all)], steps);
                assert_wiped(r);
                rig_free(r);
            }
        }
    }
}

/* In the middle of the slices. */
static void sec_044_given_up_while_working(void **state)
{
    static const mk_sasl_mechanism ones[] = {MK_SASL_SCRAM_SHA_1,
                                             MK_SASL_SCRAM_SHA_256};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(ones); i++) {
        rig *r = rig_new();

        r->server_config.crypto = &failing_table;
        r->server_config.slice_iterations = 10;
        assert_int_equal(rig_open_server(r, ones[i]), MK_OK);
        assert_int_equal(rig_give(r->server, Z("n,,n=user,r=x")), MK_SASL_ASK);
        assert_int_equal(rig_answer(r), MK_OK);
        assert_int_equal(mk_sasl_next(r->server), MK_SASL_WORK);
        assert_int_equal(mk_sasl_take(r->server, Z("x")), MK_E_STATE);
        assert_int_equal(mk_sasl_next(r->server), MK_SASL_WORK);
        assert_true(failing_opened > 0);
        mk_sasl_fail(r->server, MK_E_CANCELLED);
        assert_int_equal(failing_opened, 0);
        assert_dead(r->server);
        assert_wiped(r);
        rig_free(r);
    }
}

static void sec_044_cancelled_many_times(void **state)
{
    rig *r = rig_new();
    unsigned i;

    (void)state;
    for (i = 0; i < 20000; i++) {
        mk_sasl_mechanism m = i % 2 == 0 ? MK_SASL_LOGIN : MK_SASL_PLAIN;

        assert_int_equal(rig_open_server(r, m), MK_OK);
        mk_sasl_fail(r->server, MK_E_CANCELLED);
    }
    rig_free(r);
}

/* ---- cut ----------------------------------------------------------------- */

static unsigned cut_number;
static size_t cut_at;
static bool is_cut;

static void cut(rig *r, unsigned n, rig_said *said)
{
    (void)r;
    if (n == cut_number && cut_at < said->len) {
        said->len = cut_at;
        is_cut = true;
    }
}

static void sec_044_cut_at_each_octet(void **state)
{
    /* not those where a shorter name is a name, and prompts are not read */
    static const mk_sasl_mechanism ones[] = {
        MK_SASL_PLAIN,         MK_SASL_CRAM_MD5, MK_SASL_SCRAM_SHA_1_PLUS,
        MK_SASL_SCRAM_SHA_256, MK_SASL_XOAUTH2,  MK_SASL_OAUTHBEARER};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(ones); i++) {
        for (cut_number = 1; cut_number <= 4; cut_number++) {
            cut_at = 0;
            do {
                rig *r = rig_new();

                is_cut = false;
                r->tamper = cut;
                r->server_config.is_keys_only = true;
                r->user = RIG_KEYS;
                rig_run(r, ones[i]);
                assert_int_equal(r->client_state == MK_SASL_DONE &&
                                     r->server_state == MK_SASL_DONE,
                                 !is_cut);
                assert_wiped(r);
                rig_free(r);
                cut_at++;
            } while (is_cut);
        }
    }
}

/* ---- hashes and randomness that fail ------------------------------------- */

static rig *failing_rig(int end, unsigned mode)
{
    rig *r = rig_new();

    if (end == 0) {
        r->client_config.crypto = &failing_table;
    } else {
        r->server_config.crypto = &failing_table;
    }
    r->server_config.asks_keys = mode == 1;
    r->server_config.is_keys_only = mode == 2;
    r->user = mode == 2 ? RIG_KEYS : RIG_PASSWORD;
    return r;
}

static void fail_at(mk_sasl_mechanism m, int end, unsigned mode, int call)
{
    rig *r = failing_rig(end, mode);

    failing_calls = call;
    rig_run(r, m);
    assert_int_equal(failing_calls, 0);
    assert_false(r->client_state == MK_SASL_DONE &&
                 r->server_state == MK_SASL_DONE);
    assert_int_equal(mk_sasl_why(end == 0 ? r->client : r->server),
                     MK_E_CRYPTO);
    assert_wiped(r);
    assert_int_equal(failing_opened, 0);
    rig_free(r);
}

/* The first and last calls, and some of the thousands of a key. */
static void sec_044_each_hash_fails_in_turn(void **state)
{
    static const mk_sasl_mechanism ones[] = {
        MK_SASL_PLAIN, MK_SASL_LOGIN, MK_SASL_CRAM_MD5, MK_SASL_SCRAM_SHA_1,
        MK_SASL_SCRAM_SHA_256_PLUS};
    enum { MANY = 1000000, EDGE = 12, STRIDE = 5003 };
    size_t i;
    int end;
    unsigned mode;

    (void)state;
    for (i = 0; i < COUNT(ones); i++) {
        for (end = 0; end < 2; end++) {
            for (mode = 0; mode < (end == 0 ? 1U : 3U); mode++) {
                rig *r = failing_rig(end, mode);
                int total, call;

                failing_calls = MANY;
                rig_run(r, ones[i]);
                assert_int_equal(r->server_state, MK_SASL_DONE);
                assert_int_equal(r->client_state, MK_SASL_DONE);
                total = MANY - failing_calls;
                rig_free(r);
                for (call = 1; call <= total;
                     call += call < EDGE || call > total - EDGE ? 1 : STRIDE) {
                    fail_at(ones[i], end, mode, call);
                }
                failing_calls = 0;
            }
        }
    }
}

static void sec_044_no_randomness(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(all); i++) {
        rig *r = rig_new();

        if ((all[i] & RIG_SCRAM) == 0) {
            rig_free(r);
            continue;
        }
        assert_int_equal(rig_open_server(r, all[i]), MK_OK);
        assert_int_equal(rig_open_client(r, all[i]), MK_OK);
        assert_int_equal(mk_sasl_next(r->client), MK_SASL_SEND);
        assert_int_equal(rig_give(r->server, mk_sasl_message(r->client)),
                         MK_SASL_ASK);
        r->random_fails = 1;
        assert_int_equal(rig_answer(r), MK_OK);
        assert_int_equal(rig_move(r->server, &r->works[1]), MK_SASL_FAILED);
        assert_int_equal(mk_sasl_why(r->server), MK_E_ENTROPY);
        assert_wiped(r);
        rig_free(r);
    }
}

/* ---- played again -------------------------------------------------------- */

static void sec_049_an_answer_serves_once(void **state)
{
    rig *r = rig_new();
    char answer[64];
    mk_str message;

    (void)state;
    rig_run(r, MK_SASL_CRAM_MD5);
    assert_int_equal(r->server_state, MK_SASL_DONE);
    message = rig_heard(r, 2);
    memcpy(answer, message.ptr, message.len);
    message.ptr = answer;
    /* to the same exchange, to a new one */
    assert_int_equal(mk_sasl_take(r->server, message), MK_E_STATE);
    assert_int_equal(mk_sasl_resolve(r->server, MK_ANSWER_YES, NULL),
                     MK_E_STATE);
    assert_int_equal(rig_open_server(r, MK_SASL_CRAM_MD5), MK_OK);
    assert_int_equal(mk_sasl_next(r->server), MK_SASL_SEND);
    assert_false(mk_str_is(mk_sasl_message(r->server), rig_heard(r, 1)));
    assert_int_equal(mk_sasl_next(r->server), MK_SASL_TAKE);
    assert_int_equal(rig_give(r->server, message), MK_SASL_ASK);
    assert_int_equal(rig_answer(r), MK_OK);
    assert_int_equal(mk_sasl_next(r->server), MK_SASL_FAILED);
    assert_int_equal(mk_sasl_why(r->server), MK_E_AUTH);
    rig_free(r);
}

static void sec_049_a_scram_played_again(void **state)
{
    rig *r = rig_new();
    unsigned works = 0;

    (void)state;
    rig_run(r, MK_SASL_SCRAM_SHA_256_PLUS);
    assert_int_equal(r->server_state, MK_SASL_DONE);
    assert_int_equal(rig_open_server(r, MK_SASL_SCRAM_SHA_256_PLUS), MK_OK);
    assert_int_equal(rig_give(r->server, rig_heard(r, 1)), MK_SASL_ASK);
    assert_int_equal(rig_answer(r), MK_OK);
    assert_int_equal(rig_move(r->server, &works), MK_SASL_SEND);
    assert_int_equal(mk_sasl_next(r->server), MK_SASL_TAKE);
    assert_int_equal(rig_give(r->server, rig_heard(r, 3)), MK_SASL_FAILED);
    assert_int_equal(mk_sasl_why(r->server), MK_E_PROTOCOL);
    rig_free(r);
}

/* A server's answers played to a client that asks again. */
static void sec_049_a_server_played_again(void **state)
{
    rig *r = rig_new();
    unsigned works = 0;

    (void)state;
    rig_run(r, MK_SASL_SCRAM_SHA_256);
    assert_int_equal(r->client_state, MK_SASL_DONE);
    assert_int_equal(rig_open_client(r, MK_SASL_SCRAM_SHA_256), MK_OK);
    assert_int_equal(rig_move(r->client, &works), MK_SASL_SEND);
    assert_int_equal(mk_sasl_next(r->client), MK_SASL_TAKE);
    assert_int_equal(rig_give(r->client, rig_heard(r, 2)), MK_SASL_FAILED);
    assert_int_equal(mk_sasl_why(r->client), MK_E_PROTOCOL);
    rig_free(r);
}

/* Two users of one configuration, step by step side by side. */
static void sec_049_two_users_are_not_mixed_up(void **state)
{
    static const mk_sasl_mechanism m = MK_SASL_SCRAM_SHA_256;
    rig *r[2] = {rig_new(), rig_new()};
    unsigned i, works = 0;

    (void)state;
    r[1]->client_config.authcid = Z("other");
    r[1]->client_config.password = Z("crayon");
    r[1]->password = "crayon";
    for (i = 0; i < 2; i++) {
        assert_int_equal(rig_open_client(r[i], m), MK_OK);
        assert_int_equal(mk_sasl_server_open(&r[0]->server_config, m,
                                             &r[0]->server_tls, r[i]->memory[1],
                                             mk_sasl_need(1024), &r[i]->server),
                         MK_OK);
        assert_int_equal(mk_sasl_next(r[i]->client), MK_SASL_SEND);
    }
    for (i = 0; i < 2; i++) {
        assert_int_equal(rig_give(r[i]->server, mk_sasl_message(r[i]->client)),
                         MK_SASL_ASK);
        assert_int_equal(mk_sasl_next(r[i]->client), MK_SASL_TAKE);
    }
    for (i = 0; i < 2; i++) {
        assert_int_equal(rig_answer(r[i]), MK_OK);
        assert_int_equal(rig_move(r[i]->server, &works), MK_SASL_SEND);
        assert_int_equal(rig_give(r[i]->client, mk_sasl_message(r[i]->server)),
                         MK_SASL_SEND);
        assert_int_equal(mk_sasl_next(r[i]->server), MK_SASL_TAKE);
    }
    /* the one's proof does not serve the other */
    assert_int_equal(rig_give(r[0]->server, mk_sasl_message(r[1]->client)),
                     MK_SASL_FAILED);
    assert_int_equal(rig_give(r[1]->server, mk_sasl_message(r[1]->client)),
                     MK_SASL_SEND);
    assert_int_equal(mk_sasl_next(r[1]->server), MK_SASL_TAKE);
    assert_int_equal(rig_give(r[1]->server, Z("")), MK_SASL_DONE);
    assert_true(mk_str_is(mk_sasl_authcid(r[1]->server), Z("other")));
    rig_free(r[0]);
    rig_free(r[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_044_given_up_at_each_step),
        cmocka_unit_test(sec_044_given_up_while_working),
        cmocka_unit_test(sec_044_cancelled_many_times),
        cmocka_unit_test(sec_044_cut_at_each_octet),
        cmocka_unit_test(sec_044_each_hash_fails_in_turn),
        cmocka_unit_test(sec_044_no_randomness),
        cmocka_unit_test(sec_049_an_answer_serves_once),
        cmocka_unit_test(sec_049_a_scram_played_again),
        cmocka_unit_test(sec_049_a_server_played_again),
        cmocka_unit_test(sec_049_two_users_are_not_mixed_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * test_pairs.c: client against server, every mechanism, with every kind of
 * answer; names of all sorts; what is left in memory afterwards; lists of
 * names of mechanisms.
 */
#include "rig.h"

static const mk_sasl_mechanism all[] = ALL_MECHANISMS;

/* The server's setting: verdict, keys asked for, keys only. */
static void set_mode(rig *r, unsigned mode)
{
    r->server_config.asks_keys = mode == 1;
    r->server_config.is_keys_only = mode == 2;
}

static bool has_secret(mk_sasl_mechanism m)
{
    return m != MK_SASL_ANONYMOUS && m != MK_SASL_EXTERNAL;
}

static void assert_good(const rig *r)
{
    assert_int_equal(r->client_state, MK_SASL_DONE);
    assert_int_equal(r->server_state, MK_SASL_DONE);
    assert_int_equal(mk_sasl_why(r->client), MK_OK);
    assert_int_equal(r->asked, 1);
    assert_true(
        mk_str_is(mk_sasl_authcid(r->server), r->client_config.authcid));
}

static void the_right_secret(void **state)
{
    size_t i;
    unsigned mode, user;

    (void)state;
    for (i = 0; i < COUNT(all); i++) {
        for (mode = 0; mode < 3; mode++) {
            for (user = RIG_PASSWORD; user <= RIG_KEYS; user++) {
                rig *r = rig_new();

                set_mode(r, mode);
                r->user = mode == 2 ? RIG_KEYS : (rig_user)user;
                if (all[i] == MK_SASL_EXTERNAL) {
                    r->client_config.authcid = Z("");
                }
                rig_run(r, all[i]);
                assert_good(r);
                assert_int_equal(mk_sasl_which(r->client), all[i]);
                assert_int_equal(mk_sasl_which(r->server), all[i]);
                assert_int_equal(r->ask.mechanism, all[i]);
                assert_ptr_equal(r->ask.tls, &r->server_tls);
                rig_free(r);
            }
        }
    }
}

static void the_wrong_secret(void **state)
{
    size_t i;
    unsigned mode, user;

    (void)state;
    for (i = 0; i < COUNT(all); i++) {
        for (mode = 0; mode < 3; mode++) {
            for (user = RIG_PASSWORD; user <= RIG_NOBODY; user++) {
                rig *r = rig_new();

                set_mode(r, mode);
                r->user = mode == 2 && user == RIG_PASSWORD ? RIG_KEYS
                                                            : (rig_user)user;
                r->client_config.password = Z("pencik");
                if (!has_secret(all[i]) || (all[i] & RIG_TOKEN) != 0) {
                    r->user = RIG_NOBODY;
                }
                rig_run(r, all[i]);
                assert_int_equal(r->client_state, MK_SASL_FAILED);
                assert_int_equal(r->server_state, MK_SASL_FAILED);
                assert_int_equal(mk_sasl_why(r->server), MK_E_AUTH);
                assert_int_equal(mk_sasl_why(r->client), MK_E_AUTH);
                assert_int_equal(mk_sasl_authcid(r->server).len, 0);
                assert_int_equal(mk_sasl_authzid(r->server).len, 0);
                rig_free(r);
            }
        }
    }
}

/* The right password of a user that is not there helps nobody. */
static void nobody_and_later(void **state)
{
    size_t i;
    unsigned mode;

    (void)state;
    for (i = 0; i < COUNT(all); i++) {
        for (mode = 0; mode < 3; mode++) {
            rig *r = rig_new();

            set_mode(r, mode);
            r->user = RIG_NOBODY;
            rig_run(r, all[i]);
            assert_int_equal(mk_sasl_why(r->server), MK_E_AUTH);
            r->user = RIG_LATER;
            rig_run(r, all[i]);
            assert_int_equal(r->server_state, MK_SASL_FAILED);
            assert_int_equal(mk_sasl_why(r->server), MK_E_AGAIN);
            rig_free(r);
        }
    }
}

static void names_of_all_sorts(void **state)
{
    static const char *const names[] = {
        "u",
        "a,b=c",
        "=2C=3D",
        ",=,=,",
        "a b  c",
        "\xC3\xA4\xC3\xB6",
        "\xF0\x9F\x93\xA7",
        "%{x}",
        "*)(uid=*",
        "' OR 1--",
        "\xC2\xA0",
    };
    size_t i, k;

    (void)state;
    for (i = 0; i < COUNT(all); i++) {
        for (k = 0; k < COUNT(names); k++) {
            rig *r = rig_new();
            bool is_bearer = all[i] == MK_SASL_OAUTHBEARER;
            bool has_authzid = all[i] == MK_SASL_PLAIN ||
                               all[i] == MK_SASL_EXTERNAL ||
                               (all[i] & RIG_SCRAM) != 0;

            r->client_config.authcid = mk_str_z(names[k]);
            r->client_config.authzid =
                is_bearer ? Z("") : mk_str_z(names[(k + 3) % COUNT(names)]);
            if (all[i] == MK_SASL_EXTERNAL) {
                r->client_config.authcid = Z("");
            }
            rig_run(r, all[i]);
            assert_good(r);
            assert_true(
                mk_str_is(mk_sasl_authzid(r->server),
                          has_authzid ? r->client_config.authzid : Z("")));
            rig_free(r);
        }
    }
}

static void the_longest_names(void **state)
{
    char longest[MK_SASL_NAME_MAX];
    size_t i;

    (void)state;
    memset(longest, 'x', sizeof longest);
    for (i = 0; i < COUNT(all); i++) {
        rig *r = rig_new();

        r->tls.exporter = Z("");
        r->server_tls.exporter = Z("");
        r->client_config.authcid = mk_str_of(longest, sizeof longest);
        r->client_config.authzid = r->client_config.authcid;
        if (all[i] == MK_SASL_EXTERNAL) {
            r->client_config.authcid = Z("");
        }
        if (all[i] == MK_SASL_OAUTHBEARER) {
            r->client_config.authzid = Z("");
        }
        rig_run(r, all[i]);
        assert_good(r);
        rig_free(r);
    }
}

static void assert_nothing_left(rig *r, mk_sasl_mechanism m)
{
    mk_str secrets[2] = {r->client_config.password, r->client_config.token};
    size_t k;

    rig_run(r, m);
    for (k = 0; k < 2; k++) {
        assert_false(rig_holds(r, 0, secrets[k]));
        assert_false(rig_holds(r, 1, secrets[k]));
    }
    if (r->user == RIG_KEYS && r->ask.kind == MK_SASL_ASK_KEYS &&
        m != MK_SASL_CRAM_MD5) {
        assert_false(
            rig_holds(r, 1, mk_str_of((char *)r->stored, sizeof r->stored)));
    }
}

/* Wiped when it is over, not only when it is closed; and all by close. */
static void secrets_are_wiped(void **state)
{
    size_t i, k;
    unsigned mode, user;

    (void)state;
    for (i = 0; i < COUNT(all); i++) {
        for (mode = 0; mode < 2; mode++) {
            for (user = RIG_PASSWORD; user <= RIG_LATER; user++) {
                rig *r = rig_new();

                set_mode(r, mode);
                r->user = (rig_user)user;
                r->password = "correct horse battery staple";
                r->client_config.password = mk_str_z(r->password);
                assert_nothing_left(r, all[i]);
                mk_sasl_close(r->client);
                mk_sasl_close(r->server);
                r->client = NULL;
                r->server = NULL;
                for (k = 0; k < mk_sasl_need(1024); k++) {
                    assert_int_equal(((char *)r->memory[0])[k], 0);
                    assert_int_equal(((char *)r->memory[1])[k], 0);
                }
                rig_free(r);
            }
        }
    }
}

/* The password is no longer there while a server derives keys of it. */
static void no_password_while_working(void **state)
{
    rig *r = rig_new();

    (void)state;
    r->server_config.asks_keys = true;
    r->server_config.slice_iterations = 100;
    r->user = RIG_KEYS;
    assert_int_equal(rig_open_server(r, MK_SASL_PLAIN), MK_OK);
    assert_int_equal(rig_give(r->server, Z("\0user\0pencil")), MK_SASL_ASK);
    assert_int_equal(mk_sasl_question(r->server)->kind, MK_SASL_ASK_KEYS);
    assert_int_equal(mk_sasl_question(r->server)->secret.len, 0);
    assert_true(rig_holds(r, 1, Z("pencil")));
    assert_int_equal(rig_answer(r), MK_OK);
    assert_int_equal(mk_sasl_next(r->server), MK_SASL_WORK);
    assert_false(rig_holds(r, 1, Z("pencil")));
    assert_int_equal(rig_move(r->server, &r->works[1]), MK_SASL_DONE);
    rig_free(r);
}

/* LOGIN with an initial response: one message less (RFC 4954 4). */
static void login_with_an_initial_response(void **state)
{
    rig *r = rig_new();
    unsigned told;

    (void)state;
    for (told = 0; told < 2; told++) {
        assert_int_equal(rig_open_server(r, MK_SASL_LOGIN), MK_OK);
        if (told > 0) {
            assert_int_equal(mk_sasl_next(r->server), MK_SASL_SEND);
            assert_true(mk_str_is(mk_sasl_message(r->server), Z("Username:")));
        }
        assert_int_equal(rig_give(r->server, Z("user")), MK_SASL_SEND);
        assert_true(mk_str_is(mk_sasl_message(r->server), Z("Password:")));
        assert_int_equal(mk_sasl_take(r->server, Z("x")), MK_E_STATE);
        assert_int_equal(mk_sasl_next(r->server), MK_SASL_TAKE);
        assert_int_equal(rig_give(r->server, Z("pencil")), MK_SASL_ASK);
        assert_true(mk_str_is(mk_sasl_question(r->server)->authcid, Z("user")));
        assert_true(
            mk_str_is(mk_sasl_question(r->server)->secret, Z("pencil")));
        assert_int_equal(mk_sasl_resolve(r->server, MK_ANSWER_YES, NULL),
                         MK_OK);
        assert_int_equal(mk_sasl_next(r->server), MK_SASL_DONE);
    }
    assert_int_equal(rig_open_server(r, MK_SASL_CRAM_MD5), MK_OK);
    assert_int_equal(rig_give(r->server, Z("user")), MK_SASL_FAILED);
    assert_int_equal(mk_sasl_why(r->server), MK_E_PROTOCOL);
    rig_free(r);
}

static void work_comes_in_slices(void **state)
{
    static const uint32_t slices[] = {1000, 2000, 4096, 1000000};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(slices); i++) {
        rig *r = rig_new();
        unsigned want = (unsigned)((4096 + slices[i] - 1) / slices[i]) - 1;

        r->client_config.slice_iterations = slices[i];
        r->server_config.slice_iterations = slices[i];
        rig_run(r, MK_SASL_SCRAM_SHA_256);
        assert_good(r);
        assert_int_equal(r->works[0], want);
        assert_int_equal(r->works[1], want);
        r->server_config.is_keys_only = true;
        r->user = RIG_KEYS;
        rig_run(r, MK_SASL_SCRAM_SHA_256);
        assert_good(r);
        assert_int_equal(r->works[1], 0);
        rig_free(r);
    }
}

static void each_binding_type(void **state)
{
    unsigned i;

    (void)state;
    for (i = 0; i < 2; i++) {
        rig *r = rig_new();
        mk_str name = i == 0 ? Z("p=tls-exporter,,n=user,")
                             : Z("p=tls-server-end-point,,n=user,");

        if (i == 1) {
            r->tls.exporter = Z("");
        }
        rig_run(r, MK_SASL_SCRAM_SHA_256_PLUS);
        assert_good(r);
        assert_true(mk_str_has_prefix_nocase(rig_heard(r, 1), name));
        rig_free(r);
    }
}

static void names_of_mechanisms(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(all); i++) {
        assert_int_equal(mk_sasl_find(mk_str_z(mk_sasl_name(all[i]))), all[i]);
    }
    assert_string_equal(mk_sasl_name(MK_SASL_NONE), "");
    assert_string_equal(mk_sasl_name(MK_SASL_ALL), "");
    assert_int_equal(mk_sasl_find(Z("plain")), MK_SASL_PLAIN);
    assert_int_equal(mk_sasl_find(Z("PLAI")), MK_SASL_NONE);
    assert_int_equal(mk_sasl_find(Z("")), MK_SASL_NONE);
    assert_int_equal(mk_sasl_parse(Z("")), 0);
    assert_int_equal(mk_sasl_parse(Z("  LOGIN  X plain Cram-md5 ")),
                     MK_SASL_LOGIN | MK_SASL_PLAIN | MK_SASL_CRAM_MD5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_right_secret),
        cmocka_unit_test(the_wrong_secret),
        cmocka_unit_test(nobody_and_later),
        cmocka_unit_test(names_of_all_sorts),
        cmocka_unit_test(the_longest_names),
        cmocka_unit_test(secrets_are_wiped),
        cmocka_unit_test(no_password_while_working),
        cmocka_unit_test(login_with_an_initial_response),
        cmocka_unit_test(work_comes_in_slices),
        cmocka_unit_test(each_binding_type),
        cmocka_unit_test(names_of_mechanisms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

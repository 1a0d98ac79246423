/* SPDX-License-Identifier: MIT
 *
 * test_keys.c: stored keys: made as in RFC 5802 3, written, read in both
 * forms, and what is refused; mk_sasl_answer without an engine that asks.
 */
#include "rig.h"

#include "wire/engine.h"

#define STORED "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
#define SERVER "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

/* of RFC 7677 3, with the keys that PostgreSQL would store for them */
static const char ours[] = "4096$W22ZaJ0SNY7soEsUEjb6gQ==$" STORED "$" SERVER;
static const char others[] = "4096:W22ZaJ0SNY7soEsUEjb6gQ==$" STORED ":" SERVER;

static void made_as_in_the_rfc(void **state)
{
    unsigned char salt[16], stored[32], server[32];
    mk_sasl_keys keys = {0};
    char text[MK_SASL_KEYS_TEXT_MAX];
    mk_buf b;

    (void)state;
    mk_buf_init(&b, salt, sizeof salt);
    assert_int_equal(mk_base64_parse(Z("W22ZaJ0SNY7soEsUEjb6gQ=="), &b), MK_OK);
    keys.salt = mk_buf_str(&b);
    keys.iterations = 4096;
    assert_int_equal(mk_sasl_keys_make(mk_crypto_mbedtls(), MK_HASH_SHA256,
                                       Z("pencil"), keys.salt, 4096, stored,
                                       server),
                     MK_OK);
    keys.stored_key = mk_str_of((char *)stored, 32);
    keys.server_key = mk_str_of((char *)server, 32);
    mk_buf_init(&b, text, sizeof text);
    assert_int_equal(mk_sasl_keys_format(&keys, &b), MK_OK);
    assert_int_equal(b.len, sizeof ours - 1);
    assert_memory_equal(text, ours, b.len);
}

static void read_in_both_forms(void **state)
{
    const char *const forms[] = {ours, others};
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        char mem[256], text[MK_SASL_KEYS_TEXT_MAX];
        mk_sasl_keys keys;
        mk_buf b;

        assert_int_equal(mk_sasl_keys_parse(mk_str_z(forms[i]), MK_HASH_SHA256,
                                            mem, sizeof mem, &keys),
                         MK_OK);
        assert_int_equal(keys.iterations, 4096);
        assert_int_equal(keys.salt.len, 16);
        assert_int_equal(keys.password.len, 0);
        mk_buf_init(&b, text, sizeof text);
        assert_int_equal(mk_sasl_keys_format(&keys, &b), MK_OK);
        assert_true(mk_str_is(mk_buf_str(&b), mk_str_z(ours)));
        assert_int_equal(mk_sasl_keys_parse(mk_str_z(forms[i]), MK_HASH_SHA256,
                                            mem, 79, &keys),
                         MK_E_ROOM);
        assert_int_equal(mk_sasl_keys_parse(mk_str_z(forms[i]), MK_HASH_SHA256,
                                            mem, 80, &keys),
                         MK_OK);
        assert_int_equal(mk_sasl_keys_parse(mk_str_z(forms[i]), MK_HASH_SHA1,
                                            mem, sizeof mem, &keys),
                         MK_E_SYNTAX);
    }
}

static void refused(void **state)
{
    static const struct {
        const char *text;
        mk_err want;
    } rows[] = {
        {"", MK_E_SYNTAX},
        {"4096", MK_E_SYNTAX},
        {"$$$", MK_E_SYNTAX},
        {"4095$W22Z$" STORED "$" SERVER, MK_E_LIMIT},
        {"1000001$W22Z$" STORED "$" SERVER, MK_E_LIMIT},
        {"99999999999999999999999$W22Z$" STORED "$" SERVER, MK_E_LIMIT},
        {"04096$W22Z$" STORED "$" SERVER, MK_E_SYNTAX},
        {"+4096$W22Z$" STORED "$" SERVER, MK_E_SYNTAX},
        {"4096$$" STORED "$" SERVER, MK_E_SYNTAX},
        {"4096$W22Z$$" SERVER, MK_E_SYNTAX},
        {"4096$W22Z$" STORED "$", MK_E_SYNTAX},
        {"4096$W22Z$" STORED, MK_E_SYNTAX},
        {"4096$W22Z$" STORED "$W22Z", MK_E_SYNTAX},
        {"4096$W22Z$W22Z$" SERVER, MK_E_SYNTAX},
        {"4096$W22Z$" STORED "$" SERVER "$", MK_E_SYNTAX},
        {"4096$W22Z$" STORED "$" SERVER " ", MK_E_SYNTAX},
        {"4096$W2Z$" STORED "$" SERVER, MK_E_SYNTAX},
        {"4096:W22Z$" STORED "$" SERVER, MK_E_SYNTAX},
        {"4096$W22Z$" STORED ":" SERVER, MK_E_SYNTAX},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        char mem[256];
        mk_sasl_keys keys = {.iterations = 7};

        assert_int_equal(mk_sasl_keys_parse(mk_str_z(rows[i].text),
                                            MK_HASH_SHA256, mem, sizeof mem,
                                            &keys),
                         rows[i].want);
        assert_int_equal(keys.iterations, 7);
    }
    assert_int_equal(
        mk_sasl_keys_parse(mk_str_z(ours), MK_HASH_MD5, NULL, 0, NULL),
        MK_E_SYNTAX);
}

static void arguments_of_make_and_format(void **state)
{
    static const char octets[256];
    const mk_crypto *c = mk_crypto_mbedtls();
    unsigned char a[32], b[32];
    char text[MK_SASL_KEYS_TEXT_MAX];
    mk_sasl_keys keys = {0};
    mk_str s = mk_str_of(octets, 16);
    mk_str p = Z("pencil");
    mk_buf out;

    (void)state;
#define MAKE(hash, p, s, i) mk_sasl_keys_make(c, hash, p, s, i, a, b)
    assert_int_equal(MAKE(MK_HASH_SHA1, p, s, 4096), MK_OK);
    assert_int_equal(MAKE(MK_HASH_MD5, p, s, 4096), MK_E_ARG);
    assert_int_equal(MAKE(MK_HASH_SHA512, p, s, 4096), MK_E_ARG);
    assert_int_equal(MAKE(MK_HASH_SHA1, Z(""), s, 4096), MK_E_ARG);
    assert_int_equal(MAKE(MK_HASH_SHA1, mk_str_of(octets, 256), s, 4096),
                     MK_E_ARG);
    assert_int_equal(MAKE(MK_HASH_SHA1, p, Z(""), 4096), MK_E_ARG);
    assert_int_equal(MAKE(MK_HASH_SHA1, p, mk_str_of(octets, 129), 4096),
                     MK_E_ARG);
    assert_int_equal(MAKE(MK_HASH_SHA1, p, s, 4095), MK_E_ARG);
    assert_int_equal(MAKE(MK_HASH_SHA1, p, s, 1000001), MK_E_ARG);
    c = NULL;
    assert_int_equal(MAKE(MK_HASH_SHA1, p, s, 4096), MK_E_ARG);
#undef MAKE
    mk_buf_init(&out, text, sizeof text);
    assert_int_equal(mk_sasl_keys_format(&keys, &out), MK_E_ARG);
    keys.iterations = 1000000;
    keys.salt = mk_str_of(octets, 128);
    keys.stored_key = mk_str_of(octets, 32);
    keys.server_key = mk_str_of(octets, 20);
    assert_int_equal(mk_sasl_keys_format(&keys, &out), MK_E_ARG);
    keys.server_key.len = 32;
    assert_int_equal(mk_sasl_keys_format(&keys, &out), MK_OK);
    assert_int_equal(
        mk_sasl_keys_parse(mk_buf_str(&out), MK_HASH_SHA256, text, 0, &keys),
        MK_E_ROOM);
    mk_buf_init(&out, text, 80);
    assert_int_equal(mk_sasl_keys_format(&keys, &out), MK_E_ROOM);
    assert_int_equal(out.len, 0);
}

/* A password user and keys of it log in alike: what was stored is right. */
static void stored_keys_of_either_hash_check_a_password(void **state)
{
    static const char salt[] = "sixteen octets..";
    static const mk_hash hashes[] = {MK_HASH_SHA1, MK_HASH_SHA256};
    size_t i;
    unsigned wrong;

    (void)state;
    for (i = 0; i < 2; i++) {
        for (wrong = 0; wrong < 2; wrong++) {
            size_t n = mk_hash_size(hashes[i]);
            unsigned char stored[32], server[32];
            mk_sasl_keys keys = {0};
            rig *r = rig_new();

            r->server_config.asks_keys = true;
            keys.salt = Z(salt);
            keys.iterations = 5000;
            keys.stored_key = mk_str_of((char *)stored, n);
            keys.server_key = mk_str_of((char *)server, n);
            assert_int_equal(mk_sasl_keys_make(mk_crypto_mbedtls(), hashes[i],
                                               Z("pencil"), keys.salt, 5000,
                                               stored, server),
                             MK_OK);
            assert_int_equal(rig_open_server(r, MK_SASL_PLAIN), MK_OK);
            assert_int_equal(rig_give(r->server, wrong == 1
                                                     ? Z("\0user\0pencim")
                                                     : Z("\0user\0pencil")),
                             MK_SASL_ASK);
            assert_int_equal(mk_sasl_resolve(r->server, MK_ANSWER_YES, &keys),
                             MK_OK);
            assert_int_equal(rig_move(r->server, &r->works[1]),
                             wrong == 1 ? MK_SASL_FAILED : MK_SASL_DONE);
            rig_free(r);
        }
    }
}

static mk_err record(mk_engine *e, mk_op op, mk_answer answer,
                     const struct mk_sasl_keys *keys)
{
    (void)e;
    return op == 7 && answer == MK_ANSWER_YES && keys == NULL ? MK_OK
                                                              : MK_E_STALE;
}

static void answers_reach_the_engine(void **state)
{
    static const mk_engine_ops ops = {.sasl_answer = record};
    static const mk_engine_ops without = {0};
    mk_engine e = {&ops};
    mk_engine deaf = {&without};

    (void)state;
    assert_int_equal(mk_sasl_answer(&e, 7, MK_ANSWER_YES, NULL), MK_OK);
    assert_int_equal(mk_sasl_answer(&e, 8, MK_ANSWER_YES, NULL), MK_E_STALE);
    assert_int_equal(mk_sasl_answer(&e, 7, (mk_answer)3, NULL), MK_E_ARG);
    assert_int_equal(mk_sasl_answer(&deaf, 7, MK_ANSWER_YES, NULL), MK_E_STALE);
    assert_int_equal(mk_sasl_answer(NULL, 7, MK_ANSWER_YES, NULL), MK_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_as_in_the_rfc),
        cmocka_unit_test(read_in_both_forms),
        cmocka_unit_test(refused),
        cmocka_unit_test(arguments_of_make_and_format),
        cmocka_unit_test(stored_keys_of_either_hash_check_a_password),
        cmocka_unit_test(answers_reach_the_engine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

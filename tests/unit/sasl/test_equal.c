/* SPDX-License-Identifier: MIT
 *
 * test_equal.c: who is not known cannot be told from who gave a wrong password
 * (THREATS 50): the same messages, the same number of steps, the same number
 * of hashes of each kind. test_poison.c looks at branches.
 */
#include "rig.h"

typedef struct work {
    unsigned begun, ended, copied;
} work;

static work counted;

static mk_err count_init(mk_hash_context *c, mk_hash hash)
{
    counted.begun++;
    return mk_crypto_mbedtls()->hash_init(c, hash);
}

static mk_err count_finish(mk_hash_context *c, unsigned char *out_value)
{
    counted.ended++;
    return mk_crypto_mbedtls()->hash_finish(c, out_value);
}

static void count_copy(mk_hash_context *out_copy, const mk_hash_context *c)
{
    counted.copied++;
    mk_crypto_mbedtls()->hash_copy(out_copy, c);
}

static const mk_sasl_mechanism mechanisms[] = {MK_SASL_PLAIN,
                                               MK_SASL_LOGIN,
                                               MK_SASL_CRAM_MD5,
                                               MK_SASL_SCRAM_SHA_1,
                                               MK_SASL_SCRAM_SHA_256,
                                               MK_SASL_SCRAM_SHA_1_PLUS,
                                               MK_SASL_SCRAM_SHA_256_PLUS};

/* A wrong password is given; what differs is what the server knows. */
static rig *lose(mk_sasl_mechanism m, unsigned mode, rig_user user,
                 work *out_work)
{
    mk_crypto counting = *mk_crypto_mbedtls();
    rig *r = rig_new();

    counting.hash_init = count_init;
    counting.hash_finish = count_finish;
    counting.hash_copy = count_copy;
    r->server_config.crypto = &counting;
    r->server_config.asks_keys = mode == 1;
    r->server_config.is_keys_only = mode == 2;
    r->server_config.slice_iterations = 500;
    r->client_config.password = Z("pencik");
    r->user = user;
    memset(&counted, 0, sizeof counted);
    rig_run(r, m);
    *out_work = counted;
    assert_int_equal(r->server_state, MK_SASL_FAILED);
    assert_int_equal(mk_sasl_why(r->server), MK_E_AUTH);
    mk_sasl_close(r->server);
    r->server = NULL;
    return r;
}

/* is_same: octet for octet; else of the same length, since a salt differs */
static void assert_alike(const rig *a, const rig *b, bool is_same)
{
    unsigned i;

    assert_int_equal(a->said_count, b->said_count);
    assert_int_equal(a->works[1], b->works[1]);
    for (i = 0; i < a->said_count; i++) {
        const rig_said *x = &a->said[i];
        const rig_said *y = &b->said[i];

        assert_int_equal(x->len, y->len);
        assert_int_equal(x->is_client, y->is_client);
        if (is_same) {
            assert_memory_equal(x->octets, y->octets, x->len);
        }
    }
}

static void compare(mk_sasl_mechanism m, unsigned mode, rig_user known)
{
    work of_known, of_nobody;
    rig *a = lose(m, mode, known, &of_known);
    rig *b = lose(m, mode, RIG_NOBODY, &of_nobody);

    assert_alike(a, b, known == RIG_PASSWORD);
    assert_memory_equal(&of_known, &of_nobody, sizeof of_known);
    if (m == MK_SASL_CRAM_MD5 || (m & RIG_SCRAM) != 0 || mode == 1) {
        assert_true(of_known.ended > 0);
    }
    rig_free(a);
    rig_free(b);
}

static void sec_050_same_messages_and_work(void **state)
{
    size_t i;
    unsigned mode;

    (void)state;
    for (i = 0; i < COUNT(mechanisms); i++) {
        for (mode = 0; mode < 3; mode++) {
            if (mode != 2) {
                compare(mechanisms[i], mode, RIG_PASSWORD);
            }
            if (mechanisms[i] != MK_SASL_CRAM_MD5) {
                compare(mechanisms[i], mode, RIG_KEYS);
            }
        }
    }
}

/* A wrong password costs the same, whatever of it is right. */
static void sec_050_a_right_prefix_costs_the_same(void **state)
{
    static const char *const passwords[] = {"qencil", "pencik", "p",
                                            "pencilpencil"};
    work first = {0};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(passwords); i++) {
        mk_crypto counting = *mk_crypto_mbedtls();
        rig *r = rig_new();

        counting.hash_init = count_init;
        counting.hash_finish = count_finish;
        counting.hash_copy = count_copy;
        r->server_config.crypto = &counting;
        r->server_config.asks_keys = true;
        r->client_config.password = mk_str_z(passwords[i]);
        memset(&counted, 0, sizeof counted);
        rig_run(r, MK_SASL_PLAIN);
        assert_int_equal(mk_sasl_why(r->server), MK_E_AUTH);
        if (i == 0) {
            first = counted;
        }
        assert_memory_equal(&first, &counted, sizeof first);
        rig_free(r);
    }
}

static mk_str salt_of(rig *r, const char *name, char *room)
{
    const char *at;

    r->user = RIG_NOBODY;
    r->server_config.is_keys_only = true;
    r->client_config.authcid = mk_str_z(name);
    rig_run(r, MK_SASL_SCRAM_SHA_256);
    r->said[1].octets[r->said[1].len] = 0;
    at = strstr(r->said[1].octets, ",s=");
    assert_non_null(at);
    memcpy(room, at, 27);
    return mk_str_of(room, 27);
}

/* Nobody's salt is the same each time, another for each name, and cannot be
 * told without the pepper. */
static void sec_050_the_salt_of_nobody(void **state)
{
    char rooms[4][32];
    mk_str salts[4];
    rig *r = rig_new();

    (void)state;
    salts[0] = salt_of(r, "nobody", rooms[0]);
    salts[1] = salt_of(r, "nobody", rooms[1]);
    salts[2] = salt_of(r, "nobodz", rooms[2]);
    r->server_config.pepper = Z("SIXTEEN OCTETS..");
    salts[3] = salt_of(r, "nobody", rooms[3]);
    assert_true(mk_str_is(salts[0], salts[1]));
    assert_false(mk_str_is(salts[0], salts[2]));
    assert_false(mk_str_is(salts[0], salts[3]));
    assert_int_equal(rooms[0][26], '=');
    rig_free(r);
}

/* The verdict does not depend on luck: keys of zeros, as nobody has, match no
 * proof, and an empty password no user. */
static void sec_050_nobody_never_gets_in(void **state)
{
    size_t i;
    unsigned mode;

    (void)state;
    for (i = 0; i < COUNT(mechanisms); i++) {
        for (mode = 0; mode < 3; mode++) {
            rig *r = rig_new();

            r->server_config.asks_keys = mode == 1;
            r->server_config.is_keys_only = mode == 2;
            r->user = RIG_NOBODY;
            rig_run(r, mechanisms[i]);
            assert_int_equal(r->server_state, MK_SASL_FAILED);
            rig_free(r);
        }
    }
}

/* Nor does who knows what stands in for a password: the salt. */
static void sec_050_the_stand_in_opens_nothing(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(mechanisms); i++) {
        rig *r = rig_new();
        unsigned char salt[32];

        assert_int_equal(mk_hmac_once(mk_crypto_mbedtls(), MK_HASH_SHA256,
                                      r->server_config.pepper, Z("user"), salt),
                         MK_OK);
        r->server_config.asks_keys = true;
        r->user = RIG_NOBODY;
        r->client_config.password = mk_str_of((const char *)salt, 16);
        rig_run(r, mechanisms[i]);
        assert_int_equal(r->said_count, (mechanisms[i] & RIG_SCRAM) != 0 ? 3
                                        : mechanisms[i] == MK_SASL_LOGIN ? 4
                                        : mechanisms[i] == MK_SASL_PLAIN ? 1
                                                                         : 2);
        assert_int_equal(mk_sasl_why(r->server), MK_E_AUTH);
        rig_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_050_same_messages_and_work),
        cmocka_unit_test(sec_050_a_right_prefix_costs_the_same),
        cmocka_unit_test(sec_050_the_salt_of_nobody),
        cmocka_unit_test(sec_050_nobody_never_gets_in),
        cmocka_unit_test(sec_050_the_stand_in_opens_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

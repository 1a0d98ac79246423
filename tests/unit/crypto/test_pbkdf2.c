/* SPDX-License-Identifier: MIT
 *
 * test_pbkdf2.c: PBKDF2 by RFC 6070 (SHA-1, but for the case of 16777216
 * iterations, which is a benchmark) and RFC 7914 §11 (SHA-256), and further
 * lengths checked with another implementation; in slices of many sizes, and
 * with a filling that fails at every call.
 */
#include "failing.h"

#define S(lit) MK_STR_INIT(lit)

typedef struct row {
    mk_hash hash;
    mk_str password, salt;
    uint32_t iterations;
    size_t key_len;
    const char *hex;
} row;

static const row rows[] = {
    {MK_HASH_SHA1, S("password"), S("salt"), 1, 20,
     "0c60c80f961f0e71f3a9b524af6012062fe037a6"},
    {MK_HASH_SHA1, S("password"), S("salt"), 2, 20,
     "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"},
    {MK_HASH_SHA1, S("password"), S("salt"), 4096, 20,
     "4b007901b765489abead49d926f721d065a429c1"},
    {MK_HASH_SHA1, S("passwordPASSWORDpassword"),
     S("saltSALTsaltSALTsaltSALTsaltSALTsalt"), 4096, 25,
     "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"},
    {MK_HASH_SHA1, S("pass\0word"), S("sa\0lt"), 4096, 16,
     "56fa6aa75548099dcc37d7f03425e0c3"},
    {MK_HASH_SHA256, S("passwd"), S("salt"), 1, 64,
     "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
     "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"},
    {MK_HASH_SHA512, S("password"), S("salt"), 1, 100,
     "867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252"
     "c02d470a285a0501bad999bfe943c08f050235d7d68b1da55e63f73b60a57fce"
     "7b532e206c2967d4c7d2ffa460539fc4d4e5eec70125d74c6c7cf86d25284f29"
     "7907fcea"},
    {MK_HASH_MD5, S("password"), S("salt"), 3, 40,
     "f6acd4bda3e4d3d831a5f61da9ca9d5c3877566e979f4928778d81be4f2e9433"
     "a31043bbf3945c35"},
};

/* Derive in slices; returns how many it took. */
static size_t derive(const row *r, uint32_t budget, unsigned char *out_key)
{
    mk_pbkdf2 p;
    size_t slices = 0;
    mk_err err;

    assert_int_equal(mk_pbkdf2_init(&p, mk_crypto_mbedtls(), r->hash,
                                    r->password, r->salt, r->iterations,
                                    out_key, r->key_len),
                     MK_OK);
    do {
        err = mk_pbkdf2_step(&p, budget);
        slices++;
    } while (err == MK_WAIT);
    assert_int_equal(err, MK_OK);
    assert_int_equal(mk_pbkdf2_step(&p, budget), MK_OK);
    mk_pbkdf2_fini(&p);
    assert_int_equal(mk_pbkdf2_step(&p, budget), MK_E_STATE);
    return slices;
}

static void known_answers_in_slices(void **state)
{
    static const uint32_t budgets[] = {UINT32_MAX, 1, 7, 4096};
    size_t i, k;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        for (k = 0; k < COUNT(budgets); k++) {
            size_t size = mk_hash_size(rows[i].hash);
            uint64_t work = (uint64_t)((rows[i].key_len + size - 1) / size) *
                            rows[i].iterations;
            unsigned char key[100];
            size_t slices = derive(&rows[i], budgets[k], key);

            assert_hex(key, rows[i].key_len, rows[i].hex);
            assert_true(slices == (work + budgets[k] - 1) / budgets[k]);
        }
    }
}

static void arguments_are_checked(void **state)
{
    const mk_crypto *crypto = mk_crypto_mbedtls();
    mk_str empty = mk_str_of(NULL, 0);
    unsigned char key[20];
    mk_pbkdf2 p;

    (void)state;
    assert_int_equal(
        mk_pbkdf2_init(&p, crypto, MK_HASH_SHA1, empty, empty, 0, key, 20),
        MK_E_ARG);
    assert_int_equal(
        mk_pbkdf2_init(&p, crypto, MK_HASH_SHA1, empty, empty, 1, key, 0),
        MK_E_ARG);
    assert_int_equal(
        mk_pbkdf2_init(&p, crypto, MK_HASH_SHA1, empty, empty, 1, key, 65537),
        MK_E_ARG);
    assert_int_equal(
        mk_pbkdf2_init(&p, crypto, (mk_hash)9, empty, empty, 1, key, 20),
        MK_E_UNSUPPORTED);
    assert_int_equal(
        mk_pbkdf2_init(&p, crypto, MK_HASH_SHA1, empty, empty, 1, key, 20),
        MK_OK);
    assert_int_equal(mk_pbkdf2_step(&p, 0), MK_E_ARG);
    assert_int_equal(mk_pbkdf2_step(&p, 1), MK_OK);
    mk_pbkdf2_fini(&p);
    assert_hex(key, 20, "1e437a1c79d75be61e91141dae20affc4892cc99");
}

static void the_longest_key_is_taken(void **state)
{
    unsigned char *key = malloc(65536);
    mk_pbkdf2 p;

    (void)state;
    assert_non_null(key);
    assert_int_equal(mk_pbkdf2_init(&p, mk_crypto_mbedtls(), MK_HASH_SHA512,
                                    mk_str_z("a"), mk_str_z("b"), 1, key,
                                    65536),
                     MK_OK);
    assert_int_equal(mk_pbkdf2_step(&p, 1023), MK_WAIT);
    assert_int_equal(mk_pbkdf2_step(&p, 1), MK_OK);
    mk_pbkdf2_fini(&p);
    free(key);
}

static void an_unfinished_key_is_wiped(void **state)
{
    static const unsigned char zeros[sizeof(mk_pbkdf2)];
    unsigned char key[40];
    mk_pbkdf2 p;

    (void)state;
    memset(key, 7, sizeof key);
    assert_int_equal(mk_pbkdf2_init(&p, mk_crypto_mbedtls(), MK_HASH_SHA1,
                                    mk_str_z("a"), mk_str_z("b"), 2, key, 40),
                     MK_OK);
    assert_int_equal(mk_pbkdf2_step(&p, 3), MK_WAIT);
    assert_true(key[0] != 7 || key[1] != 7);
    mk_pbkdf2_fini(&p);
    assert_memory_equal(key, zeros, sizeof key);
    assert_memory_equal(&p, zeros, sizeof p);
}

static void every_call_fails_in_turn(void **state)
{
    static const unsigned char zeros[40];
    unsigned char key[40];
    int n = 0, fails = 0;
    mk_err err;

    (void)state;
    do {
        mk_pbkdf2 p;

        n++;
        failing_calls = n;
        memset(key, 7, sizeof key);
        err = mk_pbkdf2_init(&p, &failing_table, MK_HASH_SHA1, mk_str_z("a"),
                             mk_str_z("b"), 2, key, sizeof key);
        if (err == MK_OK) {
            err = mk_pbkdf2_step(&p, 99);
            if (err != MK_OK) {
                assert_memory_equal(key, zeros, sizeof key);
                assert_int_equal(mk_pbkdf2_step(&p, 99), MK_E_STATE);
            }
            mk_pbkdf2_fini(&p);
        } else {
            assert_int_equal(key[0], 7);
        }
        fails += err == MK_E_CRYPTO ? 1 : 0;
        assert_int_equal(failing_opened, 0);
    } while (err != MK_OK);
    assert_int_equal(fails, n - 1);
    assert_true(n > 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers_in_slices),
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(the_longest_key_is_taken),
        cmocka_unit_test(an_unfinished_key_is_wiped),
        cmocka_unit_test(every_call_fails_in_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

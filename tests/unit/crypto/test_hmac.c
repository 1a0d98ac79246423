/* SPDX-License-Identifier: MIT
 *
 * test_hmac.c: HMAC by the test cases of RFC 2202 (MD5, SHA-1) and RFC 4231
 * (SHA-256, SHA-512), whole and octet by octet, and with a filling that
 * fails at every call.
 */
#include "failing.h"

/* A key or data is either text or one octet many times. */
typedef struct part {
    const char *text;
    unsigned char octet;
    size_t count;
} part;

typedef struct row {
    mk_hash hash;
    part key, data;
    const char *hex;
} row;

#define HI                                                                     \
    {                                                                          \
        "Hi There", 0, 8                                                       \
    }
#define WANT                                                                   \
    {                                                                          \
        "what do ya want for nothing?", 0, 28                                  \
    }
#define KEY_25                                                                 \
    {                                                                          \
        "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24\25\26\27\30"    \
        "\31",                                                                 \
            0, 25                                                              \
    }
#define LONG_KEY                                                               \
    {                                                                          \
        "Test Using Larger Than Block-Size Key - Hash Key First", 0, 54        \
    }
#define LONG_BOTH                                                              \
    {                                                                          \
        "Test Using Larger Than Block-Size Key and Larger Than One "           \
        "Block-Size "                                                          \
        "Data",                                                                \
            0, 73                                                              \
    }
#define LONGER_BOTH                                                            \
    {                                                                          \
        "This is a test using a larger than block-size key and a larger than " \
        "block-size data. The key needs to be hashed before being used by "    \
        "the "                                                                 \
        "HMAC algorithm.",                                                     \
            0, 152                                                             \
    }

static const row rows[] = {
    {MK_HASH_MD5, {NULL, 0x0b, 16}, HI, "9294727a3638bb1c13f48ef8158bfc9d"},
    {MK_HASH_MD5, {"Jefe", 0, 4}, WANT, "750c783e6ab0b503eaa86e310a5db738"},
    {MK_HASH_MD5,
     {NULL, 0xaa, 16},
     {NULL, 0xdd, 50},
     "56be34521d144c88dbb8c733f0e8b3f6"},
    {MK_HASH_MD5, KEY_25, {NULL, 0xcd, 50}, "697eaf0aca3a3aea3a75164746ffaa79"},
    {MK_HASH_MD5,
     {NULL, 0xaa, 80},
     LONG_KEY,
     "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"},
    {MK_HASH_MD5,
     {NULL, 0xaa, 80},
     LONG_BOTH,
     "6f630fad67cda0ee1fb1f562db3aa53e"},
    {MK_HASH_SHA1,
     {NULL, 0x0b, 20},
     HI,
     "b617318655057264e28bc0b6fb378c8ef146be00"},
    {MK_HASH_SHA1,
     {"Jefe", 0, 4},
     WANT,
     "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
    {MK_HASH_SHA1,
     {NULL, 0xaa, 20},
     {NULL, 0xdd, 50},
     "125d7342b9ac11cd91a39af48aa17b4f63f175d3"},
    {MK_HASH_SHA1,
     KEY_25,
     {NULL, 0xcd, 50},
     "4c9007f4026250c6bc8414f9bf50c86c2d7235da"},
    {MK_HASH_SHA1,
     {NULL, 0xaa, 80},
     LONG_KEY,
     "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
    {MK_HASH_SHA1,
     {NULL, 0xaa, 80},
     LONG_BOTH,
     "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"},
    {MK_HASH_SHA256,
     {NULL, 0x0b, 20},
     HI,
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {MK_HASH_SHA256,
     {"Jefe", 0, 4},
     WANT,
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {MK_HASH_SHA256,
     {NULL, 0xaa, 20},
     {NULL, 0xdd, 50},
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {MK_HASH_SHA256,
     KEY_25,
     {NULL, 0xcd, 50},
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {MK_HASH_SHA256,
     {NULL, 0xaa, 131},
     LONG_KEY,
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {MK_HASH_SHA256,
     {NULL, 0xaa, 131},
     LONGER_BOTH,
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    {MK_HASH_SHA512,
     {NULL, 0x0b, 20},
     HI,
     "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
     "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
    {MK_HASH_SHA512,
     {"Jefe", 0, 4},
     WANT,
     "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
     "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
    {MK_HASH_SHA512,
     {NULL, 0xaa, 20},
     {NULL, 0xdd, 50},
     "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
     "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb"},
    {MK_HASH_SHA512,
     KEY_25,
     {NULL, 0xcd, 50},
     "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
     "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"},
    {MK_HASH_SHA512,
     {NULL, 0xaa, 131},
     LONG_KEY,
     "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
     "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"},
    {MK_HASH_SHA512,
     {NULL, 0xaa, 131},
     LONGER_BOTH,
     "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
     "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58"},
};

static mk_str fill_part(const part *p, char *mem)
{
    if (p->text != NULL) {
        return mk_str_of(p->text, p->count);
    }
    memset(mem, p->octet, p->count);
    return mk_str_of(mem, p->count);
}

static void known_answers(void **state)
{
    const mk_crypto *crypto = mk_crypto_mbedtls();
    size_t i, k;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        char key_mem[160], data_mem[160];
        mk_str key = fill_part(&rows[i].key, key_mem);
        mk_str data = fill_part(&rows[i].data, data_mem);
        unsigned char value[MK_HASH_SIZE_MAX];
        size_t n = mk_hash_size(rows[i].hash);
        mk_hmac h;

        assert_int_equal(mk_hmac_once(crypto, rows[i].hash, key, data, value),
                         MK_OK);
        assert_hex(value, n, rows[i].hex);
        memset(value, 0, sizeof value);
        assert_int_equal(mk_hmac_init(&h, crypto, rows[i].hash, key), MK_OK);
        for (k = 0; k < data.len; k++) {
            assert_int_equal(mk_hmac_update(&h, mk_str_sub(data, k, 1)), MK_OK);
        }
        assert_int_equal(mk_hmac_finish(&h, value), MK_OK);
        mk_hmac_fini(&h);
        assert_hex(value, n, rows[i].hex);
    }
}

/* RFC 2195 §2: the example of CRAM-MD5. */
static void the_example_of_cram_md5(void **state)
{
    mk_str key = MK_STR_INIT("tanstaaftanstaaf");
    mk_str data = MK_STR_INIT("<1896.697170952@postoffice.reston.mci.net>");
    unsigned char value[MK_HASH_SIZE_MAX];

    (void)state;
    assert_int_equal(
        mk_hmac_once(mk_crypto_mbedtls(), MK_HASH_MD5, key, data, value),
        MK_OK);
    assert_hex(value, 16, "b913a602c7eda7a495b4e6e7334d3890");
}

static void a_key_of_nothing_and_of_one_block(void **state)
{
    char key[65];
    unsigned char a[32], b[32], shortened[32];

    (void)state;
    assert_int_equal(mk_hmac_once(mk_crypto_mbedtls(), MK_HASH_SHA256,
                                  mk_str_of(NULL, 0), mk_str_z(""), a),
                     MK_OK);
    assert_hex(a, 32,
               "b613679a0814d9ec772f95d778c35fc5"
               "ff1697c493715653c6c712144292c5ad");
    /* 64 octets are taken as they are, 65 are hashed first. */
    memset(key, 'k', sizeof key);
    assert_int_equal(mk_hmac_once(mk_crypto_mbedtls(), MK_HASH_SHA256,
                                  mk_str_of(key, 65), mk_str_z("x"), a),
                     MK_OK);
    assert_int_equal(mk_hash_once(mk_crypto_mbedtls(), MK_HASH_SHA256,
                                  mk_str_of(key, 65), shortened),
                     MK_OK);
    assert_int_equal(mk_hmac_once(mk_crypto_mbedtls(), MK_HASH_SHA256,
                                  mk_str_of((const char *)shortened, 32),
                                  mk_str_z("x"), b),
                     MK_OK);
    assert_memory_equal(a, b, 32);
    assert_int_equal(mk_hmac_once(mk_crypto_mbedtls(), MK_HASH_SHA256,
                                  mk_str_of(key, 64), mk_str_z("x"), a),
                     MK_OK);
    assert_int_equal(mk_hash_once(mk_crypto_mbedtls(), MK_HASH_SHA256,
                                  mk_str_of(key, 64), shortened),
                     MK_OK);
    assert_int_equal(mk_hmac_once(mk_crypto_mbedtls(), MK_HASH_SHA256,
                                  mk_str_of((const char *)shortened, 32),
                                  mk_str_z("x"), b),
                     MK_OK);
    assert_memory_not_equal(a, b, 32);
}

static void an_unknown_hash_is_refused(void **state)
{
    mk_hmac h;

    (void)state;
    assert_int_equal(
        mk_hmac_init(&h, mk_crypto_mbedtls(), (mk_hash)9, mk_str_z("k")),
        MK_E_UNSUPPORTED);
}

static void every_call_fails_in_turn(void **state)
{
    char key[100];
    int n = 0;
    mk_err err;

    (void)state;
    memset(key, 'k', sizeof key);
    do {
        unsigned char value[MK_HASH_SIZE_MAX] = {7};

        n++;
        failing_calls = n;
        err = mk_hmac_once(&failing_table, MK_HASH_SHA1,
                           mk_str_of(key, sizeof key), mk_str_z("data"), value);
        assert_true(err == MK_OK || err == MK_E_CRYPTO);
        assert_int_equal(value[0] == 7, err != MK_OK);
        assert_int_equal(failing_opened, 0);
    } while (err != MK_OK);
    /* Hash the key 3, absorb it 4, data 1, finish 3: the 12th is none. */
    assert_int_equal(n, 12);
}

static void a_hmac_is_wiped(void **state)
{
    static const unsigned char zeros[sizeof(mk_hmac)];
    mk_hmac h;

    (void)state;
    assert_int_equal(mk_hmac_init(&h, mk_crypto_mbedtls(), MK_HASH_SHA512,
                                  mk_str_z("secret")),
                     MK_OK);
    mk_hmac_fini(&h);
    assert_memory_equal(&h, zeros, sizeof h);
    mk_hmac_fini(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(the_example_of_cram_md5),
        cmocka_unit_test(a_key_of_nothing_and_of_one_block),
        cmocka_unit_test(an_unknown_hash_is_refused),
        cmocka_unit_test(every_call_fails_in_turn),
        cmocka_unit_test(a_hmac_is_wiped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * test_hash.c: known answers for the hashes of the mbedTLS filling: MD5 by
 * RFC 1321 A.5, SHA-1 by RFC 3174 §7.3, SHA-256 and SHA-512 by RFC 6234 §8.5;
 * fed whole, octet by octet, and copied in the middle.
 */
#include "failing.h"

typedef struct row {
    mk_hash hash;
    const char *text;
    size_t repeat;
    const char *hex;
} row;

#define M56 "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
#define M112                                                                   \
    "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"                 \
    "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"
#define T64                                                                    \
    "01234567012345670123456701234567"                                         \
    "01234567012345670123456701234567"

static const row rows[] = {
    {MK_HASH_MD5, "", 1, "d41d8cd98f00b204e9800998ecf8427e"},
    {MK_HASH_MD5, "a", 1, "0cc175b9c0f1b6a831c399e269772661"},
    {MK_HASH_MD5, "abc", 1, "900150983cd24fb0d6963f7d28e17f72"},
    {MK_HASH_MD5, "message digest", 1, "f96b697d7cb7938d525a2f31aaf161d0"},
    {MK_HASH_MD5, "abcdefghijklmnopqrstuvwxyz", 1,
     "c3fcd3d76192e4007dfb496cca67e13b"},
    {MK_HASH_MD5, "1234567890", 8, "57edf4a22be3c955ac49da2e2107b67a"},
    {MK_HASH_SHA1, "abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {MK_HASH_SHA1, M56, 1, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
    {MK_HASH_SHA1, "a", 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
    {MK_HASH_SHA1, T64, 10, "dea356a2cddd90c7a7ecedc5ebb563934f460452"},
    {MK_HASH_SHA256, "abc", 1,
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {MK_HASH_SHA256, M56, 1,
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {MK_HASH_SHA256, "a", 1000000,
     "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    {MK_HASH_SHA256, T64, 10,
     "594847328451bdfa85056225462cc1d867d877fb388df0ce35f25ab5562bfbb5"},
    {MK_HASH_SHA512, "abc", 1,
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    {MK_HASH_SHA512, M112, 1,
     "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
     "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909"},
    {MK_HASH_SHA512, "a", 1000000,
     "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
     "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b"},
};

static void known_answers(void **state)
{
    const mk_crypto *crypto = mk_crypto_mbedtls();
    size_t i, k;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        unsigned char value[MK_HASH_SIZE_MAX];
        mk_hash_context c;

        assert_int_equal(crypto->hash_init(&c, rows[i].hash), MK_OK);
        for (k = 0; k < rows[i].repeat; k++) {
            assert_int_equal(
                crypto->hash_update(&c, rows[i].text, strlen(rows[i].text)),
                MK_OK);
        }
        assert_int_equal(crypto->hash_finish(&c, value), MK_OK);
        crypto->hash_fini(&c);
        assert_hex(value, mk_hash_size(rows[i].hash), rows[i].hex);
    }
}

static void in_one_call_and_octet_by_octet(void **state)
{
    const mk_crypto *crypto = mk_crypto_mbedtls();
    size_t i, k;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        unsigned char value[MK_HASH_SIZE_MAX];
        mk_hash_context c, copy;

        if (rows[i].repeat != 1) {
            continue;
        }
        assert_int_equal(
            mk_hash_once(crypto, rows[i].hash, mk_str_z(rows[i].text), value),
            MK_OK);
        assert_hex(value, mk_hash_size(rows[i].hash), rows[i].hex);
        /* Each octet into a copy of the context before it. */
        assert_int_equal(crypto->hash_init(&c, rows[i].hash), MK_OK);
        for (k = 0; k < strlen(rows[i].text); k++) {
            crypto->hash_copy(&copy, &c);
            crypto->hash_fini(&c);
            c = copy;
            assert_int_equal(crypto->hash_update(&c, rows[i].text + k, 1),
                             MK_OK);
            assert_int_equal(crypto->hash_update(&c, NULL, 0), MK_OK);
        }
        assert_int_equal(crypto->hash_finish(&c, value), MK_OK);
        crypto->hash_fini(&c);
        assert_hex(value, mk_hash_size(rows[i].hash), rows[i].hex);
    }
}

static void an_unknown_hash_is_refused(void **state)
{
    unsigned char value[MK_HASH_SIZE_MAX];
    mk_hash_context c;

    (void)state;
    assert_int_equal(mk_crypto_mbedtls()->hash_init(&c, (mk_hash)99),
                     MK_E_UNSUPPORTED);
    assert_int_equal(
        mk_hash_once(mk_crypto_mbedtls(), (mk_hash)0, mk_str_z("x"), value),
        MK_E_UNSUPPORTED);
    assert_true(mk_crypto_mbedtls()->size == sizeof(mk_crypto));
}

static void a_context_is_wiped(void **state)
{
    static const unsigned char zeros[sizeof(mk_hash_context)];
    mk_hash_context c;

    (void)state;
    assert_int_equal(mk_crypto_mbedtls()->hash_init(&c, MK_HASH_SHA256), MK_OK);
    assert_int_equal(mk_crypto_mbedtls()->hash_update(&c, "secret", 6), MK_OK);
    mk_crypto_mbedtls()->hash_fini(&c);
    assert_memory_equal(&c, zeros, sizeof c);
    mk_crypto_mbedtls()->hash_fini(&c);
}

static void a_failing_filling_is_told(void **state)
{
    int n;

    (void)state;
    for (n = 1; n <= 3; n++) {
        unsigned char value[MK_HASH_SIZE_MAX] = {7};

        failing_calls = n;
        assert_int_equal(
            mk_hash_once(&failing_table, MK_HASH_MD5, mk_str_z("x"), value),
            MK_E_CRYPTO);
        assert_int_equal(value[0], 7);
        assert_int_equal(failing_opened, 0);
        assert_int_equal(failing_calls, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(in_one_call_and_octet_by_octet),
        cmocka_unit_test(an_unknown_hash_is_refused),
        cmocka_unit_test(a_context_is_wiped),
        cmocka_unit_test(a_failing_filling_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

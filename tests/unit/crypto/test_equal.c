/* SPDX-License-Identifier: MIT
 *
 * test_equal.c: the comparison of secrets, and what is known of a hash
 * without any filling.
 */
#include "check.h"

static void secrets_are_compared_whole(void **state)
{
    unsigned char a[33], b[33];
    size_t i;
    int bit;

    (void)state;
    memset(a, 0x5A, sizeof a);
    memcpy(b, a, sizeof b);
    assert_true(mk_equal_ct(a, b, sizeof a));
    assert_true(mk_equal_ct(NULL, NULL, 0));
    for (i = 0; i < sizeof a; i++) {
        for (bit = 0; bit < 8; bit++) {
            b[i] = (unsigned char)(b[i] ^ 1 << bit);
            assert_false(mk_equal_ct(a, b, sizeof a));
            assert_true(mk_equal_ct(a, b, i));
            b[i] = a[i];
        }
    }
}

static void hashes_have_lengths(void **state)
{
    static const struct {
        mk_hash hash;
        size_t size, block;
    } rows[] = {
        {MK_HASH_MD5, 16, 64},    {MK_HASH_SHA1, 20, 64},
        {MK_HASH_SHA256, 32, 64}, {MK_HASH_SHA512, 64, 128},
        {(mk_hash)0, 0, 0},       {(mk_hash)99, 0, 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        assert_int_equal(mk_hash_size(rows[i].hash), rows[i].size);
        assert_int_equal(mk_hash_block_size(rows[i].hash), rows[i].block);
        assert_true(rows[i].size <= MK_HASH_SIZE_MAX);
    }
}

static void close_nothing(mk_random *r)
{
    (void)r;
}

static void a_table_tells_what_it_has(void **state)
{
    mk_crypto c = {.size = sizeof(mk_crypto)};

    (void)state;
    assert_false(MK_CRYPTO_HAS(&c, random_close));
    c.random_close = close_nothing;
    assert_true(MK_CRYPTO_HAS(&c, random_close));
    c.size = offsetof(mk_crypto, random_close);
    assert_false(MK_CRYPTO_HAS(&c, random_close));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_compared_whole),
        cmocka_unit_test(hashes_have_lengths),
        cmocka_unit_test(a_table_tells_what_it_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

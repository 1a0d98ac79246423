/* SPDX-License-Identifier: MIT
 *
 * test_random.c: the generator of the mbedTLS filling: the memory that it
 * asks for is the memory that it uses, and what it gives differs. Quality of
 * randomness is not judged here.
 */
#include "check.h"

static void it_lives_in_the_memory_given(void **state)
{
    const mk_crypto *crypto = mk_crypto_mbedtls();
    size_t need = crypto->random_need();
    unsigned char *mem = malloc(need);
    mk_random r = {NULL, NULL};
    size_t i;

    (void)state;
    assert_non_null(mem);
    assert_int_equal(crypto->random_open(NULL, need, &r), MK_E_ARG);
    assert_int_equal(crypto->random_open(mem, need - 1, &r), MK_E_ROOM);
    assert_int_equal(crypto->random_open(mem + 1, need, &r), MK_E_ARG);
    assert_null(r.fill);
    assert_int_equal(crypto->random_open(mem, need, &r), MK_OK);
    assert_ptr_equal(r.self, mem);
    crypto->random_close(&r);
    for (i = 0; i < need; i++) {
        assert_int_equal(mem[i], 0);
    }
    crypto->random_close(&r);
    free(mem);
}

static void all_octets_are_filled_and_no_more(void **state)
{
    const mk_crypto *crypto = mk_crypto_mbedtls();
    static const size_t lengths[] = {0, 1, 16, 1024, 1025, 3000};
    void *mem = malloc(crypto->random_need());
    mk_random r;
    size_t i, k;

    (void)state;
    assert_int_equal(crypto->random_open(mem, crypto->random_need(), &r),
                     MK_OK);
    for (i = 0; i < COUNT(lengths); i++) {
        size_t n = lengths[i];
        unsigned char *octets = calloc(n + 1, 1);
        unsigned char *seen = calloc(n + 1, 1);

        assert_non_null(octets);
        assert_non_null(seen);
        octets[n] = 0xA5;
        /* In 32 rounds each octet is other than zero, but for 256^-32. */
        for (k = 0; k < 32 * n; k++) {
            if (k % (n == 0 ? 1 : n) == 0) {
                assert_int_equal(r.fill(r.self, octets, n), MK_OK);
            }
            seen[k % n] = (unsigned char)(seen[k % n] | octets[k % n]);
        }
        for (k = 0; k < n; k++) {
            assert_int_not_equal(seen[k], 0);
        }
        assert_int_equal(octets[n], 0xA5);
        free(octets);
        free(seen);
    }
    crypto->random_close(&r);
    free(mem);
}

static void no_two_are_alike(void **state)
{
    const mk_crypto *crypto = mk_crypto_mbedtls();
    void *mem_a = malloc(crypto->random_need());
    void *mem_b = malloc(crypto->random_need());
    unsigned char values[4][32];
    mk_random a, b;
    size_t i, k;

    (void)state;
    assert_int_equal(crypto->random_open(mem_a, crypto->random_need(), &a),
                     MK_OK);
    assert_int_equal(crypto->random_open(mem_b, crypto->random_need(), &b),
                     MK_OK);
    for (i = 0; i < 4; i++) {
        mk_random *r = i < 2 ? &a : &b;

        assert_int_equal(r->fill(r->self, values[i], 32), MK_OK);
        for (k = 0; k < i; k++) {
            assert_memory_not_equal(values[i], values[k], 32);
        }
    }
    crypto->random_close(&a);
    crypto->random_close(&b);
    free(mem_a);
    free(mem_b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_lives_in_the_memory_given),
        cmocka_unit_test(all_octets_are_filled_and_no_more),
        cmocka_unit_test(no_two_are_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

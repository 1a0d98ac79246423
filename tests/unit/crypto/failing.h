/* SPDX-License-Identifier: MIT
 *
 * failing.h: the mbedTLS filling with a fault: the n-th call that may fail
 * does. It counts contexts begun and given up, so that a leak shows. The
 * table of functions has no self, hence the counters of this test program.
 */
#ifndef MK_TESTS_CRYPTO_FAILING_H
#define MK_TESTS_CRYPTO_FAILING_H

#include "check.h"

static int failing_calls;  /* calls left until one fails; 0: none does */
static int failing_opened; /* contexts begun and not given up */

static inline bool failing_now(void)
{
    return failing_calls > 0 && --failing_calls == 0;
}

static mk_err failing_init(mk_hash_context *c, mk_hash hash)
{
    mk_err err =
        failing_now() ? MK_E_CRYPTO : mk_crypto_mbedtls()->hash_init(c, hash);

    failing_opened += err == MK_OK ? 1 : 0;
    return err;
}

static mk_err failing_update(mk_hash_context *c, const void *ptr, size_t n)
{
    return failing_now() ? MK_E_CRYPTO
                         : mk_crypto_mbedtls()->hash_update(c, ptr, n);
}

static mk_err failing_finish(mk_hash_context *c, unsigned char *out_value)
{
    return failing_now() ? MK_E_CRYPTO
                         : mk_crypto_mbedtls()->hash_finish(c, out_value);
}

static void failing_copy(mk_hash_context *out_copy, const mk_hash_context *c)
{
    failing_opened++;
    mk_crypto_mbedtls()->hash_copy(out_copy, c);
}

static void failing_fini(mk_hash_context *c)
{
    failing_opened--;
    mk_crypto_mbedtls()->hash_fini(c);
}

static const mk_crypto failing_table = {
    .size = sizeof(mk_crypto),
    .hash_init = failing_init,
    .hash_update = failing_update,
    .hash_finish = failing_finish,
    .hash_copy = failing_copy,
    .hash_fini = failing_fini,
};

#endif

/* SPDX-License-Identifier: MIT
 *
 * hash.c: what is true of a hash whoever computes it, hashing in one call,
 * and the comparison of secrets. It uses the table of functions only and
 * knows no algorithm itself.
 */
#include <mailkit/crypto.h>

#include <string.h>

size_t mk_hash_size(mk_hash hash)
{
    switch (hash) {
    case MK_HASH_MD5:
        return 16;
    case MK_HASH_SHA1:
        return 20;
    case MK_HASH_SHA256:
        return 32;
    case MK_HASH_SHA512:
        return 64;
    default:
        return 0;
    }
}

size_t mk_hash_block_size(mk_hash hash)
{
    if (mk_hash_size(hash) == 0) {
        return 0;
    }
    return hash == MK_HASH_SHA512 ? 128 : 64;
}

mk_err mk_hash_once(const mk_crypto *crypto, mk_hash hash, mk_str data,
                    unsigned char *out_value)
{
    unsigned char value[MK_HASH_SIZE_MAX];
    mk_hash_context c;
    mk_err err = crypto->hash_init(&c, hash);

    if (err != MK_OK) {
        return err;
    }
    err = crypto->hash_update(&c, data.ptr, data.len);
    if (err == MK_OK) {
        err = crypto->hash_finish(&c, value);
    }
    crypto->hash_fini(&c);
    if (err == MK_OK) {
        memcpy(out_value, value, mk_hash_size(hash));
    }
    mk_wipe(value, sizeof value);
    return err;
}

/* Volatile reads keep the compiler from leaving the loop early. */
bool mk_equal_ct(const void *a, const void *b, size_t n)
{
    const volatile unsigned char *x = a;
    const volatile unsigned char *y = b;
    unsigned difference = 0;
    size_t i;

    for (i = 0; i < n; i++) {
        difference |= (unsigned)(x[i] ^ y[i]);
    }
    return difference == 0;
}

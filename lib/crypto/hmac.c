/* SPDX-License-Identifier: MIT
 *
 * hmac.c: HMAC (RFC 2104) over the hashes of a crypto table. The padded keys
 * are absorbed once at init, so that mk_hmac_copy of a fresh HMAC costs no
 * hashing; PBKDF2 lives on that. Values are never truncated here.
 */
#include <mailkit/crypto.h>

#include <string.h>

enum { BLOCK_MAX = 128, INNER_PAD = 0x36, OUTER_PAD = 0x5C };

/* Start one of the two hashes with the key, xor'ed with its pad. */
static mk_err absorb_key(const mk_crypto *crypto, mk_hash hash,
                         const unsigned char *key, unsigned pad,
                         mk_hash_context *out_context)
{
    unsigned char block[BLOCK_MAX];
    size_t n = mk_hash_block_size(hash);
    size_t i;
    mk_err err = crypto->hash_init(out_context, hash);

    if (err != MK_OK) {
        return err;
    }
    for (i = 0; i < n; i++) {
        block[i] = (unsigned char)(key[i] ^ pad);
    }
    err = crypto->hash_update(out_context, block, n);
    if (err != MK_OK) {
        crypto->hash_fini(out_context);
    }
    mk_wipe(block, sizeof block);
    return err;
}

mk_err mk_hmac_init(mk_hmac *h, const mk_crypto *crypto, mk_hash hash,
                    mk_str key)
{
    unsigned char padded[BLOCK_MAX] = {0};
    size_t n = mk_hash_block_size(hash);
    mk_err err = MK_OK;

    if (n == 0) {
        return MK_E_UNSUPPORTED;
    }
    if (key.len > n) {
        err = mk_hash_once(crypto, hash, key, padded);
    } else if (key.len > 0) {
        memcpy(padded, key.ptr, key.len);
    }
    if (err == MK_OK) {
        err = absorb_key(crypto, hash, padded, INNER_PAD, &h->inner);
    }
    if (err == MK_OK) {
        err = absorb_key(crypto, hash, padded, OUTER_PAD, &h->outer);
        if (err != MK_OK) {
            crypto->hash_fini(&h->inner);
        }
    }
    if (err == MK_OK) {
        h->crypto = crypto;
    }
    mk_wipe(padded, sizeof padded);
    return err;
}

mk_err mk_hmac_update(mk_hmac *h, mk_str data)
{
    return h->crypto->hash_update(&h->inner, data.ptr, data.len);
}

mk_err mk_hmac_finish(mk_hmac *h, unsigned char *out_value)
{
    unsigned char value[MK_HASH_SIZE_MAX];
    size_t n = mk_hash_size(h->inner.hash);
    mk_err err = h->crypto->hash_finish(&h->inner, value);

    if (err == MK_OK) {
        err = h->crypto->hash_update(&h->outer, value, n);
    }
    if (err == MK_OK) {
        err = h->crypto->hash_finish(&h->outer, out_value);
    }
    mk_wipe(value, sizeof value);
    return err;
}

void mk_hmac_copy(const mk_hmac *h, mk_hmac *out_copy)
{
    out_copy->crypto = h->crypto;
    h->crypto->hash_copy(&out_copy->inner, &h->inner);
    h->crypto->hash_copy(&out_copy->outer, &h->outer);
}

void mk_hmac_fini(mk_hmac *h)
{
    if (h->crypto != NULL) {
        h->crypto->hash_fini(&h->inner);
        h->crypto->hash_fini(&h->outer);
    }
    mk_wipe(h, sizeof *h);
}

mk_err mk_hmac_once(const mk_crypto *crypto, mk_hash hash, mk_str key,
                    mk_str data, unsigned char *out_value)
{
    unsigned char value[MK_HASH_SIZE_MAX];
    mk_hmac h;
    mk_err err = mk_hmac_init(&h, crypto, hash, key);

    if (err != MK_OK) {
        return err;
    }
    err = mk_hmac_update(&h, data);
    if (err == MK_OK) {
        err = mk_hmac_finish(&h, value);
    }
    mk_hmac_fini(&h);
    if (err == MK_OK) {
        memcpy(out_value, value, mk_hash_size(hash));
    }
    mk_wipe(value, sizeof value);
    return err;
}

/* SPDX-License-Identifier: MIT
 *
 * pbkdf2.c: PBKDF2 (RFC 8018 §5.2) over HMAC, in slices. A slice is counted
 * in HMACs, the only costly step; between slices the whole state lies in the
 * caller's struct. It does not judge whether an iteration count is enough:
 * who takes a password does (RFC 7677 §4).
 */
#include <mailkit/crypto.h>

#include <string.h>

enum { KEY_MAX = 65536 };

mk_err mk_pbkdf2_init(mk_pbkdf2 *p, const mk_crypto *crypto, mk_hash hash,
                      mk_str password, mk_str salt, uint32_t iterations,
                      unsigned char *out_key, size_t key_len)
{
    mk_hmac keyed;
    mk_err err;

    if (iterations == 0 || key_len == 0 || key_len > KEY_MAX) {
        return MK_E_ARG;
    }
    err = mk_hmac_init(&keyed, crypto, hash, password);
    if (err != MK_OK) {
        return err;
    }
    memset(p, 0, sizeof *p);
    mk_hmac_copy(&keyed, &p->keyed);
    mk_hmac_fini(&keyed);
    p->salt = salt;
    p->hash = hash;
    p->iterations = iterations;
    p->block = 1;
    p->key = out_key;
    p->key_len = key_len;
    p->is_open = true;
    return MK_OK;
}

/* U_1 = PRF (P, S || INT (i)); INT is big-endian. */
static mk_err compute_first(mk_pbkdf2 *p, mk_hmac *h)
{
    char number[4];
    mk_err err = mk_hmac_update(h, p->salt);
    unsigned i;

    for (i = 0; i < 4; i++) {
        number[i] = (char)(unsigned char)(p->block >> (24 - 8 * i));
    }
    return err == MK_OK ? mk_hmac_update(h, mk_str_of(number, 4)) : err;
}

/* One HMAC: U_j = PRF (P, U_{j-1}), xor'ed into T. */
static mk_err compute_next(mk_pbkdf2 *p)
{
    size_t n = mk_hash_size(p->hash);
    mk_hmac h;
    mk_err err;
    size_t i;

    mk_hmac_copy(&p->keyed, &h);
    if (p->iteration == 0) {
        memset(p->t, 0, sizeof p->t);
        err = compute_first(p, &h);
    } else {
        err = mk_hmac_update(&h, mk_str_of((const char *)p->u, n));
    }
    if (err == MK_OK) {
        err = mk_hmac_finish(&h, p->u);
    }
    mk_hmac_fini(&h);
    for (i = 0; err == MK_OK && i < n; i++) {
        p->t[i] = (unsigned char)(p->t[i] ^ p->u[i]);
    }
    p->iteration++;
    return err;
}

static void finish_block(mk_pbkdf2 *p)
{
    size_t n = mk_hash_size(p->hash);
    size_t left = p->key_len - p->done;

    if (left < n) {
        n = left;
    }
    memcpy(p->key + p->done, p->t, n);
    p->done += n;
    p->block++;
    p->iteration = 0;
}

mk_err mk_pbkdf2_step(mk_pbkdf2 *p, uint32_t budget)
{
    if (budget == 0) {
        return MK_E_ARG;
    }
    if (!p->is_open) {
        return MK_E_STATE;
    }
    while (p->done < p->key_len && budget > 0) {
        mk_err err = compute_next(p);

        if (err != MK_OK) {
            p->done = 0;
            mk_wipe(p->key, p->key_len);
            mk_pbkdf2_fini(p);
            return err;
        }
        if (p->iteration == p->iterations) {
            finish_block(p);
        }
        budget--;
    }
    return p->done == p->key_len ? MK_OK : MK_WAIT;
}

void mk_pbkdf2_fini(mk_pbkdf2 *p)
{
    mk_hmac_fini(&p->keyed);
    if (p->done < p->key_len) {
        mk_wipe(p->key, p->key_len);
    }
    mk_wipe(p, sizeof *p);
}

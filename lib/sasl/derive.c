/* SPDX-License-Identifier: MIT
 *
 * sasl/derive.c: the keys of SCRAM out of a password, in slices (RFC 5802 3):
 *
 *    SaltedPassword := Hi(Normalize(password), salt, i)
 *    ClientKey      := HMAC(SaltedPassword, "Client Key")
 *    StoredKey      := H(ClientKey)
 *    ServerKey      := HMAC(SaltedPassword, "Server Key")
 *
 * Hi is PBKDF2. It does not normalize, and does not judge the iterations.
 */
#include "sasl/internal.h"

mk_err mk_sasl_derive_begin(mk_sasl_derivation *d, const mk_crypto *crypto,
                            mk_hash hash, mk_str password, mk_str salt,
                            uint32_t iterations)
{
    d->crypto = crypto;
    d->hash = hash;
    return mk_pbkdf2_init(&d->pbkdf2, crypto, hash, password, salt, iterations,
                          d->salted, mk_hash_size(hash));
}

static mk_err make_keys(const mk_sasl_derivation *d, mk_sasl_secrets *out)
{
    size_t n = mk_hash_size(d->hash);
    mk_str salted = mk_str_of((const char *)d->salted, n);
    mk_str client_key = mk_str_of((const char *)out->client_key, n);
    mk_err err = mk_hmac_once(d->crypto, d->hash, salted,
                              mk_str_z("Client Key"), out->client_key);

    if (err == MK_OK) {
        err = mk_hash_once(d->crypto, d->hash, client_key, out->stored_key);
    }
    if (err == MK_OK) {
        err = mk_hmac_once(d->crypto, d->hash, salted, mk_str_z("Server Key"),
                           out->server_key);
    }
    return err;
}

mk_err mk_sasl_derive_step(mk_sasl_derivation *d, uint32_t budget,
                           mk_sasl_secrets *out_secrets)
{
    mk_err err = mk_pbkdf2_step(&d->pbkdf2, budget);

    if (err == MK_WAIT) {
        return err;
    }
    if (err == MK_OK) {
        err = make_keys(d, out_secrets);
    }
    if (err != MK_OK) {
        mk_wipe(out_secrets, sizeof *out_secrets);
    }
    mk_pbkdf2_fini(&d->pbkdf2);
    mk_wipe(d, sizeof *d);
    return err;
}

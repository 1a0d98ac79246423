/* SPDX-License-Identifier: MIT
 *
 * sasl/server_keys.c: what a server knows of a user, or pretends to (THREATS
 * 50). Who has no salt of their own, known by password or not known at all,
 * has one made of the name and the pepper, so that it is the same each time
 * and tells nothing. The same HMACs are done for all.
 */
#include "sasl/internal.h"

#include <string.h>

static mk_err make_salt(mk_sasl *s, unsigned char *out_salt)
{
    return mk_hmac_once(s->crypto, MK_HASH_SHA256, s->server->pepper,
                        s->ask.authcid, out_salt);
}

static void copy_keys(mk_sasl_work *w, const mk_sasl_keys *keys)
{
    size_t n = keys->stored_key.len;

    memcpy(w->salt, keys->salt.ptr, keys->salt.len);
    w->salt_len = keys->salt.len;
    w->iterations = keys->iterations;
    memcpy(w->keys.stored_key, keys->stored_key.ptr, n);
    memcpy(w->keys.server_key, keys->server_key.ptr, n);
    w->hash = n == mk_hash_size(MK_HASH_SHA1) ? MK_HASH_SHA1 : MK_HASH_SHA256;
}

mk_err mk_sasl_server_load(mk_sasl *s, const mk_sasl_keys *keys)
{
    mk_sasl_work *w = &s->work;
    mk_err err = make_salt(s, w->salt);

    w->salt_len = SASL_SALT_MADE;
    w->iterations = s->server->iterations;
    w->hash = s->row->hash;
    w->is_known = keys != NULL;
    w->has_password = keys != NULL && keys->password.len > 0;
    if (err == MK_OK && w->is_known && !w->has_password) {
        copy_keys(w, keys);
    }
    return err;
}

mk_str mk_sasl_server_password(const mk_sasl *s, const mk_sasl_keys *keys)
{
    return s->work.has_password
               ? keys->password
               : mk_str_of((const char *)s->work.salt, SASL_SALT_MADE);
}
